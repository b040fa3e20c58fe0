/**
 * The header names that protocols ask for, in lower case: HTTP/1.1, HTTP/2 and gRPC share the list. The id
 * of a name is its place + 1; `findHeaders` tells it, everything else in a head is passed over.
 */
export const HEADER_NAMES = [
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'content-encoding',
  'content-type',
  'authorization',
  'cookie',
  'traceparent',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'uber-trace-id',
  'x-request-id',
  'x-correlation-id',
  'x-user-id',
  'x-session-id',
  'x-tenant-id',
  'x-api-key',
  'location',
  'idempotency-key',
  'http2-settings',
  'expect',
  'proxy-connection',
  'etag',
  'set-cookie',
  'x-forwarded-for',
  'grpc-status',
  'grpc-message',
  'grpc-timeout',
  'grpc-encoding',
] as const;
export type HeaderName = (typeof HEADER_NAMES)[number];

/** The id of a name; for constants at the top of a protocol's file. */
export function headerId(name: HeaderName): number {
  return HEADER_NAMES.indexOf(name) + 1;
}
