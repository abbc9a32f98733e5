"""The load generator of scripts/bench: connections that each send the next request when the last is answered.

It speaks just enough HTTP/1.1 to find where an answer ends, on uvloop, so that it costs less than any server it drives.
Reads a JSON object from standard input (`port`, `connections`, `seconds`, `requests`: a list of texts to send in turn)
and writes one with what it saw.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from itertools import cycle
from typing import TYPE_CHECKING

import uvloop

if TYPE_CHECKING:
    from collections.abc import Iterator


class Connection(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, notes how long it took, sends again."""

    def __init__(self, requests: Iterator[bytes], end: float, took: list[float], bad: list[bytes]) -> None:
        self.requests = requests
        self.end = end
        self.took = took
        self.bad = bad
        self.buffer = b""
        self.sent = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.sent = time.perf_counter()
        self.transport.write(next(self.requests))  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0 or not self.complete(head):
            return
        now = time.perf_counter()
        self.took.append(now - self.sent)
        if self.buffer[9:10] != b"2":
            self.bad.append(self.buffer[:200])
        self.buffer = b""
        if now < self.end:
            self.send()
        else:
            self.transport.close()

    def complete(self, head: int) -> bool:
        """Whether the body is all there: by its length, by its last chunk, or because there is none."""
        start = self.buffer.lower().find(b"content-length:", 0, head)
        if start >= 0:
            length = int(self.buffer[start + 15 : self.buffer.find(b"\r", start)])
            return len(self.buffer) >= head + 4 + length
        return self.buffer[9:12] == b"204" or self.buffer.endswith(b"\r\n0\r\n\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        if exc:
            self.bad.append(repr(exc).encode())
        self.done.set_result(None)


async def drive(port: int, connections: int, seconds: float, requests: list[str]) -> dict[str, object]:
    """Load the port for so many seconds; says how many answers came, how fast, and how many were no success."""
    loop = asyncio.get_running_loop()
    turns = cycle([text.encode("latin-1") for text in requests])
    took: list[float] = []
    bad: list[bytes] = []
    start, busy = time.perf_counter(), time.process_time()
    made = [
        await loop.create_connection(lambda: Connection(turns, start + seconds, took, bad), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    elapsed = time.perf_counter() - start
    took.sort()
    return {
        "rate": len(took) / elapsed,
        "p50": took[len(took) // 2],
        "p99": took[len(took) * 99 // 100],
        "bad": len(bad),
        "example": bad[0].decode("latin-1") if bad else "",
        "busy": (time.process_time() - busy) / elapsed,
    }


if __name__ == "__main__":
    json.dump(uvloop.run(drive(**json.load(sys.stdin))), sys.stdout)
