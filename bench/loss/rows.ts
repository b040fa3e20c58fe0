/** The calls that the engine tells of a capture, as the comparison needs them. */
import { LOG_CLIENT, LOG_NUMBER, LOG_PORTS, LOG_SERVER, LOG_WORDS } from '../../src/record/connection-log.ts';
import { FLAG_ONE_SIDED, FLAG_WEAK } from '../../src/record/codes.ts';
import { readBlock } from '../../src/record/native-reader.ts';
import { Driver, type Pass } from '../drive.ts';

export interface CallRow {
  /** The id, and where: `client:port server:port`. */
  readonly call: string;
  readonly connection: string;
  /** ns since `base`: the first bytes of request and answer, and the end. */
  readonly start: number;
  readonly firstByte: number;
  readonly end: number;
  readonly method: string;
  readonly target: string;
  readonly status: string;
  readonly outcome: string;
  readonly requestBytes: string;
  readonly responseBytes: string;
  readonly flags: number;
  readonly hasRequest: boolean;
  readonly hasAnswer: boolean;
}

/** Outcomes that blame the application. */
export const BLAMING: ReadonlySet<string> = new Set(['unanswered', 'reset', 'timeout', 'cancelled']);

export async function callsOf(path: string, base: bigint): Promise<CallRow[]> {
  const rows: CallRow[] = [];
  const connections = new Map<number, string>();
  const driver = new Driver({
    level: 'records',
    onBlock: (bytes, log) => {
      for (let entry = 0; entry < log.count; entry++) {
        const from = entry * LOG_WORDS;
        const words = log.words;
        const ports = words[from + LOG_PORTS];
        const client = `${words[from + LOG_CLIENT]}:${ports & 0xffff}`;
        const name = `${client} ${words[from + LOG_SERVER]}:${ports >>> 16}`;
        connections.set(words[from + LOG_NUMBER], name);
      }
      addRows(bytes, base, connections, rows);
    },
  });
  const pass: Pass = await driver.pass(path);
  if (pass.calls !== rows.length) throw new Error(`${path}: ${pass.calls} calls, ${rows.length} rows`);
  return rows;
}

function addRows(bytes: Uint8Array, base: bigint, names: ReadonlyMap<number, string>, rows: CallRow[]): void {
  const read = readBlock(bytes);
  if (!read.ok) throw new Error(read.error);
  const block = read.value;
  for (let row = 0; row < block.rows; row++) {
    const high = BigInt(block.high('start', row) >>> 0);
    const start = Number(((high << 32n) | BigInt(block.low('start', row) >>> 0)) - base);
    const flags = block.number('flags', row);
    const status = block.text('status', row);
    const firstByte = Number(block.u64('first_byte', row));
    const hasRequest = (flags & FLAG_ONE_SIDED) === 0 || (flags & FLAG_WEAK) === 0;
    rows.push({
      call: block.u64('call', row),
      connection: names.get(block.number('connection', row)) ?? '?',
      start,
      firstByte: start + firstByte,
      end: start + Number(block.u64('end', row)),
      method: block.text('method', row),
      target: block.text('target', row),
      status,
      outcome: block.text('outcome', row),
      requestBytes: block.u64('request_bytes', row),
      responseBytes: block.u64('response_bytes', row),
      flags,
      hasRequest,
      hasAnswer: !hasRequest || (flags & FLAG_ONE_SIDED) === 0,
    });
  }
}
