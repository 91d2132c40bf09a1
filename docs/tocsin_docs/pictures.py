"""Takes a picture of every preview with headless Chromium: `python -m tocsin_docs.pictures`, or `nox -s pictures`.

A picture carries the digest of the page that it shows; one that is current is left as it is, since the same page comes
out a little different with other fonts. Of a page that is too tall the middle is torn out.
"""

from __future__ import annotations

import functools
import hashlib
import io
import math
import sys
from collections import Counter
from typing import Any

from PIL import Image, PngImagePlugin

from tocsin_docs.arrivals import PICTURES, WIDTH, Arrival, all_arrivals
from tocsin_docs.chromium import Chromium, NoChromium
from tocsin_docs.tear import torn

__all__ = ["main"]

LARGEST = 80_000
"""Bytes that a picture should not exceed."""
QUALITIES = ((2, 96), (1, 96), (1, 48))
"""Pixels for each of CSS, and colours: the first that makes a picture small enough is taken, or the last."""
_DIGEST = "tocsin-page"


def _drawn(chromium: Chromium, page: str, scale: int) -> Image.Image:
    png, rows = chromium.picture(page, WIDTH, scale)
    image = Image.open(io.BytesIO(png)).convert("RGB")
    return torn(image.crop((0, 0, image.width, min(rows, image.height))), scale)


def _small(image: Image.Image, colors: int, digest: str) -> bytes:
    """A PNG of the picture with fewer colours, and with the digest of its page."""
    pixels: list[Any] = list(image.get_flattened_data())
    palette = _palette(image, pixels, colors)
    nearest = {color: min(range(len(palette)), key=lambda n: math.dist(color, palette[n])) for color in set(pixels)}
    reduced = Image.new("P", image.size)
    reduced.putpalette([part for color in palette for part in color])
    reduced.putdata([nearest[color] for color in pixels])
    info = PngImagePlugin.PngInfo()
    info.add_text(_DIGEST, digest)
    png = io.BytesIO()
    reduced.save(png, "PNG", optimize=True, pnginfo=info)
    return png.getvalue()


def _palette(image: Image.Image, pixels: list[Any], colors: int) -> list[tuple[int, ...]]:
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
    taken = functools.cache(functools.partial(_drawn, chromium, arrival.page))
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
