/**
 * Where a capture source (ring, file) delivers frames. The bytes lie in the input region of the worker's
 * memory and are valid until the call returns: whatever is to be kept is copied by then.
 */
export interface FrameSink {
  /**
   * One frame. `link` is a LINK_* number, [start, end) its captured bytes, `wireBytes` its length on the
   * wire, `networkInterface` a small number that the source gave the interface, `outgoing` 1 when this host
   * sent the frame on it (unknown: 0).
   */
  frame(
    link: number,
    start: number,
    end: number,
    wireBytes: number,
    seconds: number,
    nanos: number,
    networkInterface: number,
    outgoing: number,
  ): void;
}
