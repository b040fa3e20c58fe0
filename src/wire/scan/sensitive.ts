/**
 * What `redact` hides: names of parameters that hold secrets, and texts that are secrets by their shape.
 * These lists are the only ones; docs/formats/redaction.md tells the rules around them.
 *
 * Names are matched without case and without anything but letters and digits (`API-Key`, `api_key` and
 * `apikey` are one). They become two small automata, so that a name of any length costs one step a byte.
 */
import { assert } from '../../base/assert.ts';
import { ACCEPT, ACCEPT_WHOLE, STATE, SYMBOL_DIGIT } from './layout.ts';

/** Anywhere in a name. */
export const SENSITIVE_ANYWHERE: readonly string[] = [
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'passkey',
  'pincode',
  'secret',
  'token',
  'credential',
  'apikey',
  'accesskey',
  'privatekey',
  'signingkey',
  'encryptionkey',
  'masterkey',
  'accountkey',
  'sharedkey',
  'subscriptionkey',
  'licensekey',
  'authkey',
  'authcode',
  'accesscode',
  'authorization',
  'signature',
  'session',
  'sessid',
  'cookie',
  'bearer',
  'jwt',
  'csrf',
  'xsrf',
  'saml',
  'assertion',
  'verifier',
  'onetime',
  'securitycode',
  'verificationcode',
  'recoverycode',
  'resetcode',
  'confirmationcode',
  'cardnumber',
  'cardno',
  'creditcard',
  'ccnumber',
  'socialsecurity',
];

/** As a whole word of a name; words end at anything but letters, and where lower case meets upper case. */
export const SENSITIVE_WORDS: readonly string[] = [
  'pwd',
  'pass',
  'pw',
  'pswd',
  'auth',
  'oauth',
  'sid',
  'sess',
  'sig',
  'hmac',
  'pin',
  'otp',
  'totp',
  'mfa',
  'cvv',
  'cvc',
  'csc',
  'card',
  'pan',
  'ssn',
  'sas',
  'cred',
  'creds',
];

/** As the whole name: `code` is OAuth's, `country_code` is not. */
export const SENSITIVE_WHOLE: readonly string[] = ['code'];

/** Beginnings of secrets, and the fewest of A–Z a–z 0–9 - _ that must follow. */
export const SECRET_PREFIXES: readonly (readonly [string, number])[] = [
  ['AKIA', 16],
  ['ASIA', 16],
  ['ABIA', 16],
  ['ACCA', 16], // AWS
  ['AIza', 30], // Google
  ['ghp_', 20],
  ['gho_', 20],
  ['ghu_', 20],
  ['ghs_', 20],
  ['ghr_', 20],
  ['github_pat_', 20],
  ['glpat-', 16], // GitLab
  ['xoxa-', 11],
  ['xoxb-', 11],
  ['xoxe-', 11],
  ['xoxp-', 11],
  ['xoxr-', 11],
  ['xoxs-', 11],
  ['xapp-', 11], // Slack
  ['sk_live_', 10],
  ['rk_live_', 10],
  ['sk_test_', 10],
  ['rk_test_', 10],
  ['whsec_', 10], // Stripe
  ['npm_', 30],
  ['pypi-', 16],
  ['sk-', 20], // keys of several APIs
  ['shpat_', 20], // Shopify
  ['dop_v1_', 20], // DigitalOcean
];

/** Writes the automaton of the names that count anywhere; returns its states. Entries are (state, flags). */
export function writeAnywhere(table: Uint16Array): number {
  const fail: number[] = [0];
  let states = 1;
  for (const name of SENSITIVE_ANYWHERE) states = addName(table, states, 0, name, ACCEPT);
  // Aho–Corasick: breadth first, a missing step is the step of the longest proper suffix.
  const queue: number[] = [];
  for (let s = 0; s < 32; s++) if (table[s] !== 0) queue.push(table[s]);
  for (const entry of queue) fail[entry & STATE] = 0;
  for (let at = 0; at < queue.length; at++) {
    const state = queue[at] & STATE;
    for (let s = 0; s < 32; s++) {
      const onFail = table[fail[state] * 32 + s];
      const entry = table[state * 32 + s];
      if ((entry & STATE) === 0) {
        table[state * 32 + s] = onFail;
      } else {
        fail[entry & STATE] = onFail & STATE;
        table[state * 32 + s] = entry | (onFail & ACCEPT);
        queue.push(table[state * 32 + s]);
      }
    }
  }
  return states;
}

/** Writes the tree of the names that count as words: state 0 is dead, 1 the root. Returns its states. */
export function writeWords(table: Uint16Array): number {
  let states = 2;
  for (const name of SENSITIVE_WORDS) states = addName(table, states, 1, name, ACCEPT);
  for (const name of SENSITIVE_WHOLE) states = addName(table, states, 1, name, ACCEPT_WHOLE);
  return states;
}

function addName(table: Uint16Array, count: number, root: number, name: string, flag: number): number {
  let states = count;
  let state = root;
  let slot = 0;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    slot = state * 32 + (c <= 57 ? SYMBOL_DIGIT : c - 97);
    if (table[slot] === 0) {
      assert((states + 1) * 32 <= table.length, 'the automaton has room');
      table[slot] = states++;
    }
    state = table[slot] & STATE;
  }
  table[slot] |= flag;
  return states;
}
