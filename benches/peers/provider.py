"""A provider on this machine: Just One API's calls for notes and users, answered after a fixed time.

`python3 provider.py --port 0 --latency 0.05 --prepare ids.txt` prints its port once it listens. `/stats` tells how many
calls it answered, and the seconds from the first question to the last answer.
"""

import argparse
import asyncio
import collections
import json
import time
from urllib.parse import parse_qs, urlsplit

import bodies


class Provider:
    def __init__(self, latency, prepared):
        self.latency, self.prepared = latency, prepared
        self.asked = collections.Counter()
        self.first = self.last = None
        self.calls = 0

    def body(self, target):
        url = urlsplit(target)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/stats":
            return json.dumps({"calls": self.calls, "seconds": (self.last or 0) - (self.first or 0)}).encode()
        self.calls += 1
        self.first = self.first or time.monotonic()
        if "noteId" in asked:
            note_id = asked["noteId"]
            before, self.asked[note_id] = self.asked[note_id], self.asked[note_id] + 1
            return (not before and self.prepared.pop(note_id, None)) or bodies.detail(note_id, before)
        return bodies.profile(asked.get("userId", "x"))


class Connection(asyncio.Protocol):
    def __init__(self, provider):
        self.provider, self.received = provider, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head, self.received = self.received[:end], self.received[end + 4 :]
            begun = asyncio.get_running_loop().time()
            target = head.split(b" ", 2)[1].decode()
            body = self.provider.body(target)
            # Making the body is no part of the time that an answer takes.
            asyncio.get_running_loop().call_at(begun + self.provider.latency, self.answer, body)

    def answer(self, body):
        self.provider.last = time.monotonic()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        if not self.transport.is_closing():
            self.transport.write(head.encode() + body)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds from a question to its answer")
    parser.add_argument("--prepare", help="a file of ids whose bodies are made before it listens")
    options = parser.parse_args()
    prepared = {}
    if options.prepare:
        with open(options.prepare) as lines:
            prepared = {line.strip(): bodies.detail(line.strip()) for line in lines if line.strip()}
    provider = Provider(options.latency, prepared)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(provider), "127.0.0.1", options.port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
