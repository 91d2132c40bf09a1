"""The life of a delivery as one table; the documentation shows it, and the tests drive every store along it."""

from __future__ import annotations

import attrs

from tocsin.report import DeliveryState

__all__ = ["TRANSITIONS", "Transition", "may_become"]


@attrs.frozen
class Transition:
    """One way from a state to the next.

    Attributes:
        before: None for a delivery that is new.
        event: what happens.
        after: what it is then.
    """

    before: DeliveryState | None
    event: str
    after: DeliveryState


_S = DeliveryState

TRANSITIONS = (
    Transition(None, "the alert is accepted", _S.PENDING),
    Transition(_S.PENDING, "a worker claims it", _S.IN_FLIGHT),
    Transition(_S.PENDING, "somebody, fail-fast or the end of the service cancels it", _S.CANCELLED),
    Transition(_S.PENDING, "its stage was not needed", _S.SUPPRESSED),
    Transition(_S.IN_FLIGHT, "the worker gives it back, nothing was begun", _S.PENDING),
    Transition(_S.IN_FLIGHT, "the worker gives it back, an earlier attempt had failed", _S.RETRYING),
    Transition(_S.IN_FLIGHT, "a limit or an open circuit defers it before its first attempt", _S.PENDING),
    Transition(_S.IN_FLIGHT, "the attempt failed, or its outcome is unknown, and another is due", _S.RETRYING),
    Transition(_S.IN_FLIGHT, "its lease ran out", _S.IN_FLIGHT),
    Transition(_S.IN_FLIGHT, "the provider took it", _S.ACCEPTED),
    Transition(_S.IN_FLIGHT, "the provider says that it arrived", _S.DELIVERED),
    Transition(_S.IN_FLIGHT, "it was refused, the retries ran out, or it is quarantined", _S.FAILED),
    Transition(_S.IN_FLIGHT, "it may have arrived, and is not to be repeated", _S.UNKNOWN),
    Transition(_S.IN_FLIGHT, "no time is left for another attempt", _S.EXPIRED),
    Transition(_S.IN_FLIGHT, "it failed while the service ended", _S.CANCELLED),
    Transition(_S.RETRYING, "a worker claims it", _S.IN_FLIGHT),
    Transition(_S.RETRYING, "somebody or the end of the service cancels it", _S.CANCELLED),
    Transition(_S.ACCEPTED, "the provider says that it arrived", _S.DELIVERED),
    Transition(_S.ACCEPTED, "the provider says that it did not arrive", _S.FAILED),
    Transition(_S.FAILED, "the provider says that it arrived after all", _S.DELIVERED),
    *(
        Transition(state, "the alert is sent again, or somebody replays it", _S.PENDING)
        for state in (_S.FAILED, _S.UNKNOWN, _S.EXPIRED, _S.CANCELLED, _S.SUPPRESSED)
    ),
)
"""Every change of state that there is. ``in_flight`` to itself: another worker has it, under a newer token."""

_AFTER = {state: frozenset(one.after for one in TRANSITIONS if one.before is state) for state in (None, *_S)}


def may_become(before: DeliveryState | None, after: DeliveryState) -> bool:
    """Whether the table has a way from the one state to the other."""
    return after in _AFTER[before]
