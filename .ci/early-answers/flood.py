"""Attackers without a key and genuine senders, through the same proxy at the same time."""

import asyncio
import collections
import random

import webhooks

# How long, in seconds, the bodies of each attacker stay behind their heads.
LATE = [0, 0, 0, 0, 0.002, 0.005, 0.01, 0.02]
SENDERS = 12
DELIVERIES = 75
# How long, in seconds, a sender waits in the middle of a delivery, or before the next.
SLOW = 0.05
PATIENCE = 10
LONGEST = 150


class Connection:
    """HTTP/1.1 over a connection that is kept open where the server allows it."""

    def __init__(self, port):
        self.port, self.streams = port, None

    async def answer(self, head, body, late):
        """The status of the answer, or None if there is none. The body is sent `late` seconds behind the head."""
        try:
            return await asyncio.wait_for(self._exchange(head, body, late), PATIENCE)
        except (OSError, EOFError, ValueError, asyncio.TimeoutError):
            self.close()
            return None

    async def _exchange(self, head, body, late):
        if not self.streams:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        writer.write(head if late else head + body)
        if late:
            await asyncio.sleep(late)
            writer.write(body)
        await writer.drain()
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(answer.split()[1])
        if "content-length:" in answer:
            await reader.readexactly(int(answer.partition("content-length:")[2].split()[0]))
        elif "chunked" in answer:
            await reader.readuntil(b"0\r\n\r\n")
        if "connection: close" in answer:
            self.close()
        return status

    def close(self):
        if self.streams:
            self.streams[1].close()
        self.streams = None


async def _attacker(port, forged, late, answered, over):
    while not over.is_set():
        connection = Connection(port)
        method, path, length, chunked = random.choice(forged)
        head, body = webhooks.framed(method, path, {}, b"x" * length, chunked)
        answered[await connection.answer(head, body, late)] += 1
        connection.close()


async def _sender(port, delivered):
    connection = Connection(port)
    for turn in range(DELIVERIES):
        uuid, path, headers, body = webhooks.genuine()
        late = SLOW * (turn % 2)
        delivered[uuid] = await connection.answer(*webhooks.framed("POST", path, headers, body), late)
        await asyncio.sleep(SLOW - late)
    connection.close()


async def _flood(port, forged):
    delivered, answered, over = {}, collections.Counter(), asyncio.Event()
    attackers = [asyncio.ensure_future(_attacker(port, forged, late, answered, over)) for late in LATE]
    await asyncio.wait([asyncio.ensure_future(_sender(port, delivered)) for _ in range(SENDERS)], timeout=LONGEST)
    over.set()
    await asyncio.wait(attackers, timeout=2 * PATIENCE)
    return delivered, answered


def flood(port, forged):
    """The status of the answer to each genuine delivery, by uuid, and how often attackers were answered which status."""
    return asyncio.run(_flood(port, forged))
