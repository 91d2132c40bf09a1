"""Prometheus Alertmanager, one alert per POST, each a group of its own that it notifies at once.

It is told as an application in Python would, on a kept connection of ``http.client``; the next POST goes as soon as it
has taken the one before, so that it notifies on one core while it is told on the other. What ``http.client`` costs is
part of the figure: a bare socket, which reads no more of an answer than its status, gets 1.4 times as many through.
"""

import contextlib
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime

from benchmarks.marks import fields, mark

from .playing import Playing, serve

PROGRAMS = ("prometheus-alertmanager", "alertmanager")
_CONFIG = """
route:
  receiver: sink
  group_by: ["..."]
  group_wait: 0s
  group_interval: 1h
  repeat_interval: 24h
receivers:
  - name: sink
    webhook_configs:
      - url: {url}
        send_resolved: false
"""


def program():
    """Where it is installed; None where it is not."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Alertmanager(Playing):
    """Its target is one URL. Posting and delivering are two things here, so the sink says when the last one came."""

    process = None

    def setup(self, urls):
        self.close()
        self._folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self._folder.name)
        (folder / "config.yml").write_text(_CONFIG.format(url=json.dumps(urls[0])))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [
                program(),
                f"--config.file={folder / 'config.yml'}",
                f"--storage.path={folder}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
                "--log.level=error",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 20
        while not self._is_ready():
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError("alertmanager did not get ready")
            time.sleep(0.05)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)

    def _is_ready(self):
        with contextlib.suppress(OSError, urllib.error.URLError):
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=1).status == 200
        return False

    def send(self, number):
        message = fields(number)
        labels = {"alertname": mark(number), "severity": "high", "symbol": message["symbol"]}
        annotations = {"summary": message["title"], "description": message["message"]}
        alert = {"labels": labels, "annotations": annotations, "startsAt": datetime.now(UTC).isoformat()}
        body = json.dumps([alert])
        self.connection.request("POST", "/api/v2/alerts", body, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"alertmanager answered {answer.status}")

    def serial(self, first, count):
        begun = time.monotonic()
        return super().serial(first, count) | {"begun": begun}

    def close(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None
            self._folder.cleanup()


if __name__ == "__main__":
    player = Alertmanager()
    serve(player)
    player.close()
