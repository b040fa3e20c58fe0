"""What every Python service of the shop stands on: a pool of threads that serve HTTP, calls to others,
a Redis client, and the truth about all of them (the format is told in node/truth-log.mjs).

A thread takes a connection only while a request is on it; idle connections wait in one selector. So a
pool of 16 threads serves any number of kept connections. Standard library only.
"""

import http.client
import json
import os
import queue
import random
import selectors
import socket
import sys
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

RETRY_WAIT_S = 0.015
HEAD_BYTES_MAX = 65536


def fnv32(text):
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def now_micros():
    return time.time_ns() // 1000


def socket_name(pair):
    return f"{pair[0]}:{pair[1]}"


class Answer:
    """What a handler returns when it wants another status than 200."""

    def __init__(self, status, value):
        self.status = status
        self.value = value


class Truth:
    def __init__(self, folder, service):
        self.file = open(os.path.join(folder, service + ".ndjson"), "a") if folder else None
        self.lock = threading.Lock()

    def write(self, event):
        if self.file is None:
            return
        line = json.dumps(event, separators=(",", ":")) + "\n"
        with self.lock:
            self.file.write(line)

    def flush(self):
        if self.file is not None:
            with self.lock:
                self.file.flush()


class RedisConnection:
    """One connection, RESP2, pipelining within one call."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")
        self.ordinal = 0
        self.local = socket_name(self.socket.getsockname())
        self.peer = socket_name(self.socket.getpeername())

    def send(self, commands):
        parts = []
        for words in commands:
            parts.append(f"*{len(words)}\r\n".encode())
            for word in words:
                value = str(word).encode()
                parts.append(b"$%d\r\n%s\r\n" % (len(value), value))
        self.socket.sendall(b"".join(parts))

    def receive(self):
        line = self.reader.readline()
        if not line:
            raise ConnectionError("redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RuntimeError(rest.decode())
        if kind == b":":
            return int(rest)
        length = int(rest)
        if length < 0:
            return None
        if kind == b"$":
            return self.reader.read(length + 2)[:-2].decode()
        return [self.receive() for _ in range(length)]


class Pool:
    """Idle connections of one kind; the last one given back is taken first."""

    def __init__(self, make):
        self.make = make
        self.idle = queue.LifoQueue()

    def take(self):
        try:
            return self.idle.get_nowait()
        except queue.Empty:
            return self.make()

    def give(self, connection):
        self.idle.put(connection)


class Call:
    """One incoming request and what a handler may do on its behalf."""

    def __init__(self, service, cause, values, query, body):
        self.service = service
        self.cause = cause
        self.values = values
        self.query = query
        self.body = body

    def work(self, milliseconds):
        time.sleep(milliseconds * (0.6 + 0.8 * self.service.chance()) / 1000)

    def redis(self, *words):
        return self.service.redis(self.cause, [words])

    def http(self, to, method, path, value=None, retries=0):
        return self.service.http(self.cause, to, method, path, value, retries)


class Service:
    def __init__(self, threads):
        self.name = sys.argv[1]
        with open(sys.argv[2]) as file:
            self.config = json.load(file)
        self.truth = Truth(self.config.get("truthFolder"), self.name)
        self.places = self.config["places"]
        self.random = random.Random(self.config["seed"] ^ fnv32(self.name))
        self.random_lock = threading.Lock()
        self.pool = ThreadPoolExecutor(threads)
        self.routes = []
        self.busy = 0
        self.served = 0
        self.busy_lock = threading.Lock()
        self.selector = selectors.DefaultSelector()
        self.returned = queue.SimpleQueue()
        self.wake_read, self.wake_write = socket.socketpair()
        place = self.places["redis"]
        self.redis_pool = Pool(lambda: RedisConnection(place["host"], place["port"]))
        self.http_pools = {}

    def chance(self):
        with self.random_lock:
            return self.random.random()

    def route(self, pattern, handler):
        method, path = pattern.split(" ")
        self.routes.append((method, path.split("/"), handler))

    # Calls to others.

    def redis(self, cause, commands):
        connection = self.redis_pool.take()
        start = now_micros()
        connection.send(commands)
        value = None
        for words in commands:
            value = connection.receive()
            connection.ordinal += 1
            failed = isinstance(value, RuntimeError)
            self.truth.write(
                {
                    "t": "out", "service": self.name, "protocol": "redis", "to": "redis",
                    "local": connection.local, "peer": connection.peer, "n": connection.ordinal,
                    "method": words[0], "path": str(words[1]), "status": 500 if failed else 200,
                    "attempt": 1, "cause": cause, "start": start, "end": now_micros(),
                }
            )  # fmt: skip
        self.redis_pool.give(connection)
        if isinstance(value, RuntimeError):
            raise value
        return value

    def http(self, cause, to, method, path, value, retries):
        for attempt in range(1, retries + 2):
            status, text = self.http_once(cause, to, method, path, value, attempt)
            if 0 < status < 500 or attempt > retries:
                break
            time.sleep(RETRY_WAIT_S)
        return status, json.loads(text) if text else None

    def new_connection(self, to):
        place = self.places[to]
        connection = http.client.HTTPConnection(place["host"], place["port"], timeout=10)
        connection.connect()
        connection.ordinal = 0
        connection.local = socket_name(connection.sock.getsockname())
        connection.peer = socket_name(connection.sock.getpeername())
        return connection

    def http_once(self, cause, to, method, path, value, attempt):
        pool = self.http_pools.setdefault(to, Pool(lambda: self.new_connection(to)))
        connection = pool.take()
        start = now_micros()
        connection.ordinal += 1
        headers = {"Accept": "application/json"}
        body = None
        if value is not None:
            body = json.dumps(value).encode()
            headers["Content-Type"] = "application/json"
        status, text = 0, b""
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read()
            status = response.status
        except (OSError, http.client.HTTPException):
            connection.close()
        event = {
            "t": "out", "service": self.name, "protocol": "http", "to": to,
            "local": connection.local, "peer": connection.peer, "n": connection.ordinal,
            "method": method, "path": path, "status": status,
            "attempt": attempt, "cause": cause, "start": start, "end": now_micros(),
        }  # fmt: skip
        self.truth.write(event)
        if status != 0:
            pool.give(connection)
        return status, text

    # Serving.

    def find(self, method, path):
        segments = path.split("/")
        for route_method, parts, handler in self.routes:
            if route_method != method or len(parts) != len(segments):
                continue
            if all(part[:1] == ":" or part == segment for part, segment in zip(parts, segments)):
                return handler, {p[1:]: s for p, s in zip(parts, segments) if p[:1] == ":"}
        return None, {}

    def handle(self, cause, method, target, body):
        parsed = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(parsed.query))
        handler, values = self.find(method, parsed.path)
        if handler is None:
            return Answer(404, {"error": "no such page"})
        try:
            call = Call(self, cause, values, query, json.loads(body) if body else None)
            result = handler(call)
        except Exception as error:  # A request that fails must not end the service.
            return Answer(500, {"error": str(error)})
        return result if isinstance(result, Answer) else Answer(200, result)

    def serve_one(self, connection):
        """Reads one request, answers it, gives the connection back to the selector."""
        client = connection["socket"]
        try:
            message = read_request(client)
        except (OSError, ValueError):
            message = None
        if message is None:
            client.close()
            return
        with self.busy_lock:
            self.busy += 1
        start = now_micros()
        method, target, body = message
        connection["n"] += 1
        cause = {"local": connection["local"], "peer": connection["peer"], "n": connection["n"]}
        answer = self.handle(cause, method, target, body)
        text = json.dumps(answer.value).encode()
        reason = http.client.responses.get(answer.status, "")
        head = (
            f"HTTP/1.1 {answer.status} {reason}\r\nServer: pool/1.0\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        )
        self.truth.write(
            {
                "t": "in", "service": self.name, "protocol": "http", **cause, "method": method,
                "path": target, "status": answer.status, "start": start, "end": now_micros(),
            }
        )  # fmt: skip
        try:
            client.sendall(head.encode() + text)
            self.returned.put(connection)
            self.wake_write.send(b"x")
        except OSError:
            client.close()
        with self.busy_lock:
            self.busy -= 1
            self.served += 1

    def accept(self, listener):
        client, address = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.settimeout(10)
        local = socket_name(client.getsockname())
        connection = {"socket": client, "n": 0, "local": local, "peer": socket_name(address)}
        self.selector.register(client, selectors.EVENT_READ, connection)

    def obey(self):
        """Follows the launcher's orders; when its pipe ends, so does the service."""
        for line in sys.stdin:
            if line.strip() != "drain":
                continue
            while self.busy > 0:
                time.sleep(0.005)
            self.truth.flush()
            print(f"idle {self.served}", flush=True)
        self.truth.flush()
        os._exit(0)

    def run(self):
        place = self.places[self.name]
        listener = socket.create_server((place["bindHost"], place["bindPort"]), backlog=128)
        self.selector.register(listener, selectors.EVENT_READ, "listener")
        self.selector.register(self.wake_read, selectors.EVENT_READ, "wake")
        threading.Thread(target=self.obey, daemon=True).start()
        print("ready", flush=True)
        while True:
            for key, _ in self.selector.select():
                if key.data == "listener":
                    self.accept(listener)
                elif key.data == "wake":
                    self.wake_read.recv(4096)
                    while not self.returned.empty():
                        connection = self.returned.get()
                        self.selector.register(connection["socket"], selectors.EVENT_READ, connection)
                else:
                    self.selector.unregister(key.fileobj)
                    self.pool.submit(self.serve_one, key.data)


def read_request(client):
    """(method, target, body) of the next request, or None when the other side has closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(16384)
        if not part:
            return None
        data += part
        if len(data) > HEAD_BYTES_MAX:
            raise ValueError("head too long")
    head, body = data.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ")
    length = 0
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            length = int(value)
    while len(body) < length:
        part = client.recv(16384)
        if not part:
            return None
        body += part
    return method, target, body
