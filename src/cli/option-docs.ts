/** docs/formats/config.md and docs/formats/exit-codes.md, from the declarations; a test keeps them equal. */
import { formatBytes, formatCount } from './format.ts';
import { EXIT_CODES } from './exit.ts';
import { OPTIONS, type OptionDeclaration } from './options.ts';

const KINDS: Readonly<Record<OptionDeclaration['kind'], string>> = {
  flag: '`true` or `false`',
  text: 'text',
  texts: 'text or list of texts',
  integer: 'whole number',
  bytes: 'size: `65536`, `64KiB`',
  duration: 'time: `20s`, `1m30s`',
  choice: 'one of',
  services: 'list, see below',
};

export function configDocument(): string {
  const settings = OPTIONS.filter((option) => option.flagOnly !== true && option.limit !== true);
  const limits = OPTIONS.filter((option) => option.limit === true);
  const questions = OPTIONS.filter((option) => option.flagOnly === true);
  return `# Configuration

One YAML file: \`--config FILE\`, or EASTWEST_CONFIG, or \`~/.config/eastwest/config.yaml\` when it is there
(\`$XDG_CONFIG_HOME\` is respected). Every key is also a flag and an environment variable. A flag wins
over the variable, the variable over the file, the file over the default. What is wrong is refused with
its place:

\`\`\`
eastwest: eastwest.yaml:3:1: there is no key "intreface"; did you mean interface?
eastwest: eastwest.yaml:4:10: workers is 99; the most is 64
eastwest: environment: there is no variable EASTWEST_WORKRES; did you mean EASTWEST_WORKERS?
\`\`\`

\`\`\`yaml
interface: [eth0, docker0]
bpf: tcp port 8080
workers: 2
services:
  - name: cart
    address: 10.0.0.1
    port: 80
  - name: databases
    cidr: 10.1.0.0/16
limits:
  connections: 100000
\`\`\`

In a flag or variable, services are \`cart=10.0.0.1:80,databases=10.1.0.0/16,web=[fd00::1]:443\`, and
other lists have commas; a flag may also be repeated. A flag that is on is switched off by \`--no-…\`.

## Keys

| key | flag | variable | value | default | meaning |
| --- | --- | --- | --- | --- | --- |
${settings.map(settingRow).join('\n')}

## Limits

Reaching a limit is counted in the coverage ledger.

| key | flag | variable | range | default | meaning |
| --- | --- | --- | --- | --- | --- |
${limits.map(limitRow).join('\n')}

## Questions of one run

Flags only, neither in the file nor in the environment.

| flag | commands | meaning |
| --- | --- | --- |
${questions.map((one) => `| \`${one.flag}\` | ${one.commands.join(', ')} | ${one.help} |`).join('\n')}
`;
}

function settingRow(option: OptionDeclaration): string {
  const short = option.short === undefined ? '' : `\`-${option.short}\`, `;
  const kind =
    option.kind === 'choice'
      ? (option.choices ?? []).map((one) => `\`${one}\``).join(', ')
      : KINDS[option.kind];
  const cells = [
    `\`${option.key}\``,
    `${short}\`${option.flag}\``,
    option.environment,
    kind + range(option),
    defaultText(option),
    option.help,
  ];
  return `| ${cells.join(' | ')} |`;
}

function limitRow(option: OptionDeclaration): string {
  const show = option.kind === 'bytes' ? formatBytes : formatCount;
  const cells = [
    `\`${option.key}\``,
    `\`${option.flag}\``,
    option.environment,
    `${show(option.min ?? 0)} to ${show(option.max ?? 0)}`,
    show(Number(option.default)),
    option.help,
  ];
  return `| ${cells.join(' | ')} |`;
}

function range(option: OptionDeclaration): string {
  return option.min === undefined ? '' : `, ${option.min} to ${option.max}`;
}

function defaultText(option: OptionDeclaration): string {
  if (option.key === 'key-file') return '`~/.config/eastwest/key`';
  const values = [option.default ?? []].flat();
  return values.length === 0 ? 'none' : `\`${values.map(String).join(', ')}\``;
}

export function exitCodesDocument(): string {
  return `# Exit codes

| code | meaning |
| --- | --- |
${EXIT_CODES.map(({ code, meaning }) => `| ${code} | ${meaning} |`).join('\n')}

- \`eastwest up\` and \`eastwest observe\` run until they are stopped: Ctrl-C (SIGINT), SIGTERM and a
  closed terminal are their normal end, as is \`--for\`, and the code is 0. The
  summary and the ledger are printed.
- \`eastwest read\` that is stopped before the end of its input prints what it has and ends with 5.
- A second Ctrl-C ends any command at once with 5.
- When the reader of standard output goes away (\`| head\`), the command ends quietly with 0.
- \`eastwest\` without a command prints help and ends with 2; \`--help\` and \`--version\` with 0.
- A failure is one line on standard error: \`eastwest: what: where; what to do\`.
  EASTWEST_DEBUG=1 adds the stack trace.
`;
}
