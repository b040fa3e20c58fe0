/**
 * Which operation a call is of: its method and its templated target, `GET /users/{id}`, as a string id. Each
 * server endpoint may have so many; what comes after is `GET /*`, counted as `operation-limit`. So a scanner
 * with a million random paths makes a bounded number of rows in every rollup, and known ones stay told apart.
 *
 * The one idea: a text is looked up before it is taken in, so that refused ones fill neither this table nor
 * the string table. Nothing is forgotten while the worker lives: an operation that has its name keeps it.
 */
import { assert } from '../base/assert.ts';
import type { WireMemory } from '../base/memory.ts';
import { reasonNumber, type Ledger } from './coverage.ts';
import { STRING_BYTES_MAX, STRING_STAGING, STRING_STAGING_BYTES, type StringTable } from './string-table.ts';

/** An operation that main has granted to a server endpoint: any worker may use it, whatever it has used. */
export interface OperationGrant {
  readonly serverLow: number;
  readonly serverHigh: number;
  readonly operation: string;
}

/** What main broadcasts. A set only adds to those before it; `version` rises by each. */
export interface OperationSet {
  readonly version: number;
  readonly templates: readonly OperationGrant[];
}

/** Two operations were found to be one: applied on read and in rollups, never to rows. */
export interface OperationAlias {
  readonly from: string;
  readonly to: string;
}

/** Server endpoints that may have operations of their own; 20 bytes each. Later ones have `GET /*` only. */
const SERVERS_MAX = 16_384;
/** Operations of all servers together: twice what the string table can tell apart. 16 bytes each. */
const GRANTS_MAX = 131_072;
/** Methods of `GET /*` kept per server; a scanner may invent those too, then it is `* /*`. */
const FALLBACKS_MAX = 16;

const OPERATION_LIMIT = reasonNumber('operation-limit');
const SPACE = 0x20;
const SLASH = 0x2f;
const STAR = 0x2a;

export class Operations {
  /** Version of the last set applied; 0 before the first. */
  version = 0;
  /** Calls that got `GET /*`. */
  limited = 0;

  readonly #u8: Uint8Array;
  readonly #strings: StringTable;
  readonly #ledger: Ledger;
  readonly #perServer: number;
  readonly #anyPath: number;
  readonly #any: number;

  // Server slots: (low, high, number), number 0 free. Numbers are 1 … #serverCount.
  readonly #serverSlots = new Int32Array(SERVERS_MAX * 2 * 3);
  #serverCount = 0;
  readonly #named = new Int32Array(SERVERS_MAX + 1); // Server → operations.
  readonly #fallbacks = new Uint8Array(SERVERS_MAX + 1); // Server → methods of `GET /*`.
  // Grant slots: (server, operation), server 0 free.
  readonly #grantSlots = new Int32Array(GRANTS_MAX * 2 * 2);
  #grantCount = 0;

  constructor(memory: WireMemory, strings: StringTable, ledger: Ledger, operationsPerServer: number) {
    assert(operationsPerServer > 0, 'a server has operations');
    this.#u8 = memory.u8;
    this.#strings = strings;
    this.#ledger = ledger;
    this.#perServer = operationsPerServer;
    this.#anyPath = strings.internText('* /*');
    this.#any = strings.internText('*');
  }

  /**
   * The string id of `METHOD template` for a server endpoint, or of `METHOD /*` (`METHOD *` where templates
   * are no paths) when it has its number already. Ranges lie in the worker's memory, outside the staging of
   * the string table. Either may be empty; both empty is 0.
   */
  operation(
    serverLow: number,
    serverHigh: number,
    methodStart: number,
    methodEnd: number,
    templateStart: number,
    templateEnd: number,
  ): number {
    const end = this.#stage(this.#u8, methodStart, methodEnd, templateStart, templateEnd);
    const isPath = templateEnd > templateStart && this.#u8[templateStart] === SLASH;
    return this.#resolve(serverLow, serverHigh, this.#methodStaged(methodStart, methodEnd), end, isPath);
  }

  /** As `operation`, with the method as a string id. */
  operationOf(
    serverLow: number,
    serverHigh: number,
    method: number,
    templateStart: number,
    templateEnd: number,
  ): number {
    const strings = this.#strings;
    const methodStart = strings.startOf(method);
    const methodEnd = strings.endOf(method);
    const end = this.#stage(strings.arena, methodStart, methodEnd, templateStart, templateEnd);
    const isPath = templateEnd > templateStart && this.#u8[templateStart] === SLASH;
    return this.#resolve(serverLow, serverHigh, this.#methodStaged(methodStart, methodEnd), end, isPath);
  }

