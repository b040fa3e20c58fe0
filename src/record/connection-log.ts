/**
 * Connections that have calls, as main learns of them: addresses, ports, protocol, where the row lies. One
 * entry when the first call of a connection is written, before the block that holds it.
 */
export const LOG_WORDS = 21;
export const LOG_NUMBER = 0;
/** 4 or 6. */
export const LOG_VERSION = 1;
/** Bytes in network order, 4 words; IPv4 uses the first. */
export const LOG_CLIENT = 2;
export const LOG_SERVER = 6;
/** client | server << 16 */
export const LOG_PORTS = 10;
/** String id. */
export const LOG_PROTOCOL = 11;
/** low, high */
export const LOG_CLIENT_ENDPOINT = 12;
export const LOG_SERVER_ENDPOINT = 14;
/** Seconds when it was first seen. */
export const LOG_OPENED = 16;
/** Transport number of IP (6 TCP, 17 UDP). */
export const LOG_TRANSPORT = 17;
/** networkInterface of the client's first packet, round trip in ns. */
export const LOG_INTERFACE = 18;
export const LOG_ROUND_TRIP = 19;
/** Row number in the worker: with LOG_NUMBER, what main says of the connection finds it again. */
export const LOG_ROW = 20;

const ENTRIES_MIN = 256;

export class ConnectionLog {
  #words: Int32Array<ArrayBuffer> = new Int32Array(ENTRIES_MIN * LOG_WORDS);
  count = 0;

  /** The word index of a new entry; it grows with the connections of one block, which a block bounds. */
  add(): number {
    if ((this.count + 1) * LOG_WORDS > this.#words.length) {
      const larger = new Int32Array(this.#words.length * 2);
      larger.set(this.#words);
      this.#words = larger;
    }
    return this.count++ * LOG_WORDS;
  }

  get words(): Int32Array {
    return this.#words;
  }

  take(): Int32Array<ArrayBuffer> {
    const taken = this.#words.slice(0, this.count * LOG_WORDS);
    this.count = 0;
    return taken;
  }
}
