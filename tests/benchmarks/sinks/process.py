"""A sink's process: started by its module's name, told and asked in lines of JSON over its pipes."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

__all__ = ["Sink", "start"]


class Sink:
    """A running sink.

    Attributes:
        facts: what it said when it was ready, such as its ports.
    """

    def __init__(self, module, *arguments):
        command = [sys.executable, "-m", f"benchmarks.sinks.{module}", *map(str, arguments)]
        environ = os.environ | {"PYTHONPATH": os.fspath(pathlib.Path(__file__).parents[2])}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, **pipes, text=True, bufsize=1, env=environ)
        self.facts = self._line()

    def _line(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the sink ended with {self._process.wait()}")
        return json.loads(line)

    def ask(self, **order):
        """Send one order and wait for its answer."""
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._line()

    def reset(self, **settings):
        """Forget what arrived; the settings (``latency`` in seconds, ``fail_every``, ``status``, ``retry_after``,
        ``answers``) hold from now on.
        """
        self.ask(reset=settings)

    def count(self):
        """``distinct`` pairs of path and mark, ``requests``, ``connections``, and ``last``: when a new mark came."""
        return self.ask(count=True)

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@contextlib.contextmanager
def start(module, *arguments):
    """A sink for the time of the block."""
    sink = Sink(module, *arguments)
    try:
        yield sink
    finally:
        sink.close()
