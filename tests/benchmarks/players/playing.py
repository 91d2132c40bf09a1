"""What every player does the same way: one message at a time, many at once, and measuring itself meanwhile."""

import contextlib
import gc
import json
import os
import pathlib
import re
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

__all__ = ["Playing", "best_of", "measured", "serve"]


class Playing:
    """A player; a subclass says how one message is sent."""

    def setup(self, **target):
        """Get ready to send to a target; forget the one before."""

    def send(self, number):
        """Send one message to the whole target and wait until it is taken; raises where it is not."""
        raise NotImplementedError

    def serial(self, first, count):
        """Send one message after the other.

        Returns:
            ``seconds`` and ``cpu`` (of all threads) in all, and ``times`` of each.
        """
        times = []
        with measured() as result:
            for number in range(first, first + count):
                begun = time.perf_counter()
                self.send(number)
                times.append(time.perf_counter() - begun)
        return result | {"times": times}

    def burst(self, first, count, workers):
        """Send many messages, ``workers`` at a time."""
        numbers = range(first, first + count)
        with measured() as result:
            if workers == 1:
                for number in numbers:
                    self.send(number)
            else:
                with ThreadPoolExecutor(workers) as pool:
                    list(pool.map(self.send, numbers))
        return result

    def memory(self):
        """Resident memory in MiB."""
        gc.collect()
        status = pathlib.Path("/proc/self/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[1]) / 1024

    def profile(self, method, **arguments):
        """Where the CPU goes in another method: lines of microseconds per message, own first, then with callees."""
        import yappi

        yappi.set_clock_type("cpu")
        yappi.start()
        getattr(self, method)(**arguments)
        yappi.stop()
        found = yappi.get_func_stats()
        found.sort("tsub")
        count = arguments.get("count", 1)
        lines = [
            f"{one.tsub / count * 1e6:8.1f} {one.ttot / count * 1e6:8.1f} {one.ncall / count:7.1f}  {_place(one)}"
            for one in list(found)[:30]
        ]
        yappi.clear_stats()
        return ["own us  with callees  calls  (each per message)", *lines]


def _place(one):
    module = re.sub(r"^.*/(?:src|site-packages|python3\.\d+)/", "", one.module)
    return f"{module}:{one.lineno} {one.name}"


@contextlib.contextmanager
def measured():
    result = {}
    cpu, wall = time.process_time(), time.perf_counter()
    yield result
    result["seconds"] = time.perf_counter() - wall
    result["cpu"] = time.process_time() - cpu


def best_of(call, times=2000, rounds=7):
    """Microseconds of one call: the least of several rounds."""
    least = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(times):
            call()
        least = min(least, time.perf_counter() - begun)
    return least / times * 1e6


def serve(player):
    """Do what is asked for until nothing more is; what a library prints goes to stderr."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin:
        order = json.loads(line)
        try:
            result = {"result": getattr(player, order.pop("do"))(**order)}
        except Exception:
            result = {"refused": traceback.format_exc()[-3000:]}
        answers.write(json.dumps(result) + "\n")
