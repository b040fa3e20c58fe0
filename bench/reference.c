/*
 * What a straightforward program in C needs for the same work up to the call: read a pcap file, Ethernet,
 * IPv4 and TCP headers, a flow table, bytes in order (what was missing is skipped to the next head),
 * HTTP/1.1 heads and bodies, pairing in order, a hash of the path with numbers folded, a hash of the host,
 * bytes and latency. It has no redaction, fingerprints, ids, texts, trace headers, columns or loss marks:
 * it is a floor, not a product.
 *
 *   gcc -O3 -march=native -o reference reference.c && ./reference FILE [passes]
 *
 * A line for each pass: CPU seconds, packets, bytes, flows, requests, answers, calls, a checksum.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define READ_BYTES (1u << 18)
#define RECORD_MAX (1u << 18)
#define SLOTS (1u << 18)
#define FLOWS_MAX (1u << 16)
/* Requests of a flow that wait for their answer. */
#define OPEN_MAX 8u

enum state { HEAD, BODY, CHUNK_SIZE, CHUNK_DATA, TRAILER, UNTIL_CLOSE };

struct direction {
  uint32_t next;       /* sequence number of the next byte */
  uint32_t state;      /* enum state */
  uint32_t left;       /* bytes of the body, or digits of the chunk's size so far */
  uint32_t bytes;      /* of the message */
  uint8_t known;       /* `next` holds */
  uint8_t request;     /* the last head was a request's */
  uint8_t in_extension;
  uint8_t line_bytes;  /* of a trailer's line; 0, 1, or more */
};

struct open_call {
  uint64_t start;
  uint64_t path;
  uint64_t host;
  uint32_t bytes;
  uint32_t is_head;
};

struct flow {
  struct direction side[2];
  uint32_t first, last; /* open calls, taken modulo OPEN_MAX */
  struct open_call open[OPEN_MAX];
};

struct slot {
  uint32_t low, high, ports, flow; /* flow + 1 */
};

static struct slot slots[SLOTS];
static struct flow *flows;
static uint32_t flow_count;
static uint64_t packets, bytes_read, requests, answers, calls, latency, checksum;

static inline uint16_t be16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static inline uint32_t be32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return __builtin_bswap32(value);
}
static inline uint32_t le32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return value;
}
static inline uint64_t mix(uint64_t hash, uint8_t byte) { return (hash ^ byte) * 0x100000001b3ull; }

static struct flow *flow_of(uint32_t low, uint32_t high, uint32_t ports) {
  uint32_t hash = (low ^ high * 0x9e3779b1u) + ports * 0x85ebca77u;
  hash = (hash ^ hash >> 16) * 0x7feb352du;
  for (uint32_t at = (hash ^ hash >> 15) & (SLOTS - 1);; at = (at + 1) & (SLOTS - 1)) {
    struct slot *slot = &slots[at];
    if (slot->flow == 0) {
      if (flow_count == FLOWS_MAX) return NULL;
      *slot = (struct slot){low, high, ports, ++flow_count};
      return &flows[flow_count - 1];
    }
    if (slot->low == low && slot->high == high && slot->ports == ports) return &flows[slot->flow - 1];
  }
}

/* The message of a direction is over. */
static void finish(struct flow *flow, struct direction *side, uint64_t now) {
  side->state = HEAD;
  if (side->request) {
    flow->open[(flow->last - 1) % OPEN_MAX].bytes = side->bytes;
    return;
  }
  if (flow->first == flow->last) return;
  struct open_call *call = &flow->open[flow->first++ % OPEN_MAX];
  calls++;
  latency += now - call->start;
  checksum += call->path ^ call->host ^ call->bytes ^ side->bytes;
}

static inline int is_request(uint32_t word) {
  return word == 0x20544547 /* GET */ || word == 0x54534f50 /* POST */ || word == 0x20545550 /* PUT */ ||
         word == 0x44414548 /* HEAD */ || word == 0x454c4544 /* DELETE */ || word == 0x43544150 /* PATCH */ ||
         word == 0x4954504f /* OPTIONS */;
}

/* A hash of the path in which segments of digits alone are all the same. */
static uint64_t path_hash(const uint8_t *at, const uint8_t *end) {
  uint64_t hash = 0xcbf29ce484222325ull, before = hash;
  int digits = 0, others = 0;
  for (; at < end && *at != ' ' && *at != '?'; at++) {
    if (*at == '/') {
      if (digits && !others) hash = mix(before, '#');
      hash = before = mix(hash, '/');
      digits = others = 0;
      continue;
    }
    if (*at >= '0' && *at <= '9') digits++;
    else others++;
    hash = mix(hash, *at);
  }
  return digits && !others ? mix(before, '#') : hash;
}

