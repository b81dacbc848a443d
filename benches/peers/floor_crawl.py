"""A floor: so many sockets ask for all notes and keep nothing.

`python3 floor_crawl.py IDS ADDRESS C` prints a line of JSON.
"""

import asyncio
import json
import resource
import sys
import time
from urllib.parse import urlsplit


async def ask(address, ids):
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    while ids:
        path = f"/api/xiaohongshu/get-note-detail/v1?noteId={ids.pop()}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
    writer.close()


async def main():
    with open(sys.argv[1]) as lines:
        ids = lines.read().split()
    calls, address = len(ids), urlsplit(sys.argv[2])
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.gather(*(ask(address, ids) for _ in range(int(sys.argv[3]))))
    seconds, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"rate": calls / seconds, "cpu": cpu / calls}))


asyncio.run(main())
