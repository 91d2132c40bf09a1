"""A picture that is too tall loses its middle, and never the end, where a channel shows what it cut."""

import pytest

Image = pytest.importorskip("PIL.Image", reason="Pillow comes with the dependencies of the pictures")

from tocsin_docs.tear import TAIL, TALLEST, torn  # noqa: E402 -- it needs Pillow


def striped(height):
    """A page on which each row of pixels has a colour of its own."""
    image = Image.new("RGB", (50, height))
    image.putdata([(row % 256, row // 256, 7) for row in range(height) for _ in range(50)])
    return image


def row(image, y):
    red, green, blue = image.getpixel((25, y))
    return red + 256 * green if blue == 7 else None


@pytest.mark.parametrize("scale", [1, 2])
def test_a_picture_at_the_limit_stays_whole(scale):
    image = striped(TALLEST * scale)

    assert torn(image, scale) is image


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("more", [1, 3_000])
def test_past_it_beginning_and_end_stay_with_a_tear_between(scale, more):
    height = TALLEST * scale + more
    kept = torn(striped(height), scale)
    rows = [row(kept, y) for y in range(kept.height)]
    gap = [y for y, shown in enumerate(rows) if shown is None]

    assert kept.size == (50, TALLEST * scale)
    assert rows[: gap[0]] == list(range(gap[0]))
    assert rows[gap[-1] + 1 :] == list(range(height))[gap[-1] + 1 - kept.height :]
    assert kept.height - gap[-1] > (TAIL - 20) * scale
    assert 20 * scale < gap[-1] - gap[0] < 80 * scale