/* Eight bytes at a time: one multiplication a byte would be most of what a host costs. */
static uint64_t text_hash(const uint8_t *at, const uint8_t *end) {
  uint64_t hash = 0xcbf29ce484222325ull, word;
  if (end == NULL) return hash;
  for (; end - at >= 8; at += 8) {
    memcpy(&word, at, 8);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
    hash ^= hash >> 32;
  }
  word = 0;
  memcpy(&word, at, (size_t)(end - at));
  return (hash ^ word) * 0x9e3779b97f4a7c15ull;
}

static inline uint32_t number(const uint8_t *at, const uint8_t *end) {
  uint32_t value = 0;
  while (at < end && *at == ' ') at++;
  for (; at < end && *at >= '0' && *at <= '9'; at++) value = value * 10 + (*at - '0');
  return value;
}

/* Reads a head that lies whole in [from, end); answers where it ends, or NULL. */
static const uint8_t *head(struct flow *flow, struct direction *side, const uint8_t *from, const uint8_t *end,
                           uint64_t now) {
  if (end - from < 16) return NULL;
  uint32_t word = le32(from), status = 0, length = 0;
  int is_answer = word == 0x50545448, has_length = 0, chunked = 0; /* HTTP */
  uint64_t path = 0, host = 0;
  const uint8_t *at = from;
  if (is_answer) status = number(from + 9, end);
  else {
    if (!is_request(word)) return NULL;
    at = memchr(from, ' ', 9);
    if (at == NULL) return NULL;
    path = path_hash(at + 1, end);
  }
  for (;;) {
    at = memchr(at, '\n', (size_t)(end - at));
    if (at == NULL || ++at + 2 > end) return NULL;
    if (*at == '\r') break;
    if (at + 18 > end) continue;
    uint32_t name = le32(at) | 0x20202020u;
    if (name == 0x746e6f63) { /* cont */
      if ((le32(at + 8) | 0x20202020u) != 0x676e656c) continue;
      length = number(at + 15, end);
      has_length = 1;
    } else if (name == 0x6e617274) { /* tran */
      if ((le32(at + 9) | 0x20202020u) == 0x6f636e65) chunked = memchr(at + 18, 'c', 3) != NULL;
    } else if (name == 0x74736f68) { /* host */
      host = text_hash(at + 5, memchr(at + 5, '\r', (size_t)(end - at - 5)));
    }
  }
  at += 2;
  side->bytes = (uint32_t)(at - from);
  if (is_answer) {
    answers++;
    if (status < 200) return at;
    side->request = 0;
    int to_head = flow->first != flow->last && flow->open[flow->first % OPEN_MAX].is_head;
    if (status == 204 || status == 304 || to_head) {
      finish(flow, side, now);
      return at;
    }
  } else {
    requests++;
    if (flow->last - flow->first == OPEN_MAX) flow->first++;
    flow->open[flow->last++ % OPEN_MAX] = (struct open_call){now, path, host, 0, word == 0x44414548};
    side->request = 1;
  }
  if (chunked) {
    side->state = CHUNK_SIZE;
    side->left = side->in_extension = 0;
  } else if (has_length && length > 0) {
    side->state = BODY;
    side->left = length;
  } else if (has_length || !is_answer) finish(flow, side, now);
  else side->state = UNTIL_CLOSE;
  return at;
}

static inline int digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  byte |= 32;
  return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static void feed(struct flow *flow, struct direction *side, const uint8_t *at, const uint8_t *end,
                 uint64_t now) {
  while (at < end) {
    size_t have = (size_t)(end - at);
    switch (side->state) {
      case HEAD:
        at = head(flow, side, at, end, now);
        if (at == NULL) return;
        break;
      case BODY:
      case CHUNK_DATA: {
        uint32_t take = have < side->left ? (uint32_t)have : side->left;
        side->left -= take;
        side->bytes += take;
        at += take;
        if (side->left > 0) return;
        if (side->state == BODY) finish(flow, side, now);
        else {
          side->state = CHUNK_SIZE;
          side->in_extension = 0;
        }
        break;
      }
      case CHUNK_SIZE: {
        uint8_t byte = *at++;
        side->bytes++;
        if (byte == '\n') {
          if (side->left == 0) {
            side->state = TRAILER;
            side->line_bytes = 0;
          } else {
            side->state = CHUNK_DATA;
            side->left += 2;
          }
        } else if (byte == ';') side->in_extension = 1;
        else if (!side->in_extension) {
          int value = digit(byte);
          if (value >= 0) side->left = side->left << 4 | (uint32_t)value;
        }
        break;
      }
      case TRAILER: {
        uint8_t byte = *at++;
        side->bytes++;
        if (byte == '\n') {
          if (side->line_bytes == 0) finish(flow, side, now);
          side->line_bytes = 0;
        } else if (byte != '\r') side->line_bytes = 1;
        break;
      }
      default:
        return;
    }
  }
}

