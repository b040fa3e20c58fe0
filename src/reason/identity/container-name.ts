/**
 * The name that people gave a container, where the host can be asked for it without the runtime's socket:
 * Docker's own file about the container, and in a pod the host name, which is the pod's name. Both are read
 * only with the rights of root; without them a container goes by its process's name.
 */
import { hostname } from 'node:os';
import type { ProcessInfo } from './proc.ts';
import { readBounded } from './proc.ts';

/** A container's configuration with its environment and labels. */
const DOCKER_BYTES = 262_144;
const HOSTNAME_BYTES = 256;
const DOCKER_FOLDER = '/var/lib/docker/containers';

export interface ContainerName {
  readonly name: string;
  readonly detail: string;
}

export interface ContainerPlaces {
  readonly docker: string;
  readonly proc: string;
}

export const CONTAINER_PLACES: ContainerPlaces = { docker: DOCKER_FOLDER, proc: '/proc' };

export function containerName(info: ProcessInfo, places: ContainerPlaces): ContainerName | undefined {
  const { containerId, podUid } = info.cgroup;
  if (podUid !== undefined) {
    const pod = readBounded(`${places.proc}/${info.pid}/root/etc/hostname`, HOSTNAME_BYTES)?.trim();
    // A pod on the host's own network has the host's name.
    if (pod === undefined || pod === '' || pod === hostname()) return undefined;
    return { name: workloadOf(pod), detail: `pod ${pod}, uid ${podUid}` };
  }
  if (containerId === undefined) return undefined;
  const text = readBounded(`${places.docker}/${containerId}/config.v2.json`, DOCKER_BYTES);
  return text === undefined ? undefined : ofDocker(text, containerId);
}

function ofDocker(text: string, id: string): ContainerName | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined; // Longer than we read, or being written.
  }
  const service = textAt(read, 'Config', 'Labels', 'com.docker.compose.service');
  const name = textAt(read, 'Name')?.replace(/^\//, '');
  const best = service ?? name;
  if (best === undefined || best === '') return undefined;
  return { name: best, detail: `container ${name ?? ''} ${id.slice(0, 12)}` };
}

function textAt(value: unknown, ...keys: string[]): string | undefined {
  let at = value;
  for (const key of keys) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return typeof at === 'string' ? at : undefined;
}

/** Kubernetes makes suffixes of these characters only, without vowels, so that no word comes out. */
const SUFFIX = '[bcdfghjklmnpqrstvwxz2456789]';
const DEPLOYMENT = new RegExp(`^(.+)-${SUFFIX}{6,10}-${SUFFIX}{5}$`);
const DAEMON_SET = new RegExp(`^(.+)-${SUFFIX}{5}$`);
const STATEFUL_SET = /^(.+)-\d{1,4}$/;

/** `cart-7d9f8c6b5-x2x4q` is of the Deployment cart, `agent-x2x4q` a DaemonSet's, `db-0` a StatefulSet's. */
export function workloadOf(pod: string): string {
  return (DEPLOYMENT.exec(pod) ?? DAEMON_SET.exec(pod) ?? STATEFUL_SET.exec(pod))?.[1] ?? pod;
}
