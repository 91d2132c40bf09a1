"""Programs in processes of their own: started, listened to, killed."""

import json
import pathlib
import subprocess
import sys
import threading

__all__ = ["PROGRAM", "Process"]

PROGRAM = pathlib.Path(__file__).with_name("program.py")


class Process:
    """A process whose lines can be waited for.

    Args:
        command: what to run.
        before: what runs it, like strace with its options.
    """

    def __init__(self, command, before=(), **options):
        self.lines = []
        self._changed = threading.Condition()
        self._ended = False
        self.popen = subprocess.Popen(
            [*before, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )
        self._errors = []
        self._readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=lambda: self._errors.extend(self.popen.stderr), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @classmethod
    def program(cls, before=(), **settings):
        """The application of ``program.py``."""
        return cls([sys.executable, str(PROGRAM), json.dumps(settings)], before)

    def _read(self):
        for line in self.popen.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_line(self, start, seconds=120.0):
        """Wait for a line that begins so; the line."""

        def found():
            return next((line for line in self.lines if line.startswith(start)), None)

        with self._changed:
            line = self._changed.wait_for(lambda: found() or self._ended, seconds)
            line = found()
        assert line is not None, f"no line {start!r}: {self.lines[-5:]} {''.join(self._errors)[-2000:]}"
        return line

    def count(self, start):
        with self._changed:
            return sum(line.startswith(start) for line in self.lines)

    @property
    def accepted(self):
        """Alert id of each number that was accepted."""
        with self._changed:
            lines = [line.split() for line in self.lines if line.startswith("accepted ")]
        return {int(number): alert_id for _, number, alert_id in lines}

    def signal(self, number):
        self.popen.send_signal(number)

    def kill(self):
        self.popen.kill()
        return self.wait()

    def wait(self, seconds=120.0):
        """Wait for its end; the exit code."""
        code = self.popen.wait(seconds)
        for reader in self._readers:
            reader.join(seconds)
        self.popen.stdout.close()
        self.popen.stderr.close()
        return code

    @property
    def errors(self):
        return "".join(self._errors)

    def close(self):
        if self.popen.poll() is None:
            self.kill()
