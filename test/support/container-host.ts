/**
 * A host with containers, made of network namespaces: two bridges, a container on either as it is asked for,
 * routing between them, ports published by DNAT. The host is a namespace too, so that nothing of the machine
 * is changed and nothing but the containers' traffic is on its interfaces.
 */
import { interfaceName, Network } from './netns.ts';

/** Inside the namespaces only: nobody else has to route them. */
const SUBNETS = ['10.231.1', '10.231.2'] as const;

export interface Container {
  readonly namespace: string;
  readonly address: string;
  /** Its end of the veth pair in the host. */
  readonly hostInterface: string;
  /** Goes before a command that is to run inside. */
  readonly prefix: readonly string[];
}

export interface Published {
  readonly protocol: 'tcp' | 'udp';
  /** Of the host, on the bridge of those who ask. */
  readonly port: number;
  readonly to: Container;
  readonly toPort: number;
}

export class ContainerHost {
  readonly network = new Network();
  readonly namespace: string;
  readonly prefix: readonly string[];
  readonly #bridges: string[] = [];
  #containers = 0;

  constructor() {
    this.namespace = this.network.namespace('host');
    this.prefix = ['ip', 'netns', 'exec', this.namespace];
    for (const subnet of SUBNETS) {
      const bridge = interfaceName('b');
      this.network.bridge(bridge, this.namespace, `${subnet}.1/24`);
      this.#bridges.push(bridge);
    }
    this.network.exec(this.namespace, 'sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
  }

  /** The host's own address on a bridge, which its containers route by. */
  gateway(bridge: 0 | 1): string {
    return `${SUBNETS[bridge]}.1`;
  }

  container(label: string, bridge: 0 | 1): Container {
    const subnet = SUBNETS[bridge];
    const address = `${subnet}.${++this.#containers + 1}`;
    const namespace = this.network.namespace(label);
    const hostInterface = interfaceName('v');
    const inside = interfaceName('e');
    this.network.veth(
      { name: hostInterface, namespace: this.namespace, master: this.#bridges[bridge] },
      { name: inside, namespace, address: `${address}/24` },
    );
    this.network.ip(namespace, 'route', 'add', 'default', 'via', `${subnet}.1`);
    return { namespace, address, hostInterface, prefix: ['ip', 'netns', 'exec', namespace] };
  }

  /** Who asks the host's address on that port reaches the container (`docker run -p`). */
  publish(ports: readonly Published[]): void {
    const rules = ports.map(({ protocol, port, to, toPort }) => {
      return (
        `ip daddr { ${SUBNETS.map((subnet) => `${subnet}.1`).join(', ')} } ` +
        `${protocol} dport ${port} dnat to ${to.address}:${toPort}`
      );
    });
    const chain = 'type nat hook prerouting priority dstnat;';
    this.network.nft(
      this.namespace,
      `table ip published {\nchain in {\n${chain}\n${rules.join('\n')}\n}\n}\n`,
    );
  }

  close(): void {
    this.network.close();
  }
}
