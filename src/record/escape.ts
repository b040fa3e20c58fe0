/**
 * Text from the wire, made harmless for where it is shown. Whoever can send a request can put escape
 * sequences, line breaks, and characters that turn the reading direction into a path or a header: on a
 * terminal they would move the cursor, set the title, hide or fake lines.
 */

const PLAIN = /^[\x20-\x7e]*$/;
/**
 * Controls (C0, DEL, C1), format characters (bidirectional overrides and isolates, zero width, tags), line
 * and paragraph separators, and halves of surrogate pairs, by general category:
 * https://www.unicode.org/reports/tr44/#General_Category_Values
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** What JSON.stringify leaves as it is, of these. */
const UNSAFE_IN_JSON = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * One line of visible characters: `\n`, `\r`, `\t`, `\x1b` for ASCII controls, `\u{202e}` for the rest. Bytes
 * that were not UTF-8 are `\xNN` already, see `decodeText`.
 */
export function escapeTerminal(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replaceAll(UNSAFE, visible);
}

/** A value as one line of JSON that is harmless on a terminal too; it parses to the same value. */
export function jsonLine(value: unknown): string {
  const line = JSON.stringify(value);
  return PLAIN.test(line) ? line : line.replaceAll(UNSAFE_IN_JSON, jsonEscape);
}

function visible(character: string): string {
  switch (character) {
    case '\n':
      return '\\n';
    case '\r':
      return '\\r';
    case '\t':
      return '\\t';
    default: {
      const code = character.codePointAt(0) ?? 0;
      return code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
    }
  }
}

function jsonEscape(character: string): string {
  let text = '';
  for (let at = 0; at < character.length; at++) {
    text += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return text;
}
