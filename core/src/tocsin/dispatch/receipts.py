"""What providers say of messages after they took them: which of it is news, and where it is kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from tocsin.channel import Channel
from tocsin.errors import ErrorKind
from tocsin.forking import new_lock
from tocsin.receipt import Receipt, ReceiptState, ReceiptUpdate, UpdateState
from tocsin.report import DeliveryReport, DeliveryState
from tocsin.store import Delivery, Store

__all__ = ["LateReceipts", "updated"]

_MAX_EARLY = 1_000
_REACH = {DeliveryState.ACCEPTED: 0, DeliveryState.FAILED: 1, DeliveryState.DELIVERED: 2}
"""How final a state is: what reaches less far than what is known is old news."""


def updated(delivery: Delivery, update: ReceiptUpdate) -> Delivery:
    """The delivery with what its provider said later; the very same one where that is no news."""
    receipt, state = delivery.receipt, DeliveryState(update.state)
    if receipt is None or delivery.state not in _REACH:
        return delivery
    reached, known = (_REACH[state], update.progress), (_REACH[delivery.state], receipt.progress)
    if reached <= known:
        return delivery
    failed = update.state is UpdateState.FAILED
    arrived = ReceiptState.DELIVERED if update.state is UpdateState.DELIVERED else receipt.state
    details = {**receipt.details, **update.details}
    if update.provider_code is not None:
        details["provider_code"] = update.provider_code
    return delivery.changed(
        state=state,
        receipt=Receipt(arrived, receipt.provider_id, details, progress=update.progress),
        error_kind=(update.error_kind or ErrorKind.SERVER) if failed else None,
        error=(update.error or "the provider could not deliver it") if failed else None,
        hint=update.hint if failed else None,
    )


class LateReceipts:
    """Records updates, also those that overtake the answer to the request they are about. Thread-safe.

    Args:
        store: where the delivery is known.
        tell: called with the delivery before and after, and the alert's report, where an update was news.
    """

    def __init__(self, store: Store, tell: Callable[[Delivery, Delivery, DeliveryReport | None], None]) -> None:
        self._store = store
        self._tell = tell
        self._lock = new_lock()
        self._early: OrderedDict[tuple[str, str], ReceiptUpdate] = OrderedDict()

    def record(self, channel: Channel, update: ReceiptUpdate) -> Delivery | None:
        """The delivery as it stands then; None where no message with this id is known (yet)."""
        with self._lock:
            before = self._store.find(channel.name, update.provider_id)
            if before is None:
                self._keep(channel.name, update)
                return None
            after = updated(before, update)
            if after is before:
                return before
            report = self._store.amend(after)
        if after.error_kind is ErrorKind.INVALID_RECIPIENT and after.error is not None:
            channel.breaker.pause(after.recipient_id, after.error)
        self._tell(before, after, report)
        return after

    def arrived_early(self, channel: Channel, delivery: Delivery) -> None:
        """A message was taken: apply what its provider had said of it before."""
        if not self._early or delivery.receipt is None or delivery.receipt.provider_id is None:
            return
        with self._lock:
            update = self._early.pop((channel.name, delivery.receipt.provider_id), None)
        if update is not None:
            self.record(channel, update)

    def _keep(self, channel: str, update: ReceiptUpdate) -> None:
        key = (channel, update.provider_id)
        known = self._early.get(key)
        if known is None or (_REACH[DeliveryState(update.state)], update.progress) > (
            _REACH[DeliveryState(known.state)],
            known.progress,
        ):
            self._early[key] = update
        while len(self._early) > _MAX_EARLY:
            self._early.popitem(last=False)
