"""Waiting for a delivery, and hearing meanwhile of each delivery that changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tocsin.cli.terminal import Terminal, clean, seconds
from tocsin.report import DeliveryState

if TYPE_CHECKING:
    from tocsin.dispatch import DeliveryHandle
    from tocsin.report import DeliveryReport
    from tocsin.store import Delivery, Store

__all__ = ["retry_words", "tell_retries", "watch", "watch_until"]

_LOOK = 0.05
"""Seconds between two looks at the store; also how long an interrupt can wait on Windows."""


def watch(handle: DeliveryHandle, store: Store, changed: Callable[[Delivery], object]) -> DeliveryReport:
    """Wait for the report.

    Args:
        handle: of the delivery under way.
        store: which the service was given.
        changed: told each delivery when it is first seen, after each attempt and at its end.
    """
    report = watch_until(handle, store, changed, lambda _: False)
    assert report is not None  # nothing else ends the wait
    return report


def watch_until(
    handle: DeliveryHandle,
    store: Store,
    changed: Callable[[Delivery], object],
    enough: Callable[[Sequence[Delivery]], bool],
) -> DeliveryReport | None:
    """Wait for the report, or until there was enough of waiting.

    Args:
        handle: of the delivery under way.
        store: which the service was given.
        changed: told each delivery when it is first seen, after each attempt and at its end.
        enough: whether to wait no longer, as the deliveries stand.

    Returns:
        The report; None where it is not there.
    """
    seen: dict[tuple[str, str], tuple[DeliveryState, int]] = {}
    while True:
        try:
            report: DeliveryReport | None = handle.result(_LOOK)
        except TimeoutError:
            report = None
        record = store.record(handle.alert_id)
        deliveries = record.deliveries if record is not None else ()
        for delivery in deliveries:
            now = (delivery.state, len(delivery.attempts))
            if seen.get(delivery.unit) != now:
                seen[delivery.unit] = now
                changed(delivery)
        if report is not None or enough(deliveries):
            return report


def retry_words(delivery: Delivery) -> str:
    """Why the last attempt failed and when the next one comes."""
    last = delivery.attempts[-1]
    wait = f"; again in {seconds(last.wait)}" if last.wait is not None else ""
    return f"{clean(last.error or last.outcome)}{wait}"


def tell_retries(terminal: Terminal) -> Callable[[Delivery], None]:
    """A listener that tells each retry in a line, so that a long wait has its reason on the screen."""

    def tell(delivery: Delivery) -> None:
        if delivery.state is DeliveryState.RETRYING and delivery.attempts:
            words = f"{clean(delivery.channel)} {clean(delivery.recipient)}: {retry_words(delivery)}"
            terminal.say(f"{terminal.mark('dim')} {words}")

    return tell
