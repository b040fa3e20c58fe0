/**
 * The commands of Redis (https://redis.io/docs/latest/commands/): where the key is, and what about a command
 * changes how the connection goes on. A command that is not listed has its key first, as modules do.
 *
 * Constant after loading: an open-addressed table in typed arrays, so that a look-up makes nothing.
 */

/** Low bits of a rule: index of the argument that is the target, 0 none. */
export const RULE_TARGET = 7;
/** The command has two words: `CONFIG GET`. The target's index counts the second word as 1. */
export const RULE_TWO_WORDS = 8;
/** Arguments other than the target are never offered: secrets, or the text of a script. */
export const RULE_PRIVATE = 16;
/** Nor is the answer: it may hold passwords or their hashes. */
export const RULE_PRIVATE_ANSWER = 32;

/** Bits from here up: the kind, for commands with a way of their own. */
export const RULE_KIND_SHIFT = 8;
export const KIND_PLAIN = 0;
/** `EVAL script numkeys key …` */
export const KIND_SCRIPT = 1;
/** `XREAD … STREAMS key …` */
export const KIND_STREAMS = 2;
export const KIND_AUTH = 3;
export const KIND_HELLO = 4;
/** Each channel gets a confirmation; the first one answers the call. */
export const KIND_SUBSCRIBE = 5;
export const KIND_UNSUBSCRIBE = 6;
export const KIND_MONITOR = 7;
/** The connection becomes a replication stream. */
export const KIND_SYNC = 8;
/** `CLIENT REPLY` may switch answers off. */
export const KIND_CLIENT = 9;
/** `REPLCONF ACK` has no answer: a replication stream was joined. */
export const KIND_REPLCONF = 10;
export const KIND_RESET = 11;
/** Its target is a user's name, for the subcommands on users only. */
export const KIND_ACL = 12;

/** Longest command word that is looked up or told; the longest of Redis has 20 letters. */
export const WORD_MAX = 64;

/** What holds for a command that is not in the table. */
export const RULE_UNLISTED = 1;

const KIND = (kind: number): number => kind << RULE_KIND_SHIFT;
const CONTAINER = RULE_TWO_WORDS | RULE_PRIVATE;