/* One IPv4 packet with TCP in it. */
static void segment(const uint8_t *ip, const uint8_t *end, uint64_t now) {
  const uint8_t *tcp = ip + (ip[0] & 15) * 4;
  if (tcp + 20 > end) return;
  const uint8_t *payload = tcp + (tcp[12] >> 4) * 4, *stop = ip + be16(ip + 2);
  if (stop > end) stop = end;
  int32_t length = (int32_t)(stop - payload), flags = tcp[13];
  if (length <= 0 && (flags & 7) == 0) return;
  uint32_t from = le32(ip + 12), to = le32(ip + 16), source = be16(tcp), target = be16(tcp + 2);
  int reverse = from > to || (from == to && source > target);
  struct flow *flow =
      reverse ? flow_of(to, from, target << 16 | source) : flow_of(from, to, source << 16 | target);
  if (flow == NULL) return;
  struct direction *side = &flow->side[reverse];
  uint32_t sequence = be32(tcp + 4);
  if (flags & 2) {
    side->next = sequence + 1;
    side->state = HEAD;
    side->known = 1;
  } else if (length > 0) {
    int32_t ahead = (int32_t)(sequence - side->next);
    if (!side->known || ahead > 0) {
      /* What is missing is not waited for: on with the next head. */
      if (side->known) side->state = HEAD;
      side->known = 1;
      ahead = 0;
    }
    if (ahead + length <= 0) return;
    side->next = sequence + (uint32_t)length;
    feed(flow, side, payload - ahead, stop, now);
  }
}

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int pass(const char *path) {
  /*
   * Reads go to one aligned place, which the kernel copies to faster; what is left of a record lies before
   * it.
   */
  static uint8_t buffer[RECORD_MAX + READ_BYTES] __attribute__((aligned(4096)));
  int file = open(path, O_RDONLY);
  uint8_t header[24];
  if (file < 0 || read(file, header, 24) != 24) return 0;
  uint64_t unit = le32(header) == 0xa1b23c4d ? 1 : 1000;
  size_t left = 0;
  bytes_read = 24;
  for (;;) {
    ssize_t got = read(file, buffer + RECORD_MAX, READ_BYTES);
    if (got <= 0) break;
    bytes_read += (uint64_t)got;
    size_t at = RECORD_MAX - left, end = RECORD_MAX + (size_t)got;
    while (at + 16 <= end) {
      size_t captured = le32(buffer + at + 8), next = at + 16 + captured;
      if (next > end) break;
      const uint8_t *frame = buffer + at + 16;
      packets++;
      if (captured >= 34 && be16(frame + 12) == 0x0800 && frame[23] == 6) {
        uint64_t now = le32(buffer + at) * 1000000000ull + le32(buffer + at + 4) * unit;
        segment(frame + 14, frame + captured, now);
      }
      at = next;
    }
    left = end - at;
    if (left > RECORD_MAX) return 0;
    memmove(buffer + RECORD_MAX - left, buffer + at, left);
  }
  close(file);
  return 1;
}

int main(int count, char **arguments) {
  if (count < 2) {
    fprintf(stderr, "usage: reference FILE [passes]\n");
    return 2;
  }
  int passes = count > 2 ? atoi(arguments[2]) : 1;
  flows = malloc(sizeof(struct flow) * FLOWS_MAX);
  for (int number = 0; number < passes; number++) {
    packets = requests = answers = calls = latency = checksum = 0;
    memset(slots, 0, sizeof slots);
    memset(flows, 0, sizeof(struct flow) * (flow_count > 0 ? flow_count : FLOWS_MAX));
    flow_count = 0;
    double before = cpu_seconds();
    if (!pass(arguments[1])) {
      fprintf(stderr, "reference: %s cannot be read\n", arguments[1]);
      return 1;
    }
    printf("{\"cpuS\":%.6f,\"frames\":%lu,\"bytes\":%lu,\"flows\":%u,\"requests\":%lu,\"answers\":%lu,"
           "\"calls\":%lu,\"latencyNs\":%lu,\"checksum\":%lu}\n",
           cpu_seconds() - before, packets, bytes_read, flow_count, requests, answers, calls, latency,
           checksum);
  }
  return 0;
}
