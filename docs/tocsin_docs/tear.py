"""Takes the middle out of a picture that is too tall, and shows that it did: what a channel cut stands near the end."""

from __future__ import annotations

from PIL import Image, ImageDraw

__all__ = ["TAIL", "TALLEST", "torn"]

TALLEST = 1400
"""Pixels of CSS that a picture has at most: the worst mail is as long as a small book."""
TAIL = 640
"""Of these so many show the end."""
_GAP = 40
_TOOTH = 12
_TABLE, _EDGE = "#d8dce2", "#9aa1ab"


def torn(image: Image.Image, scale: int) -> Image.Image:
    """The picture, or its beginning and its end with a tear between them.

    Args:
        image: of a whole page.
        scale: pixels for each of CSS.
    """
    if image.height <= TALLEST * scale:
        return image
    head, gap, tail = (TALLEST - TAIL - _GAP) * scale, _GAP * scale, TAIL * scale
    kept = Image.new("RGB", (image.width, TALLEST * scale), _TABLE)
    kept.paste(image.crop((0, 0, image.width, head)), (0, 0))
    kept.paste(image.crop((0, image.height - tail, image.width, image.height)), (0, head + gap))
    _tear(ImageDraw.Draw(kept), image.width, head, head + gap, scale)
    return kept


def _tear(draw: ImageDraw.ImageDraw, width: int, above: int, below: int, scale: int) -> None:
    """Teeth of paper that reach into the gap from above, and notches in the paper below that fit them."""
    tooth = _TOOTH * scale
    upper = [(x, above + (tooth if n % 2 else 0)) for n, x in enumerate(range(0, width + tooth, tooth))]
    lower = [(x, y + below - above) for x, y in upper]
    draw.polygon([(0, above), *upper, (upper[-1][0], above)], fill="white")
    draw.polygon([(0, below), *lower, (lower[-1][0], below)], fill=_TABLE)
    for edge in (upper, lower):
        draw.line(edge, fill=_EDGE, width=scale)
