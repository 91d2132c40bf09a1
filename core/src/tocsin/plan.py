"""The way of one alert: which channels carry it, in which order; by their names, so that it can be written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Self

import attrs

__all__ = ["Plan"]


def _names(value: Iterable[str]) -> tuple[str, ...]:
    return tuple(value)


def _stages(value: Iterable[Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(stage) for stage in value)


@attrs.frozen
class Plan:
    """The way of one alert.

    Stages are counted through: first ``stages``, then one for each ``fallback``.

    Attributes:
        stages: names of channels tried together; a stage begins when the one before has ended. One stage delivers in
            parallel, one channel a stage sequentially.
        fallback: tried one by one where no recipient of the stages accepted.
        unavailable, fallback_unavailable: names that cannot carry anything, and why.
        fail_fast: cancel what has not begun once a channel failed.
        lifetime: seconds after which deliveries are given up; a fallback has as much again.
    """

    stages: tuple[tuple[str, ...], ...] = attrs.field(converter=_stages)
    fallback: tuple[str, ...] = attrs.field(default=(), converter=_names)
    unavailable: Mapping[str, str] = attrs.field(factory=dict)
    fallback_unavailable: Mapping[str, str] = attrs.field(factory=dict)
    fail_fast: bool = False
    lifetime: float = 300.0

    @cached_property
    def staged(self) -> list[tuple[int, str]]:
        """Every channel that may be tried, with its stage; a fallback that was chosen too is not tried twice."""
        chosen = [(number, name) for number, stage in enumerate(self.stages) for name in stage]
        names = {name for _, name in chosen}
        first = len(self.stages)
        return chosen + [(first + n, name) for n, name in enumerate(self.fallback) if name not in names]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "stages": [list(stage) for stage in self.stages],
            "fallback": list(self.fallback),
            "unavailable": dict(self.unavailable),
            "fallback_unavailable": dict(self.fallback_unavailable),
            "fail_fast": self.fail_fast,
            "lifetime": self.lifetime,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The plan that :meth:`to_dict` described."""
        return cls(**values)
