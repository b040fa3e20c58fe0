/** Where the bench keeps what it makes. This file runs from dist/bench/. */
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The captures, git-ignored: several hundred megabytes, made anew when they are missing. */
export const CAPTURES = `${ROOT}bench/captures/`;
/** Results, one JSON file a command, git-ignored; the recorded ones are in bench/recorded.json. */
export const OUT = `${ROOT}bench/out/`;
/** The compiled scripts of the bench, to start as processes of their own. */
export const SCRIPTS = `${ROOT}dist/bench/`;

export const HTTP_CAPTURE = `${CAPTURES}http.pcap`;
export const REDIS_CAPTURE = `${CAPTURES}redis.pcap`;
export const DNS_CAPTURE = `${CAPTURES}dns.pcap`;
/** Synthetic: 10,000 connections at once. */
export const CONNECTIONS_CAPTURE = `${CAPTURES}connections.pcap`;
