/** SipHash-2-4 and the fast hash for tables; plain-siphash.ts and plain-hash.ts name their sources. */
let key0: u64 = 0;
let key1: u64 = 0;
let highWord: i32 = 0;
let seed: u32 = 0;

export function setKey(k0: u32, k1: u32, k2: u32, k3: u32): void {
  key0 = <u64>k0 | (<u64>k1 << 32);
  key1 = <u64>k2 | (<u64>k3 << 32);
}

export function high(): i32 {
  return highWord;
}

/** The last bytes of a range, fewer than eight, as one word. */
@inline
function tailOf(p: usize, end: usize): u64 {
  return load<u64>(p) & (((<u64>1) << ((end - p) << 3)) - 1);
}

export function sipHash64(start: usize, end: usize): u64 {
  return sipHashOf(start, end, false, 0);
}

/** The hash of the range, or of a word (`ahead`) and the range behind it. */
@inline
function sipHashOf(start: usize, end: usize, hasAhead: bool, ahead: u64): u64 {
  const length = end - start + (hasAhead ? 8 : 0);
  const blocks = length >>> 3;
  let v0 = key0 ^ 0x736f6d6570736575;
  let v1 = key1 ^ 0x646f72616e646f6d;
  let v2 = key0 ^ 0x6c7967656e657261;
  let v3 = key1 ^ 0x7465646279746573;
  let p = hasAhead ? start - 8 : start;
  // Whole blocks, then the tail with the length in its top byte (two rounds each), then four rounds.
  for (let block: usize = 0; block <= blocks + 1; block++) {
    let word: u64 = 0;
    let rounds = 2;
    if (hasAhead && block == 0) word = ahead;
    else if (block < blocks) word = load<u64>(p);
    else if (block == blocks) word = tailOf(p, end) | (<u64>length << 56);
    else {
      v2 ^= 0xff;
      rounds = 4;
    }
    p += 8;
    v3 ^= word;
    for (; rounds != 0; rounds--) {
      v0 += v1;
      v1 = rotl(v1, 13) ^ v0;
      v0 = rotl(v0, 32);
      v2 += v3;
      v3 = rotl(v3, 16) ^ v2;
      v0 += v3;
      v3 = rotl(v3, 21) ^ v0;
      v2 += v1;
      v1 = rotl(v1, 17) ^ v2;
      v2 = rotl(v2, 32);
    }
    v0 ^= word;
  }
  return v0 ^ v1 ^ v2 ^ v3;
}

export function sipHash(start: usize, end: usize): i32 {
  const hash = sipHash64(start, end);
  highWord = <i32>(hash >>> 32);
  return <i32>hash;
}

export function callId(sequence: u32, key: u32, start: usize, end: usize, out: i32): void {
  store<u64>(<usize>out << 2, sipHashOf(start, end, true, <u64>sequence | (<u64>key << 32)));
}

export function setSeed(value: u32): void {
  seed = value;
}

@inline
function product(a: u32, b: u32): u64 {
  return <u64>(a ^ 0x6a1e9f35) * <u64>(b ^ 0x3c8dd2a7);
}

export function hash(start: usize, end: usize): i32 {
  let mixed = product(seed, <u32>(end - start)) ^ (<u64>seed << 32);
  let p = start;
  for (; end - p >= 8; p += 8) {
    const word = load<u64>(p) ^ mixed;
    mixed = product(<u32>word, <u32>(word >>> 32));
  }
  const word = tailOf(p, end) ^ mixed;
  mixed = product(<u32>word, <u32>(word >>> 32));
  mixed = product(<u32>mixed, <u32>(mixed >>> 32));
  return <i32>(<u32>mixed ^ <u32>(mixed >>> 32));
}
