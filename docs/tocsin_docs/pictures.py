"""Takes a picture of every preview with headless Chromium: `python -m tocsin_docs.pictures`, or `nox -s pictures`.

A picture carries the digest of the page that it shows; one that is current is left as it is, since the same page comes
out a little different with other fonts.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
from PIL import Image, PngImagePlugin

from tocsin_docs.arrivals import PICTURES, WIDTH, Arrival, all_arrivals

__all__ = ["Chromium", "main"]

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
TALLEST = 1200
"""Pixels of CSS after which a picture fades out: the worst mail is as long as a small book."""
LARGEST = 80_000
"""Bytes that a picture should not exceed."""
QUALITIES = ((2, 96), (1, 96), (1, 48))
"""Pixels for each of CSS, and colours: the first that makes a picture small enough is taken, or the last."""
_DIGEST = "tocsin-page"
_MEASURE = (
    "<script>addEventListener('load', () => document.body.setAttribute('data-size', "
    "[Math.ceil(document.body.getBoundingClientRect().bottom), innerHeight].join()))</script>"
)
_FADE = (
    f'<div style="position:absolute;left:0;right:0;top:{TALLEST - 96}px;height:96px;'
    'background:linear-gradient(to bottom, transparent, #fff)"></div>'
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

    def picture(self, page: str, scale: int) -> bytes:
        """A PNG of the whole page, or of its first `TALLEST` pixels."""
        with _folder() as folder:
            (folder / "page.html").write_text(page + _MEASURE, encoding="utf-8")
            height, frame = self._measure(folder)
            (folder / "page.html").write_text(page + (_FADE if height > TALLEST else ""), encoding="utf-8")
            height = min(height, TALLEST)
            shot = folder / "page.png"
            size = f"--window-size={WIDTH},{height + frame}"
            self._run(folder, size, f"--force-device-scale-factor={scale}", f"--screenshot={shot}")
            return _cropped(shot.read_bytes(), height * scale)

    def _measure(self, folder: Path) -> tuple[int, int]:
        """The page's height, and by how much the window is higher than what it shows."""
        window = 600
        dumped = self._run(folder, f"--window-size={WIDTH},{window}", "--dump-dom")
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


def _cropped(png: bytes, height: int) -> bytes:
    image = Image.open(io.BytesIO(png)).convert("RGB")
    return _saved(image.crop((0, 0, image.width, min(height, image.height))))


def _saved(image: Image.Image, **marks: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for name, value in marks.items():
        info.add_text(name, value)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True, pnginfo=info)
    return out.getvalue()


def _small(png: bytes, colors: int, digest: str) -> bytes:
    """The same picture with fewer colours, and with the digest of its page."""
    image = Image.open(io.BytesIO(png))
    pixels = list(image.get_flattened_data())
    palette = _palette(image, pixels, colors)
    nearest = {color: min(range(len(palette)), key=lambda n: math.dist(color, palette[n])) for color in set(pixels)}
    reduced = Image.new("P", image.size)
    reduced.putpalette([part for color in palette for part in color])
    reduced.putdata([nearest[color] for color in pixels])
    return _saved(reduced, **{_DIGEST: digest})


def _palette(image: Image.Image, pixels: list[tuple[int, ...]], colors: int) -> list[tuple[int, ...]]:
    """The most frequent colours exactly, since they are the backgrounds, and others from the whole range."""
    exact = [color for color, _ in Counter(pixels).most_common(colors // 2)]
    parts = image.quantize(colors - len(exact), method=Image.Quantize.MAXCOVERAGE).getpalette() or []
    return [*exact, *zip(*[iter(parts)] * 3, strict=True)]


def digest_of(arrival: Arrival) -> str:
    """What tells a page from an older one."""
    return hashlib.sha256(arrival.page.encode()).hexdigest()[:16]


def is_current(arrival: Arrival) -> bool:
    """Whether the picture shows the page as it is now."""
    if not arrival.picture.exists():
        return False
    with Image.open(arrival.picture) as image:
        return image.info.get(_DIGEST) == digest_of(arrival)


def take(chromium: Chromium, arrival: Arrival) -> int:
    """Take one picture, and return its size in bytes."""
    taken = functools.cache(functools.partial(chromium.picture, arrival.page))
    for scale, colors in QUALITIES:
        png = _small(taken(scale), colors, digest_of(arrival))
        if len(png) <= LARGEST:
            break
    arrival.picture.write_bytes(png)
    return len(png)


def main(arguments: list[str]) -> int:
    """Take the pictures that are missing or out of date; all of them with `--all`, none with `--check`."""
    arrivals = list(all_arrivals())
    stale = [arrival for arrival in arrivals if "--all" in arguments or not is_current(arrival)]
    gone = sorted(set(PICTURES.glob("*.png")) - {arrival.picture for arrival in arrivals})
    if "--check" in arguments:
        for path in [*(one.picture for one in stale), *gone]:
            print(f"out of date: {path.name}")
        return bool(stale or gone)
    chromium = Chromium.find()
    PICTURES.mkdir(exist_ok=True)
    for path in gone:
        path.unlink()
    for arrival in stale:
        print(f"{arrival.picture.name}: {take(chromium, arrival):,} bytes")
    print(f"{len(arrivals)} pictures in {PICTURES}, {len(stale)} of them new")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except NoChromium as error:
        sys.exit(str(error))
