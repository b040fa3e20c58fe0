/** What the comparison with tshark and Zeek leaves out, and where it is known to differ: docs/corpora.md. */

/** Captures whose requests lie in a tunnel, or in a protocol, that is not read. By beginning of the path. */
export const LEFT_OUT: readonly (readonly [file: string, why: string])[] = [
  ['DanieleDeSensi+peafowl/test/pcaps/6in4tunnel.pcap', 'IPv6 in IPv4'],
  ['OISF+suricata-verify/tests/bug-2576-', 'GRE'],
  ['OISF+suricata-verify/tests/bug-5437-01/', 'ERSPAN'],
  ['OISF+suricata-verify/tests/dns-over-http2-limit/', 'DNS over HTTP/2'],
  ['OISF+suricata-verify/tests/dns-over-http2-post/', 'DNS over HTTP/2'],
  ['OISF+suricata-verify/tests/vxlan-non-zero-reserved-fields/', 'VXLAN'],
  ['arkime+arkime/tests/pcap/6-4-gre-ppp-udp-4-dns.pcap', 'GRE'],
  ['arkime+arkime/tests/pcap/arkime_synthetic.pcap', 'GENEVE and VXLAN-GPE'],
  ['arkime+arkime/tests/pcap/gtp-iphone.pcap', 'GTP'],
  ['arkime+arkime/tests/pcap/sctp-www.pcap', 'HTTP over SCTP'],
  ['cisco+mercury/unit_tests/pcaps/ip_encapsulation.pcap', 'IPv6 in IPv4'],
  ['ntop+nDPI/tests/cfgs/default/pcap/6in4tunnel.pcap', 'IPv6 in IPv4'],
  ['ntop+nDPI/tests/cfgs/default/pcap/doq.pcapng', 'DNS over QUIC'],
  ['zeek+zeek/testing/btest/Traces/erspan.pcap', 'ERSPAN'],
  ['zeek+zeek/testing/btest/Traces/tunnels/geneve-vxlan-dns-truncated.pcap', 'GENEVE and VXLAN'],
  ['zeek+zeek/testing/btest/Traces/tunnels/gre-', 'GRE'],
  ['zeek+zeek/testing/btest/Traces/tunnels/vxlan-encapsulated-http.pcap', 'VXLAN'],
];

/** Captures with another number of requests, by protocol. `ours`: our number is the right one. */
export const DIFFERENT: readonly (readonly [protocol: string, file: string, right: 'ours' | 'theirs'])[] = [
  ['dns', 'ntop+nDPI/tests/cfgs/default/pcap/fuzz-2006-06-26-2594.pcap', 'ours'],
  ['dns', 'seladb+PcapPlusPlus/Tests/Packet++Test/PacketExamples/DnsTooManyResources.pcap', 'ours'],
  ['dns', 'the-tcpdump-group+tcpdump/tests/LINKTYPE_IPV6_invalid.pcap', 'ours'],
  ['dns', 'the-tcpdump-group+tcpdump/tests/arcnet-rfc1201-arp-icmp-http.pcap', 'theirs'],
  ['dns', 'the-tcpdump-group+tcpdump/tests/rtp-seg-fault-1.pcapng', 'ours'],
  ['dns', 'zeek+zeek/testing/btest/Traces/dns/dns-invalid-names.pcap', 'ours'],
  ['http', 'OISF+suricata-verify/tests/filestore-5408/input.pcap', 'ours'],
  ['http', 'OISF+suricata-verify/tests/tcp-rst-unacked-stream-07-http/input.pcap', 'ours'],
  ['http', 'OISF+suricata-verify/tests/tcp-rst-unacked-stream-08-http-ips/input.pcap', 'ours'],
  ['http', 'ntop+nDPI/tests/cfgs/default/pcap/fuzz-2006-09-29-28586.pcap', 'theirs'],
  ['http', 'ntop+nDPI/tests/cfgs/default/pcap/http_on_sip_port.pcap', 'ours'],
  ['http', 'seladb+PcapPlusPlus/Tests/Pcap++Test/PcapExamples/4KHttpRequests.pcap', 'ours'],
  [
    'http',
    'seladb+PcapPlusPlus/Tests/Pcap++Test/PcapExamples/unidirectional_tcp_stream_with_missing_packet.pcap',
    'ours',
  ],
  ['http', 'the-tcpdump-group+tcpdump/tests/arcnet-rfc1201-arp-icmp-http.pcap', 'theirs'],
  ['http', 'zeek+zeek/testing/btest/Traces/http/261/variant-01-chunk_2pow64_overflow.pcap', 'theirs'],
  ['http', 'zeek+zeek/testing/btest/Traces/http/http-09-content-length-confusion.pcap', 'theirs'],
  ['http', 'zeek+zeek/testing/btest/Traces/http/query-method-non-standard-port.pcap', 'ours'],
  ['http', 'zeek+zeek/testing/btest/Traces/http/query-method.pcap', 'ours'],
  ['http', 'zeek+zeek/testing/btest/Traces/mixed-vlan-mpls.pcap', 'theirs'],
  ['http', 'zeek+zeek/testing/btest/Traces/tcp-http-with-padding.pcap', 'ours'],
];
