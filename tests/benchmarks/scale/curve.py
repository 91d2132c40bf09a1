"""A curve: measured points, how they grow, and what that means."""

import math

import attrs

from benchmarks.figures import number

__all__ = ["Curve"]


@attrs.frozen
class Curve:
    """What was measured at a few sizes.

    Attributes:
        name: of the row, and of the plot's file.
        title: what grows.
        x: name of the sizes.
        unit: of every series.
        sizes: ascending.
        series: a value for each size, by what was measured.
        means: a sentence or two: where the limit is, and which deployment comes next.
    """

    name: str
    title: str
    x: str
    unit: str
    sizes: tuple
    series: dict
    means: str

    def growth(self, name):
        """The exponent over the upper half of the sizes: 0 is flat, 1 is linear."""
        values, middle = self.series[name], len(self.sizes) // 2
        span = math.log(self.sizes[-1] / self.sizes[middle - 1 if middle else 0])
        return math.log(values[-1] / values[middle - 1 if middle else 0]) / span if span else 0.0

    def kind(self, name):
        """The growth in words."""
        growth = self.growth(name)
        if growth < 0.15:
            return "flat"
        if growth < 0.8:
            return "less than linear"
        return "linear" if growth < 1.2 else "more than linear"

    def reading(self):
        """What the plot says, in words."""
        for name, values in self.series.items():
            ends = f"{number(values[0])} {self.unit} at {self.sizes[0]:,}, {number(values[-1])} at {self.sizes[-1]:,}"
            yield f"{name}: {self.kind(name)} ({ends})."
        yield self.means

    def lines(self):
        """For a terminal."""
        width = max(map(len, self.series))
        yield f"{self.x:<{width}}" + "".join(f"{size:>12,}" for size in self.sizes)
        for name, values in self.series.items():
            row = "".join(f"{number(value):>12}" for value in values)
            yield f"{name:<{width}}{row}  {self.unit}, {self.kind(name)}"

    def plain(self):
        """As plain values."""
        return attrs.asdict(self) | {"growth": {name: self.growth(name) for name in self.series}}
