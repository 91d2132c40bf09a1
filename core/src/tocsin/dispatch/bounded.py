"""A call outside the lanes that a person waits for: bounded like every other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from tocsin.deadline import Deadline
from tocsin.errors import DeliveryError, DeliveryTimeout

__all__ = ["bounded"]

T = TypeVar("T")


def bounded(call: Callable[[Deadline], T], seconds: float) -> T | DeliveryError:
    """The call's result, or its failure, at the latest ``Deadline.GRACE`` seconds after its deadline."""
    results: list[T | DeliveryError] = []
    ended = threading.Event()

    def work() -> None:
        try:
            with Deadline(seconds) as deadline:
                results.append(call(deadline))
        except DeliveryError as error:
            results.append(error)
        finally:
            ended.set()

    threading.Thread(target=work, name="tocsin-probe", daemon=True).start()
    ended.wait(seconds + 2 * Deadline.GRACE)
    return results[0] if results else DeliveryTimeout(f"the channel's call had not ended after {seconds:.3g} s")