  /**
   * Takes in what main broadcasts. False when the set is not newer than the last one. What finds no room
   * stays `GET /*` here.
   */
  apply(set: OperationSet): boolean {
    if (set.version <= this.version) return false;
    this.version = set.version;
    for (const grant of set.templates) {
      const server = this.#server(grant.serverLow | 0, grant.serverHigh | 0);
      const operation = this.#strings.internText(grant.operation);
      if (server !== 0 && operation !== 0 && !this.#granted(server, operation))
        this.#grant(server, operation);
    }
    return true;
  }

  #resolve(serverLow: number, serverHigh: number, method: number, end: number, isPath: boolean): number {
    if (end === STRING_STAGING) return 0;
    const strings = this.#strings;
    const server = this.#server(serverLow | 0, serverHigh | 0);
    const known = strings.find(STRING_STAGING, end);
    if (server !== 0) {
      if (known !== 0 && this.#granted(server, known)) return known;
      if (this.#named[server] < this.#perServer && this.#grantCount < GRANTS_MAX) {
        const operation = known !== 0 ? known : strings.internSparing(STRING_STAGING, end);
        if (operation !== 0) {
          this.#grant(server, operation);
          this.#named[server]++;
          return operation;
        }
      }
    }
    this.limited++;
    this.#ledger.add(OPERATION_LIMIT, 1, 0);
    return this.#fallback(server, method, isPath);
  }

  /** `METHOD /*` while the server's methods are few; `method` is where the staged method ends. */
  #fallback(server: number, method: number, isPath: boolean): number {
    const u8 = this.#u8;
    let end = method;
    if (end > STRING_STAGING) u8[end++] = SPACE;
    if (isPath) u8[end++] = SLASH;
    u8[end++] = STAR;
    const strings = this.#strings;
    const known = strings.find(STRING_STAGING, end);
    if (server === 0) return known !== 0 ? known : isPath ? this.#anyPath : this.#any;
    if (known !== 0 && this.#granted(server, known)) return known;
    if (this.#fallbacks[server] < FALLBACKS_MAX && this.#grantCount < GRANTS_MAX) {
      const operation = known !== 0 ? known : strings.intern(STRING_STAGING, end);
      if (operation !== 0) {
        this.#grant(server, operation);
        this.#fallbacks[server]++;
        return operation;
      }
    }
    return isPath ? this.#anyPath : this.#any;
  }

  /** Where a staged method of that range ends. */
  #methodStaged(start: number, end: number): number {
    return STRING_STAGING + Math.min(Math.max(0, end - start), STRING_BYTES_MAX);
  }

  /** Writes `method template` to the staging, cut at what a text may have; returns the end. */
  #stage(methods: Uint8Array, methodStart: number, methodEnd: number, start: number, end: number): number {
    const u8 = this.#u8;
    const methodBytes = Math.min(Math.max(0, methodEnd - methodStart), STRING_BYTES_MAX);
    let to = STRING_STAGING;
    for (let at = methodStart; at < methodStart + methodBytes; at++) u8[to++] = methods[at];
    if (end > start && methodBytes > 0) u8[to++] = SPACE;
    const bytes = Math.min(end - start, STRING_BYTES_MAX);
    assert(to + bytes < STRING_STAGING + STRING_STAGING_BYTES, 'an operation fits its staging');
    for (let at = start; at < start + bytes; at++) u8[to++] = u8[at];
    return to;
  }

  /** The number of a server endpoint, given now if it is new; 0 when there are too many. */
  #server(low: number, high: number): number {
    const slots = this.#serverSlots;
    const mask = SERVERS_MAX * 2 - 1;
    let slot = (Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b) >>> 12) & mask;
    // At most half of the slots are taken: the loop ends at a free one.
    while (slots[slot * 3 + 2] !== 0) {
      if (slots[slot * 3] === low && slots[slot * 3 + 1] === high) return slots[slot * 3 + 2];
      slot = (slot + 1) & mask;
    }
    if (this.#serverCount === SERVERS_MAX) return 0;
    slots[slot * 3] = low;
    slots[slot * 3 + 1] = high;
    slots[slot * 3 + 2] = ++this.#serverCount;
    return this.#serverCount;
  }

  #granted(server: number, operation: number): boolean {
    return this.#grantSlots[this.#grantSlot(server, operation) * 2] !== 0;
  }

  #grant(server: number, operation: number): void {
    if (this.#grantCount === GRANTS_MAX) return;
    const slot = this.#grantSlot(server, operation);
    this.#grantSlots[slot * 2] = server;
    this.#grantSlots[slot * 2 + 1] = operation;
    this.#grantCount++;
  }

  /** The slot of a pair, or the free one where it would stand. */
  #grantSlot(server: number, operation: number): number {
    const slots = this.#grantSlots;
    const mask = GRANTS_MAX * 2 - 1;
    let slot = (Math.imul(server, 0x9e3779b1) ^ Math.imul(operation, 0x85ebca6b)) >>> 14;
    while (slots[slot * 2] !== 0) {
      if (slots[slot * 2] === server && slots[slot * 2 + 1] === operation) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }
}
