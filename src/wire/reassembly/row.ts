/**
 * A connection as a row of 32-bit words in the worker's memory. `R_…` are word offsets from the row's
 * address / 4, `D_…` offsets from the row's direction block (R_DIRECTION + direction * DIRECTION_WORDS).
 * Direction 0 sends from the endpoint that sorts lower; which one is the client is `R_CLIENT`.
 */
export const R_NEXT = 0; // Next row of the same bucket, or of the free list; row number + 1.
export const R_HASH = 1;
export const R_LOW = 2; // Address of the lower endpoint, 4 words; IPv4 uses the first.
export const R_HIGH = 6;
export const R_PORTS = 10; // lower's | higher's << 16
export const R_KIND = 11; // IP version | transport << 8; 0: the row is free.
export const R_FLAGS = 12;
export const R_CLIENT = 13; // Direction of the client's bytes, -1 not known.
/** Index in the register + 1; 0 undecided; PROTOCOL_… below. */
export const R_PROTOCOL = 14;
export const R_STATE = 15; // Word index of the protocol's state, 0 none.
export const R_STATE_BYTES = 16;
/** Open calls, oldest first (addresses), and how many. */
export const R_OPEN_FIRST = 17;
export const R_OPEN_LAST = 18;
export const R_OPEN_COUNT = 19;
export const R_ORDINAL = 20;
export const R_NUMBER = 21; // Number of the connection, unique in this worker's run.
export const R_SEEN = 22; // Seconds of the last packet.
export const R_OPENED = 23; // Seconds, nanos.
export const R_CLIENT_ENDPOINT = 25; // low, high
export const R_SERVER_ENDPOINT = 27;
export const R_ROUND_TRIP = 29; // ns between SYN and SYN-ACK, at most 2^31
export const R_ATTENTION_NEXT = 30; // Queue of rows to look at again; row number + 1.
export const R_ATTENTION_FRAME = 31; // Frame count, seconds, nanos when it was queued.
export const R_ATTENTION_SECONDS = 32;
export const R_ATTENTION_NANOS = 33;
export const R_GUESSES = 34; // Segments that recognition has looked at.
export const R_REQUEST_ACK = 35; // Acknowledged position of the last request, for pipelining.
export const R_SYN_NANOS = 36; // Seconds, nanos of the first SYN.
export const R_BYTES_UNREAD = 38; // Bytes of an unread protocol, a 64-bit float, 8-aligned.
/** What both sides speak once the current message has ended, as UPGRADE_* or a protocol's index + 1. */
export const R_UPGRADE = 40;
/** Index + 1 of the protocol that an upgrade ended: open calls may be of it still. */
export const R_PROTOCOL_BEFORE = 41;
/** Requests sent at one position of the server's stream, and answers begun since; below 0: bytes were lost. */
export const R_GROUP_REQUESTS = 42;
export const R_GROUP_ANSWERS = 43;
export const R_DIRECTION = 48;

export const D_NEXT = 0; // Next sequence number expected in order.
export const D_FLAGS = 1;
export const D_ACKNOWLEDGED = 2; // Highest acknowledgement this direction's segments carried.
export const D_FIRST = 3; // Sequence number of the first byte seen (or SYN + 1).
export const D_PENDING = 4; // Slab with the tail of an unfinished step: address, bytes, capacity.
export const D_PENDING_BYTES = 5;
export const D_PENDING_CAPACITY = 6;
export const D_PENDING_SECONDS = 7; // Time and acknowledgement of the pending's first byte.
export const D_PENDING_NANOS = 8;
export const D_PENDING_ACK = 9;
export const D_SKIP = 10; // Bytes still to pass unread, a 64-bit float, 8-aligned.
export const D_CALL = 12; // Open call that this side's bytes belong to.
export const D_SEGMENTS = 13; // Segments waiting for a hole to fill: first slab, count, bytes.
export const D_SEGMENT_COUNT = 14;
export const D_SEGMENT_BYTES = 15;
export const D_INTERFACE = 16; // networkInterface * 2 + outgoing of the first packet, + 1.
export const D_IP_ID = 17;
export const D_BYTES = 18; // Payload bytes on the wire, a 64-bit float, 8-aligned.
export const D_PACKETS = 20;
export const D_RETRANSMITS = 21;
export const D_GAP = 22; // Bytes lost, at most 2^31.
export const D_INTERFACE_SEEN = 23; // Seconds when the first interface was last seen.
export const D_END = 24; // Sequence number just past FIN or RST.
/** When the bytes before what waits were first missed: frame count, 0 nothing is missed; seconds, nanos. */
export const D_HOLE_FRAME = 25;
export const D_HOLE_SECONDS = 26;
export const D_HOLE_NANOS = 27;
/** Acknowledgement of the last bytes of this direction that were read in order. */
export const D_READ_ACK = 28;
export const DIRECTION_WORDS = 30; // Even: 64-bit floats stay aligned.

export const ROW_WORDS = R_DIRECTION + 2 * DIRECTION_WORDS; // 108 words
export const ROW_BYTES = ROW_WORDS * 4;

/** R_PROTOCOL besides the register. */
export const PROTOCOL_UNKNOWN = -1; // Looked at long enough, not recognised.
export const PROTOCOL_TLS = -2;
export const PROTOCOL_OPAQUE = -3; // Switched to something that we do not read.

/** R_FLAGS */
export const CONNECTION_CLOSING = 1; // Both ends finished, or one reset.
export const CONNECTION_RESET = 2;
export const CONNECTION_SECONDARY = 4; // Another view of this connection is counted.
export const CONNECTION_QUEUED = 8; // In the attention queue.
export const CONNECTION_MID_STREAM = 16;
export const CONNECTION_PIPELINED = 32; // Had two open requests at once.
export const CONNECTION_CONTINUOUS = 64; // Sends requests without ever waiting for all answers.
export const CONNECTION_CLAIMED = 128;
export const CONNECTION_TOLD = 256; // Written to the connection log.
export const CONNECTION_CLIENT_SURE = 512; // The client is known by SYN or by content.
export const CONNECTION_ANSWER_LOST = 1024; // A hole on the server's side may have held whole answers.

/** Was seen to wait for all answers to several requests before it sent the next. */
export const CONNECTION_WAITED = 4096;
/** Is over, and has been looked at since: what was late had its time. */
export const CONNECTION_LAST_LOOK = 8192;

export const CONNECTION_DETACHED = 2048; // Over; the row waits to be taken out of the queue.

/** D_FLAGS */
export const DIRECTION_SEEN = 1; // D_NEXT holds.
export const DIRECTION_SYN = 2;
export const DIRECTION_FIN = 4;
export const DIRECTION_LOST = 8; // Parsing is to find a message start first.
export const DIRECTION_UNTIL_CLOSE = 16;
export const DIRECTION_DONE = 32; // The current message ends once D_SKIP has passed.
export const DIRECTION_BODY = 64; // What is skipped is body.
export const DIRECTION_HOLE = 128; // The next message follows a hole.
export const DIRECTION_ACKED = 256; // D_ACKNOWLEDGED holds.
export const DIRECTION_INTERIM = 512; // What ends is an interim answer, not its call.
