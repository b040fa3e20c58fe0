/**
 * The plain `redact`: a copy of a target without its secrets (docs/formats/redaction.md). It reads the
 * decoded view of the text and copies the text itself, so that an escaped secret is hidden like a plain one.
 */
import * as L from './layout.ts';
import { nameIsSensitive, secretAfter, secretRun } from './plain-secret.ts';
import { PlainView } from './plain-text.ts';

const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const AMPERSAND = 38;
const APOSTROPHE = 39;
const STAR = 42;
const PLUS = 43;
const COMMA = 44;
const SLASH = 47;
const COLON = 58;
const SEMICOLON = 59;
const EQUALS = 61;
const QUESTION = 63;
const AT = 64;
const BRACKET = 91;
const BACKSLASH = 92;
const BRACKET_END = 93;
const PERCENT = 37;

export class PlainRedact {
  /** Places hidden by the last call. */
  hidden = 0;
  readonly #u8: Uint8Array;
  readonly #view: PlainView;
  #at = 0;
  #limit = 0;
  /** What is before it in the view is written. */
  #done = 0;

  constructor(u8: Uint8Array, view: PlainView) {
    this.#u8 = u8;
    this.#view = view;
  }

  write(start: number, end: number, to: number, most: number): number {
    this.#at = to;
    this.#limit = to + most;
    this.hidden = 0;
    const stop = end - start > L.VIEW_BYTES_MAX ? start + L.VIEW_BYTES_MAX : end;
    if (!looksSensitive(this.#u8, start, stop)) {
      this.#copy(start, stop);
      return this.#at - to;
    }
    const view = this.#view;
    view.open(start, stop);
    this.#done = view.start;
    this.#walk(this.#atStart());
    this.#copy(view.source(this.#done), stop);
    return this.#at - to;
  }

  /** Hides user info at the very start (`//user@host`, and `user:password@host:443` of CONNECT). */
  #atStart(): number {
    const u8 = this.#u8;
    const start = this.#view.start;
    const end = this.#view.end;
    if (end - start > 2 && u8[start] === SLASH && u8[start + 1] === SLASH) {
      return this.#userInfo(start + 2, false);
    }
    let colon = false;
    let at = 0;
    let port = -1;
    for (let p = start; p < end; p++) {
      const c = u8[p];
      if (c === SLASH || c === QUESTION || c === HASH) return start;
      if (c === AT && colon) at = p;
      if (c === COLON) {
        colon = true;
        port = p;
      } else if (port >= 0 && (u8[L.CLASS_AT + c] & L.DIGIT) === 0) port = -1;
    }
    if (at === 0 || port < at || port + 1 === end) return start;
    this.#hide(start, at);
    return at;
  }

