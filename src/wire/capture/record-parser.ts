/** What the readers of pcap and pcapng have in common. */
export interface RecordParser {
  /**
   * Takes the whole records that begin at `at`, delivers their frames, and answers where it stopped: at the
   * first record that is not whole in [at, end), or at the bytes that `failure` speaks of.
   */
  take(at: number, end: number): number;
  /** Bytes from where `take` stopped that are to be dropped unread (a record larger than the buffer). */
  skip: number;
  /** Why nothing more can be read, in words; the file is corrupt where `take` stopped. */
  failure: string | undefined;
  /** The bytes at the stop belong to a frame, not to what only describes it. */
  inFrame: boolean;
  frames: number;
  frameBytes: number;
  /** Link types of the interfaces. */
  readonly links: Set<number>;
  interfaces: number;
}

/** No interface makes larger frames; a length beyond it is garbage (super-packets reach 512 KiB). */
export const FRAME_BYTES_MAX = 64 * 1024 * 1024;
/** What libpcap and Wireshark take for the largest snap length; writers state smaller ones than they keep. */
export const SNAP_BYTES_USUAL = 262_144;

export function read16(u8: Uint8Array, at: number, big: boolean): number {
  return big ? (u8[at] << 8) | u8[at + 1] : (u8[at + 1] << 8) | u8[at];
}

/** Unsigned. */
export function read32(u8: Uint8Array, at: number, big: boolean): number {
  return big
    ? ((u8[at] << 24) | (u8[at + 1] << 16) | (u8[at + 2] << 8) | u8[at + 3]) >>> 0
    : ((u8[at + 3] << 24) | (u8[at + 2] << 16) | (u8[at + 1] << 8) | u8[at]) >>> 0;
}

/** The largest captured length that a record may state. */
export function frameBytesMax(snapBytes: number): number {
  if (snapBytes === 0 || snapBytes > FRAME_BYTES_MAX) return FRAME_BYTES_MAX;
  return Math.max(snapBytes, SNAP_BYTES_USUAL);
}
