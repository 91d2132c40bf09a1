"""A receiver that writes down what arrived: which alert, on which channel, under which key, and what it answered."""

import asyncio
import collections
import json
import random
import struct
import threading
import time

__all__ = ["MIXED", "OK", "Receiver"]

OK, FAILED, RESET, LIMITED = "ok", "500", "reset after the body", "429"
MIXED = {OK: 0.90, FAILED: 0.04, RESET: 0.03, LIMITED: 0.03}
_ANSWERS = {
    OK: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    FAILED: b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    LIMITED: b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0.05\r\nContent-Length: 0\r\n\r\n",
}


class Receiver:
    """Listens on a free port of 127.0.0.1, in a thread of its own.

    Args:
        mix: how often it does what, as in ``MIXED``; only successes by default.
        seed: of the choice.
        delay: seconds before each answer.

    Attributes:
        arrivals: for each (alert id, channel): (key, what was answered, when) of each request that arrived whole.
        open: cleared, answers wait until it is set.
    """

    def __init__(self, mix=None, seed=0, delay=0.0):
        self._mix = mix or {OK: 1.0}
        self._rng = random.Random(seed)
        self._delay = delay
        self.arrivals = collections.defaultdict(list)
        self.titles = {}
        self.total = 0
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._hold = None
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._thread.start()
        self._listening.wait()

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def forget(self):
        """Begin anew."""
        with self._changed:
            self.arrivals.clear()
            self.titles.clear()
            self.total = 0

    def hold(self):
        """Answer nothing until :meth:`let_go`."""
        self._loop.call_soon_threadsafe(self._free.clear)

    def let_go(self):
        self._loop.call_soon_threadsafe(self._free.set)

    def behave(self, mix):
        """From now on it does what so often."""
        self._mix = mix

    def wait_for(self, count, seconds=120.0):
        """Wait until so many requests have arrived; whether they have."""
        with self._changed:
            return self._changed.wait_for(lambda: self.total >= count, seconds)

    @property
    def keys(self):
        """The keys of each unit."""
        return {unit: {key for key, _, _ in found} for unit, found in self.arrivals.items()}

    def answered(self, unit, what=OK):
        return sum(said == what for _, said, _ in self.arrivals[unit])

    @property
    def taken(self):
        """Units that were answered with a success."""
        return {unit for unit, found in self.arrivals.items() if any(said == OK for _, said, _ in found)}

    @property
    def repeated(self):
        """How many successes were more than the first of their unit."""
        return sum(max(0, sum(said == OK for _, said, _ in found) - 1) for found in self.arrivals.values())

    @property
    def under_a_second_key(self):
        return sum(len(keys) > 1 for keys in self.keys.values())

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._free = asyncio.Event()
        self._free.set()
        server = self._loop.run_until_complete(asyncio.start_server(self._converse, "127.0.0.1", 0, backlog=512))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._listening.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    async def _converse(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path, headers = _parsed(head)
                body = json.loads(await reader.readexactly(int(headers["content-length"])))
                said = self._note(path, headers["webhook-id"], body)
                if self._delay:
                    await asyncio.sleep(self._delay)
                await self._free.wait()
                if said == RESET:
                    sock = writer.get_extra_info("socket")
                    sock.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER: an RST instead of a FIN
                    break
                writer.write(_ANSWERS[said])
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _note(self, path, key, body):
        said = self._rng.choices(list(self._mix), list(self._mix.values()))[0]
        with self._changed:
            self.arrivals[body["alert_id"], path].append((key, said, time.time()))
            self.titles[body["alert_id"]] = body["title"]
            self.total += 1
            self._changed.notify_all()
        return said


def _parsed(head):
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if line)
    return first.split(" ")[1].strip("/"), headers
