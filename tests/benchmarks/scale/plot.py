"""A curve as a small SVG, both axes logarithmic; it takes the colours of the page."""

import math
from html import escape

__all__ = ["svg"]

_WIDTH, _HEIGHT = 560, 274
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 190, 30, 44
_COLORS = ("#2a6fdb", "#c2410c", "#15803d", "#7c3aed")


def svg(curve):
    """The whole file."""
    across, up = _axis(curve.sizes), _axis([value for values in curve.series.values() for value in values])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" class="tocsin-plot" role="img">',
        f"<title>{escape(curve.title)}</title>",
        "<style>text { font: 12px sans-serif; fill: #555 } .grid { stroke: #8884; } "
        "@media (prefers-color-scheme: dark) { text { fill: #aaa } }</style>",
        *_grid(across, up),
    ]
    for index, (name, values) in enumerate(curve.series.items()):
        parts += _line(name, list(zip(curve.sizes, values, strict=True)), across, up, _COLORS[index % len(_COLORS)])
    parts += _labels(curve, list(curve.series.values()), across, up)
    return "\n".join([*parts, "</svg>", ""])


def _axis(values):
    """The powers of ten around the values."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _x(value, axis):
    low, high = axis
    return _LEFT + (math.log10(value) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)


def _y(value, axis):
    low, high = axis
    return _HEIGHT - _BOTTOM - (math.log10(value) - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)


def _grid(across, up):
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for power in range(across[0], across[1] + 1):
        x = _x(10**power, across)
        yield f'<path class="grid" d="M{x:.1f} {_TOP}V{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{10**power:,g}</text>'
    for power in range(up[0], up[1] + 1):
        y = _y(10**power, up)
        yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{10**power:,g}</text>'


def _line(name, points, across, up, color):
    places = [(_x(size, across), _y(value, up)) for size, value in points]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    yield f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"><title>{escape(name)}</title></path>'
    for x, y in places:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>'


def _labels(curve, values, across, up):
    """Names at the ends of the lines, moved apart where they would cover each other."""
    wanted = sorted((_y(listed[-1], up), index) for index, listed in enumerate(values))
    last = -math.inf
    for place, index in wanted:
        last = max(place, last + 15)
        name, color = list(curve.series)[index], _COLORS[index % len(_COLORS)]
        x = _x(curve.sizes[-1], across) + 8
        yield f'<text x="{x:.1f}" y="{last + 4:.1f}" style="fill: {color}">{escape(name)}</text>'
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    yield f'<text x="{middle:.0f}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(curve.x)}</text>'
    yield f'<text x="{_LEFT - 6}" y="{_TOP - 14}" text-anchor="end">{escape(curve.unit)}</text>'
