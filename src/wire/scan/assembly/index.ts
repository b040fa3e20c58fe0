/**
 * The scan module: the primitives of ../scan.ts with SIMD, in AssemblyScript (https://www.assemblyscript.org).
 * It keeps no data of its own; its tables are written by ../tables.ts where ../layout.ts says. Each file has
 * a plain twin that it equals on every input.
 *
 * AssemblyScript looks like TypeScript and is not: functions have decorators (without `@inline` the small
 * ones cost 15 % of findHeaders), so tsc, oxlint and oxfmt leave this folder out.
 */
import { afterCrlf, clear, equal, equalLower, findByte } from './bytes.ts';
import { fingerprints } from './fingerprints.ts';
import { callId, hash, high, setKey, setSeed, sipHash } from './hash.ts';
import { findHeaders, headers } from './head.ts';
import { hex } from './hex.ts';
import { redact, redacted } from './redact.ts';
import { template } from './template.ts';

export { afterCrlf, clear, equal, equalLower, findByte };
export { findHeaders, headers };
export { callId, hash, high, setKey, setSeed, sipHash };
export { hex };
export { template };
export { redact, redacted };
export { fingerprints };