const TABLE: readonly (readonly [rule: number, names: string])[] = [
  [
    1,
    `APPEND BITCOUNT BITFIELD BITFIELD_RO BITPOS BLMOVE BLPOP BRPOP BRPOPLPUSH BZPOPMAX BZPOPMIN COPY DECR
     DECRBY DEL DUMP EXISTS EXPIRE EXPIREAT EXPIRETIME GEOADD GEODIST GEOHASH GEOPOS GEORADIUS
     GEORADIUSBYMEMBER GEORADIUSBYMEMBER_RO GEORADIUS_RO GEOSEARCH GEOSEARCHSTORE GET GETBIT GETDEL GETEX
     GETRANGE GETSET HDEL HEXISTS HEXPIRE HEXPIREAT HEXPIRETIME HGET HGETALL HGETDEL HGETEX HINCRBY
     HINCRBYFLOAT HKEYS HLEN HMGET HMSET HPERSIST HPEXPIRE HPEXPIREAT HPEXPIRETIME HPTTL HRANDFIELD HSCAN
     HSET HSETEX HSETNX HSTRLEN HTTL HVALS INCR INCRBY INCRBYFLOAT KEYS LCS LINDEX LINSERT LLEN LMOVE LPOP
     LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM MGET MOVE MSET MSETNX PERSIST PEXPIRE PEXPIREAT PEXPIRETIME
     PFADD PFCOUNT PFMERGE PSETEX PTTL PUBLISH RENAME RENAMENX RESTORE RESTORE-ASKING RPOP RPOPLPUSH RPUSH
     RPUSHX SADD SCARD SDIFF SDIFFSTORE SET SETBIT SETEX SETNX SETRANGE SINTER SINTERSTORE SISMEMBER
     SMEMBERS SMISMEMBER SMOVE SORT SORT_RO SPOP SPUBLISH SRANDMEMBER SREM SSCAN STRLEN SUBSTR SUNION
     SUNIONSTORE TOUCH TTL TYPE UNLINK WATCH XACK XACKDEL XADD XAUTOCLAIM XCLAIM XDEL XDELEX XLEN XPENDING
     XRANGE XREVRANGE XSETID XTRIM ZADD ZCARD ZCOUNT ZDIFFSTORE ZINCRBY ZINTERSTORE ZLEXCOUNT ZMSCORE
     ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZRANGESTORE ZRANK ZREM ZREMRANGEBYLEX
     ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE
     ZUNIONSTORE`,
  ],
  [2, 'BITOP LMPOP SINTERCARD ZDIFF ZINTER ZINTERCARD ZMPOP ZUNION'],
  [3, 'BLMPOP BZMPOP'],
  // MIGRATE host port key db timeout … AUTH password.
  [3 | RULE_PRIVATE, 'MIGRATE'],
  [
    0,
    `ASKING BGREWRITEAOF BGSAVE DBSIZE DISCARD ECHO EXEC FAILOVER FLUSHALL FLUSHDB INFO LASTSAVE LOLWUT MULTI
     PING QUIT RANDOMKEY READONLY READWRITE REPLICAOF ROLE SAVE SCAN SELECT SHUTDOWN SLAVEOF SWAPDB TIME
     UNWATCH WAIT WAITAOF`,
  ],
  [KIND(KIND_SCRIPT), 'EVAL EVALSHA EVALSHA_RO EVAL_RO FCALL FCALL_RO'],
  [KIND(KIND_STREAMS), 'XREAD XREADGROUP'],
  [KIND(KIND_AUTH) | RULE_PRIVATE, 'AUTH'],
  [KIND(KIND_HELLO) | RULE_PRIVATE, 'HELLO'],
  [KIND(KIND_SUBSCRIBE) | 1, 'SUBSCRIBE PSUBSCRIBE SSUBSCRIBE'],
  [KIND(KIND_UNSUBSCRIBE) | 1, 'UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE'],
  [KIND(KIND_MONITOR), 'MONITOR'],
  [KIND(KIND_SYNC), 'PSYNC SYNC'],
  [KIND(KIND_REPLCONF), 'REPLCONF'],
  [KIND(KIND_RESET), 'RESET'],
  [KIND(KIND_CLIENT) | CONTAINER, 'CLIENT'],
  [KIND(KIND_ACL) | CONTAINER | RULE_PRIVATE_ANSWER | 2, 'ACL'],
  [CONTAINER | RULE_PRIVATE_ANSWER | 2, 'CONFIG SENTINEL'],
  [CONTAINER | 2, 'LATENCY MEMORY OBJECT PUBSUB XGROUP XINFO'],
  [CONTAINER, 'CLUSTER COMMAND DEBUG FUNCTION MODULE SCRIPT SLOWLOG'],
];

/** Four times the commands, a power of two. */
const SLOTS = 1024;
const SLOT_RULE = new Int32Array(SLOTS).fill(-1);
const SLOT_AT = new Int32Array(SLOTS);
const SLOT_LENGTH = new Int32Array(SLOTS);
const NAMES = build();

/** The rule of the upper-case word at `start`, or -1 when Redis has no such command. */
export function commandRule(u8: Uint8Array, start: number, length: number): number {
  let slot = hashWord(u8, start, length);
  while (SLOT_RULE[slot] >= 0) {
    if (SLOT_LENGTH[slot] === length && sameWord(u8, start, SLOT_AT[slot], length)) return SLOT_RULE[slot];
    slot = (slot + 1) & (SLOTS - 1);
  }
  return -1;
}

function sameWord(u8: Uint8Array, start: number, at: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (u8[start + i] !== NAMES[at + i]) return false;
  return true;
}

function hashWord(u8: Uint8Array, start: number, length: number): number {
  let hash = length;
  for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + u8[start + i]) | 0;
  return (hash ^ (hash >>> 10)) & (SLOTS - 1);
}

function build(): Uint8Array {
  const bytes: number[] = [];
  for (const [rule, names] of TABLE) {
    for (const name of names.split(/\s+/)) {
      const word = Uint8Array.from(name, (letter) => letter.charCodeAt(0));
      let slot = hashWord(word, 0, word.length);
      while (SLOT_RULE[slot] >= 0) slot = (slot + 1) & (SLOTS - 1);
      SLOT_RULE[slot] = rule;
      SLOT_AT[slot] = bytes.length;
      SLOT_LENGTH[slot] = word.length;
      bytes.push(...word);
    }
  }
  return Uint8Array.from(bytes);
}
