"""A figure, its peers' figures, the ratios, and whether they hold."""

import statistics

import attrs

__all__ = ["Bound", "Comparison", "Figure", "Sample", "as_json", "table"]


@attrs.frozen
class Sample:
    """One value for each round."""

    values: tuple = attrs.field(converter=tuple)

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def spread(self):
        """Half of what lies between the lowest and the highest, as a part of the median."""
        return (max(self.values) - min(self.values)) / 2 / self.median if self.median else 0.0


@attrs.frozen
class Bound:
    """What a ratio must reach: ``Bound.at_least(3.0)``, ``Bound.at_most(0.4)``."""

    sign: str
    limit: float

    @classmethod
    def at_least(cls, limit):
        return cls("≥", limit)

    @classmethod
    def at_most(cls, limit):
        return cls("≤", limit)

    def holds(self, ratio):
        return ratio >= self.limit if self.sign == "≥" else ratio <= self.limit

    def __str__(self):
        return f"{self.sign} {self.limit:g} ×"


@attrs.frozen
class Comparison:
    """A peer's figure beside ours; ``absent`` says why there is none."""

    peer: str
    sample: Sample | None = None
    bound: Bound | None = None
    absent: str = ""


@attrs.frozen
class Figure:
    """Ours, and those of the peers.

    Attributes:
        row: the row of the table that it belongs to.
        name: for people.
        unit: ``alerts/s``, ``ms``, …
        sample: ours.
        comparisons: in the order in which they are shown.
        note: what one must know to read it.
    """

    row: str
    name: str
    unit: str
    sample: Sample
    comparisons: tuple = ()
    note: str = ""

    def ratio(self, comparison):
        """Of the medians; None where the peer is absent."""
        if comparison.sample is None or not comparison.sample.median:
            return None
        return self.sample.median / comparison.sample.median

    def holds(self, comparison):
        """None where there is nothing to hold to."""
        ratio = self.ratio(comparison)
        return None if ratio is None or comparison.bound is None else comparison.bound.holds(ratio)

    def range(self, comparison):
        """Lowest and highest ratio of a round: the players took turns, so that rounds can be compared."""
        theirs, ours = comparison.sample.values, self.sample.values
        if len(theirs) != len(ours):
            return None
        ratios = [mine / other for mine, other in zip(ours, theirs, strict=True) if other]
        return (min(ratios), max(ratios)) if ratios else None


def number(value):
    """Three or four digits, as people write them."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3}f}"


def _value(sample):
    return f"{number(sample.median)} ±{sample.spread * 100:.0f} %"


_COLUMNS = ("figure", "", "tocsin", "against", "", "ratio", "in rounds", "bound", "")


def table(figures, color=False):
    """Lines for a terminal."""
    rows = [_COLUMNS]
    for figure in figures:
        head = (figure.name, figure.unit, _value(figure.sample))
        for comparison in figure.comparisons or [None]:
            rows.append(head + _against(figure, comparison))
            head = ("", "", "")
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    for row in rows:
        cells = [
            cell.rjust(width) if column in (2, 4, 5, 6) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        line = "  ".join(cells).rstrip()
        tint = {"holds": "32", "BELOW": "31", "absent": "33"}.get(row[-1]) if color else None
        yield f"\x1b[{tint}m{line}\x1b[0m" if tint else line


def _against(figure, comparison):
    if comparison is None:
        return ("", "", "", "", "", "")
    bound = str(comparison.bound or "")
    if comparison.sample is None:
        return (comparison.peer, comparison.absent, "", "", bound, "absent")
    held = {True: "holds", False: "BELOW", None: ""}[figure.holds(comparison)]
    between = figure.range(comparison)
    rounds = f"{number(between[0])}–{number(between[1])}" if between else ""
    return (comparison.peer, _value(comparison.sample), f"{number(figure.ratio(comparison))} ×", rounds, bound, held)


def as_json(figures):
    """The same as plain values, with every round."""
    return [
        {
            "row": figure.row,
            "name": figure.name,
            "unit": figure.unit,
            "note": figure.note,
            "tocsin": _plain(figure.sample),
            "against": [
                {
                    "peer": one.peer,
                    "absent": one.absent or None,
                    **_plain(one.sample),
                    "ratio": figure.ratio(one),
                    "bound": str(one.bound) if one.bound else None,
                    "holds": figure.holds(one),
                }
                for one in figure.comparisons
            ],
        }
        for figure in figures
    ]


def _plain(sample):
    if sample is None:
        return {"median": None, "rounds": []}
    return {"median": sample.median, "rounds": list(sample.values)}
