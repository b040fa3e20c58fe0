/**
 * What the control groups of a process say of it: container, pod, unit of systemd. Parses /proc/PID/cgroup
 * (https://man7.org/linux/man-pages/man7/cgroups.7.html), versions 1 and 2; the names below are those that
 * the runtimes give their groups, with the cgroupfs and the systemd driver.
 */

export interface CgroupFacts {
  /** The path that says most: version 2, systemd's own hierarchy, or the longest. */
  readonly path: string;
  /** 64 hexadecimal digits. */
  readonly containerId: string | undefined;
  /** Where the group's name tells it: docker, containerd, cri-o, podman. */
  readonly runtime: string | undefined;
  /** Kubernetes' uid of the pod. */
  readonly podUid: string | undefined;
  /** A `.service` of systemd, unescaped. */
  readonly unit: string | undefined;
  /** Whose user manager or session it belongs to. */
  readonly user: number | undefined;
  /** The innermost `.slice`. */
  readonly slice: string | undefined;
}

const RUNTIMES: Readonly<Record<string, string>> = {
  docker: 'docker',
  'cri-containerd': 'containerd',
  containerd: 'containerd',
  nerdctl: 'containerd',
  crio: 'cri-o',
  libpod: 'podman',
  'libpod-payload': 'podman',
};

/**
 * A whole segment, or what follows a colon in one. Groups of the runtime's own monitors (`libpod-conmon-…`,
 * `crio-conmon-…`) are not the container and do not match.
 */
const CONTAINER = /(?:^|[/:])(?:([a-z]+(?:-[a-z]+)?)[-_])?([0-9a-f]{64})(?:\.scope)?(?=\/|$)/g;
const POD =
  /pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?=[./:]|$)/;
const USER = /(?:^|\/)user(?:@|-)(\d{1,10})\.(?:service|slice)/;
const USER_MANAGER = /^user@\d+\.service$/;

/** The facts in the text of /proc/PID/cgroup. Paths are hostile only to the extent that root is. */
export function parseCgroup(text: string): CgroupFacts {
  const paths = pathsOf(text);
  const path = paths[0] ?? '/';
  let containerId: string | undefined;
  let runtime: string | undefined;
  let podUid: string | undefined;
  for (const one of paths) {
    const found = containerOf(one);
    containerId ??= found?.id;
    runtime ??= found?.runtime;
    podUid ??= POD.exec(one)?.[1].replaceAll('_', '-');
  }
  const user = USER.exec(path)?.[1];
  return {
    path,
    containerId,
    runtime,
    podUid,
    unit: unitOf(path),
    user: user === undefined ? undefined : Number(user),
    slice: last(path, '.slice'),
  };
}

/** Most telling first: version 2 unless it is the root, then name=systemd, then the longest. */
function pathsOf(text: string): string[] {
  const ranked: { path: string; rank: number }[] = [];
  for (const line of text.split('\n')) {
    const first = line.indexOf(':');
    const second = line.indexOf(':', first + 1);
    if (first <= 0 || second < 0) continue;
    const controllers = line.slice(first + 1, second);
    const path = line.slice(second + 1);
    const rank =
      path === '/' ? -1 : controllers === '' ? 2e6 : controllers === 'name=systemd' ? 1e6 : path.length;
    ranked.push({ path, rank });
  }
  return ranked.sort((a, b) => b.rank - a.rank).map((one) => one.path);
}

/** The innermost container of a path: containers may run in one another. */
function containerOf(path: string): { id: string; runtime: string | undefined } | undefined {
  let found: { id: string; runtime: string | undefined } | undefined;
  for (const [, prefix, id] of path.matchAll(CONTAINER)) {
    if (prefix !== undefined && RUNTIMES[prefix] === undefined) continue;
    const parent = path.includes(`/docker/${id}`)
      ? 'docker'
      : path.includes(':cri-containerd:')
        ? 'containerd'
        : undefined;
    found = { id, runtime: prefix === undefined ? parent : RUNTIMES[prefix] };
  }
  return found;
}

function unitOf(path: string): string | undefined {
  const unit = last(path, '.service');
  return unit === undefined || USER_MANAGER.test(unit) ? undefined : unit;
}

/** The innermost segment with this ending, its `\x2d` and the like undone. */
function last(path: string, ending: string): string | undefined {
  const segment = path.split('/').findLast((one) => one.endsWith(ending) && one.length > ending.length);
  return segment?.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
