import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEFAULT_LIMITS } from '../src/base/limits.ts';
import { createMemory } from '../src/base/memory.ts';
import { Slabs } from '../src/base/slab.ts';
import { Ledger } from '../src/record/coverage.ts';
import { readCapture } from '../src/wire/capture/pcap-file.ts';
import type { FrameSink } from '../src/wire/capture/frame-sink.ts';
import { DECODED, Decoder, KEPT } from '../src/wire/decode/decode.ts';
import { Packet, TRANSPORT_TCP, TRANSPORT_UDP } from '../src/wire/decode/packet.ts';
import { CORPORA, CORPORA_MISSING, readOracle } from './support/corpora.ts';

/** Frames that tshark counts and we do not: it takes custom blocks of pcapng for frames. */
const CUSTOM_BLOCKS: Readonly<Record<string, number>> = {
  'google+gopacket/pcapgo/tests/be/test017.pcapng': 4,
  'google+gopacket/pcapgo/tests/be/test018.pcapng': 4,
  'google+gopacket/pcapgo/tests/be/test102.pcapng': 3,
  'google+gopacket/pcapgo/tests/be/test202.pcapng': 3,
  'google+gopacket/pcapgo/tests/le/test018.pcapng': 4,
  'google+gopacket/pcapgo/tests/le/test102.pcapng': 3,
  'google+gopacket/pcapgo/tests/le/test202.pcapng': 3,
};

/** Captures that are refused, or read only in part, and the words that say why. */
const REFUSED: readonly (readonly [file: string, why: RegExp])[] = [
  ['OISF+suricata-verify/tests/bug-1450-04/tls_DER-incomplete-header.pcap', /a record states 4325376 bytes/],
  ['OISF+suricata-verify/tests/bug-1450-05/tls_DER-incomplete-content.pcap', /a record states 4325376 bytes/],
  ['google+gopacket/pcapgo/tests/be/test901.pcapng', /unknown version/],
  ['google+gopacket/pcapgo/tests/le/test901.pcapng', /unknown version/],
  ['the-tcpdump-group+tcpdump/tests/802_15_4_beacon.pcap', /link type 195/],
  ['the-tcpdump-group+tcpdump/tests/arcnet-rfc1201-arp-icmp-http.pcap', /link type 129/],
  ['the-tcpdump-group+tcpdump/tests/calm-fast-mac-lookup-heapoverflow.pcap', /link type 107/],
  ['the-tcpdump-group+tcpdump/tests/pktap-heap-overflow.pcap', /link type 149/],
  ['the-tcpdump-group+tcpdump/tests/slip-compressed_sl_print-oobr.pcap', /link type 8 /],
  ['the-tcpdump-group+tcpdump/tests/slip-sliplink_print-oobr.pcap', /link type 8 /],
];

/**
 * Captures whose transport packets must be as many as tshark's, in percent. What differs are IP in IP and
 * other tunnels, packets quoted by ICMP, and first fragments cut by the snap length, which tshark looks into.
 */
const SAME_PERCENT = 94;

/** Decodes what it is given, checks the positions, and counts. */
class Counting implements FrameSink {
  readonly memory = createMemory(2 << 20, 64 << 20);
  readonly slabs = new Slabs(this.memory, this.memory.heapStart, this.memory.heapEnd);
  readonly packet = new Packet();
  decoder = new Decoder(this.memory, this.slabs, DEFAULT_LIMITS, new Ledger());
  tcp = 0;
  udp = 0;

  begin(ledger: Ledger): void {
    this.decoder = new Decoder(this.memory, this.slabs, DEFAULT_LIMITS, ledger);
    this.tcp = 0;
    this.udp = 0;
  }

  frame(
    link: number,
    start: number,
    end: number,
    wireBytes: number,
    seconds: number,
    nanos: number,
    networkInterface: number,
    outgoing: number,
  ): void {
    const { packet, memory } = this;
    packet.seconds = seconds;
    packet.nanos = nanos;
    packet.networkInterface = networkInterface;
    packet.outgoing = outgoing;
    const answer = this.decoder.decode(packet, link, start, end, wireBytes);
    assert.ok(answer >= DECODED && answer <= KEPT);
    if (answer !== DECODED) return;
    const { payloadStart, payloadEnd } = packet;
    const inFrame = payloadStart >= start && payloadEnd <= end;
    const inHeap = payloadStart >= memory.heapStart && payloadEnd <= memory.heapEnd;
    assert.ok(payloadStart <= payloadEnd && (inFrame || inHeap));
    if (packet.transport === TRANSPORT_TCP) this.tcp++;
    else if (packet.transport === TRANSPORT_UDP) this.udp++;
  }
}

test(
  'every capture of the corpora has the frames that tshark counts',
  { skip: CORPORA_MISSING },
  async () => {
    const oracle = readOracle();
    assert.ok(oracle.size > 1000, `only ${oracle.size} captures`);
    const refused = new Map(REFUSED);
    const sink = new Counting();
    let same = 0;
    for (const [file, expected] of oracle) {
      const ledger = new Ledger();
      sink.begin(ledger);
      const result = await readCapture({ path: join(CORPORA, file) }, sink.memory, sink, { ledger });
      sink.decoder.finish();
      assert.equal(sink.slabs.usedBytes, 0, file);
      const why = refused.get(file);
      if (why === undefined) assert.ok(result.ok, result.ok ? '' : `${file} ${result.error.what}`);
      else assert.match(result.ok ? '' : result.error.what, why, file);
      const summary = result.ok ? result.value : result.error.delivered;
      assert.equal((summary?.frames ?? 0) + (CUSTOM_BLOCKS[file] ?? 0), expected.frames, file);
      if (sink.tcp === (expected.protocols['tcp'] ?? 0) && sink.udp === (expected.protocols['udp'] ?? 0))
        same++;
    }
    assert.ok(
      same * 100 >= oracle.size * SAME_PERCENT,
      `${same} of ${oracle.size} have the same transport packets`,
    );
  },
);
