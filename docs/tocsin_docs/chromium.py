"""Headless Chromium, as far as it takes to draw one page: find it, measure the page, take the picture."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs

__all__ = ["Chromium", "NoChromium"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VARIABLE = "TOCSIN_CHROMIUM"
INSTALL = (
    f"No Chromium: none of {', '.join(NAMES)} is on the path. Install one (Debian: apt install chromium "
    f"fonts-noto-color-emoji; macOS: brew install --cask chromium), or name its binary in {VARIABLE}."
)
OPTIONS = (
    "--headless",
    "--no-sandbox",  # it refuses to start as root otherwise, and opens only pages of this checkout
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
SECONDS = 60
_MEASURE = (
    "<script>addEventListener('load', () => document.body.setAttribute('data-size', "
    "[Math.ceil(document.body.getBoundingClientRect().bottom), innerHeight].join()))</script>"
)


class NoChromium(Exception):
    """There is no browser to take pictures with."""


@attrs.frozen
class Chromium:
    """A headless browser, started anew for each page."""

    binary: str

    @classmethod
    def find(cls) -> Chromium:
        """The one that the environment names, or the first on the path.

        Raises:
            NoChromium: with what to install.
        """
        named = os.environ.get(VARIABLE)
        found = next(filter(None, map(shutil.which, [named] if named else NAMES)), None)
        if found is None:
            raise NoChromium(f"{VARIABLE} names {named}, which cannot be run." if named else INSTALL)
        return cls(found)

    def picture(self, page: str, width: int, scale: int) -> tuple[bytes, int]:
        """A PNG of the whole page, and how many of its rows belong to the page."""
        with _folder() as folder:
            (folder / "page.html").write_text(page + _MEASURE, encoding="utf-8")
            height, frame = self._measure(folder, width)
            (folder / "page.html").write_text(page, encoding="utf-8")
            shot = folder / "page.png"
            size = f"--window-size={width},{height + frame}"
            self._run(folder, size, f"--force-device-scale-factor={scale}", f"--screenshot={shot}")
            return shot.read_bytes(), height * scale

    def _measure(self, folder: Path, width: int) -> tuple[int, int]:
        """The page's height, and by how much the window is higher than what it shows."""
        window = 600
        dumped = self._run(folder, f"--window-size={width},{window}", "--dump-dom")
        found = re.search(r'data-size="(\d+),(\d+)"', dumped)
        if found is None:
            raise RuntimeError("Chromium did not measure the page")
        return int(found[1]), window - int(found[2])

    def _run(self, folder: Path, *options: str) -> str:
        command = [
            self.binary,
            *OPTIONS,
            f"--user-data-dir={folder / 'profile'}",
            *options,
            f"file://{folder}/page.html",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode:
            raise RuntimeError(f"{self.binary} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        return done.stdout


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    # A child of the browser may still write into its profile while that is removed.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        yield Path(name)