  #walk(from: number): void {
    const u8 = this.#u8;
    const end = this.#view.end;
    let name = from;
    // Past `?`, `#` or `&` a slash belongs to a value; in a path it ends one. A form has neither.
    let query = false;
    let path = false;
    let p = from;
    while (p < end) {
      const c = u8[p];
      const bits = u8[L.CLASS_AT + c];
      if ((bits & L.WORD) !== 0) {
        p = this.#run(p);
      } else if (c === EQUALS || c === COLON) {
        const next = this.#value(name, p, query, path);
        p = next;
        name = next;
      } else {
        if (c === QUESTION || c === HASH || c === AMPERSAND) query = true;
        path = !query && (path || c === SLASH);
        p++;
        if ((bits & L.BEFORE_NAME) !== 0) name = p;
      }
    }
  }

  /** Passes a run of letters, digits, `-` and `_` (escaped `+` and `/` too), hides a secret in it. */
  #run(start: number): number {
    const u8 = this.#u8;
    const end = this.#view.end;
    let stop = start + 1;
    while (stop < end && this.#inRun(stop)) stop++;
    if (stop - start < L.SECRET_MIN) return stop;
    for (let p = start; p < stop; p++) {
      if (p > start && (u8[L.CLASS_AT + u8[p - 1]] & L.ALNUM) !== 0) continue;
      const secret = secretAfter(u8, p, stop, end);
      if (secret !== 0) {
        this.#hide(p, secret);
        return secret;
      }
    }
    if (secretRun(u8, start, stop)) this.#hide(start, stop);
    return stop;
  }

  #inRun(p: number): boolean {
    const c = this.#u8[p];
    if ((this.#u8[L.CLASS_AT + c] & L.WORD) !== 0) return true;
    return (c === PLUS || c === SLASH) && !this.#view.literal(p);
  }

  /** At the `=` or `:` after a name: hides what must not be seen after it, returns where to go on. */
  #value(name: number, p: number, query: boolean, path: boolean): number {
    const u8 = this.#u8;
    const end = this.#view.end;
    const next = p + 1;
    const colon = u8[p] === COLON;
    if (colon && next + 1 < end && u8[next] === SLASH && u8[next + 1] === SLASH) {
      return this.#userInfo(next + 2, query);
    }
    if (!nameIsSensitive(u8, name, p)) return next;
    let from = next;
    if (colon) {
      while (from < end && u8[from] === SPACE) from++;
      const quoted = this.#quoted(from);
      if (quoted !== 0) return quoted;
      if (!this.#holdsDigit(from, from > next)) return next;
    }
    const stop = this.#valueEnd(from, this.#view.literal(p), path, colon, from > next);
    if (stop === from) return next;
    this.#hide(from, stop);
    return stop;
  }

  /** Hides a text in quotes or a list in brackets whole, as JSON has them after `:`; 0 when there is none. */
  #quoted(from: number): number {
    const u8 = this.#u8;
    const end = this.#view.end;
    let start = from;
    while (start < end && u8[start] === BACKSLASH) start++;
    if (start >= end) return 0;
    const open = u8[start];
    if (open !== QUOTE && open !== APOSTROPHE && open !== BRACKET) return 0;
    const close = open === BRACKET ? BRACKET_END : open;
    const literal = this.#view.literal(start);
    // JSON in a text of JSON: there every quote has its backslash.
    const nested = start > from;
    let stop = ++start;
    while (stop < end && !(u8[stop] === close && (!literal || this.#view.literal(stop)))) {
      stop += u8[stop] === BACKSLASH && !nested ? 2 : 1;
    }
    if (stop > end) stop = end;
    if (stop === start) return 0;
    this.#hide(start, stop);
    return stop;
  }

  /** Hides what stands before the last `@` of an authority; returns where to go on. */
  #userInfo(start: number, query: boolean): number {
    const u8 = this.#u8;
    const end = this.#view.end;
    const literal = this.#view.literal(start - 1);
    let at = start;
    for (let p = start; p < end; p++) {
      const c = u8[p];
      if (c === AT) at = p;
      let ends = c === SLASH || c === QUESTION || c === HASH || c === QUOTE || c <= SPACE;
      if (c === AMPERSAND) ends = query;
      if (ends && (!literal || this.#view.literal(p))) break;
    }
    if (at === start) return start;
    this.#hide(start, at);
    return at;
  }

  /**
   * The end of a value. After a literal `=` only literal separators end it; `/` and `?` do so in the path,
   * `;` does when a name and `=` follow. `header`: it came after `: `, and blanks belong to it.
   */
  #valueEnd(start: number, literal: boolean, path: boolean, colon: boolean, header: boolean): number {
    const u8 = this.#u8;
    const end = this.#view.end;
    for (let p = start; p < end; p++) {
      const c = u8[p];
      let ends = c === AMPERSAND || c === HASH;
      if (c === SLASH || c === QUESTION) ends = path;
      if (c === SEMICOLON) ends = path || this.#nameFollows(p + 1);
      if (colon && (c < SPACE || c === QUOTE || c === COMMA)) ends = true;
      if (c === SPACE && colon) ends = !header;
      if (ends && (!literal || this.#view.literal(p))) return p;
    }
    return end;
  }

  #nameFollows(start: number): boolean {
    const u8 = this.#u8;
    const end = this.#view.end;
    const stop = start + L.NAME_LOOK_MAX < end ? start + L.NAME_LOOK_MAX : end;
    for (let p = start; p < stop; p++) {
      const c = u8[p];
      if (c === EQUALS) return p > start;
      // Brackets belong to names like user[pin], stars to what was hidden before.
      const inName = (u8[L.CLASS_AT + c] & (L.WORD | L.JOINT)) !== 0 || c === 91 || c === 93 || c === STAR;
      if (!inName) return false;
    }
    return false;
  }

  /**
   * After `name:` only a value with a digit is a secret: `/v1/token:revoke` stays, `session:a81f` does not.
   */
  #holdsDigit(start: number, header: boolean): boolean {
    const u8 = this.#u8;
    const end = this.#view.end;
    const stop = start + L.COLON_LOOK_MAX < end ? start + L.COLON_LOOK_MAX : end;
    for (let p = start; p < stop; p++) {
      const c = u8[p];
      if ((u8[L.CLASS_AT + c] & L.DIGIT) !== 0) return true;
      if (c < SPACE || c === QUOTE || (c === SPACE && !header)) return false;
      if ((u8[L.CLASS_AT + c] & L.BEFORE_NAME) !== 0) return false;
    }
    return false;
  }

  #hide(start: number, end: number): void {
    this.#copy(this.#view.source(this.#done), this.#view.source(start));
    for (let i = 0; i < 3 && this.#at < this.#limit; i++) this.#u8[this.#at++] = STAR;
    this.#done = end;
    this.hidden++;
  }

  #copy(start: number, end: number): void {
    const u8 = this.#u8;
    const room = this.#limit - this.#at;
    const stop = end - start > room ? start + room : end;
    for (let p = start; p < stop; p++) u8[this.#at++] = u8[p];
  }
}

/** False for a text that holds neither `= : @ %` nor a run long enough for a secret: the common target. */
function looksSensitive(u8: Uint8Array, start: number, end: number): boolean {
  let run = 0;
  for (let p = start; p < end; p++) {
    const c = u8[p];
    if ((u8[L.CLASS_AT + c] & L.WORD) !== 0) {
      if (++run >= L.SECRET_MIN) return true;
    } else {
      if (c === EQUALS || c === COLON || c === AT || c === PERCENT) return true;
      run = 0;
    }
  }
  return false;
}
