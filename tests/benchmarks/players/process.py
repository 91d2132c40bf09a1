"""A player's process, seen from the benchmark."""

import json
import os
import pathlib
import subprocess
import tempfile

__all__ = ["Player", "Refused"]


class Refused(Exception):
    """A player could not do what it was asked for; the text is its own traceback."""


class Player:
    """A running player.

    Args:
        module: of ``benchmarks.players``.
        python: of the environment that it runs in.
        environ: variables besides this process's own.
    """

    def __init__(self, module, python, **environ):
        self.name = module
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 -- closed with the process, by close
        self._process = subprocess.Popen(
            [os.fspath(python), "-m", f"benchmarks.players.{module}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            bufsize=1,
            env=os.environ | environ | {"PYTHONPATH": os.fspath(pathlib.Path(__file__).parents[2])},
        )

    def __call__(self, method, /, **arguments):
        """Call a method of the player and wait for what it returns.

        Raises:
            Refused: it raised.
        """
        try:
            self._process.stdin.write(json.dumps({"do": method} | arguments) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # what it said at its end is told below
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"refused": self._last_words()}
        if "refused" in answer:
            raise Refused(f"{self.name}.{method}: {answer['refused']}")
        return answer["result"]

    def _last_words(self):
        self._process.wait(10)
        self._errors.seek(0)
        return f"ended with {self._process.returncode}: {self._errors.read()[-2000:]}"

    def close(self):
        """End the process."""
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()
