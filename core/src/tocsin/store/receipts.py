"""Where a receipt is looked for: by what the next alert is about, and by the provider's id."""

from __future__ import annotations

from collections import OrderedDict

import attrs

from tocsin.alert import Alert
from tocsin.store.delivery import Delivery, Earlier

__all__ = ["ReceiptIndex"]


@attrs.define(eq=False)
class ReceiptIndex:
    """The last receipts, oldest forgotten first; not thread-safe, its owner holds a lock."""

    bound: int
    _earlier: OrderedDict[tuple[str, str, str], tuple[str, Earlier]] = attrs.field(factory=OrderedDict)
    _by_provider_id: OrderedDict[tuple[str, str], Delivery] = attrs.field(factory=OrderedDict)

    def note(self, alert: Alert, delivery: Delivery) -> None:
        """A delivery has ended."""
        if delivery.receipt is None:
            return
        key = (alert.dedup_key or delivery.alert_id, *delivery.unit)
        self._earlier[key] = (delivery.alert_id, Earlier.of(alert, delivery.receipt))
        self._earlier.move_to_end(key)
        if len(self._earlier) > self.bound:
            self._earlier.popitem(last=False)
        self.amend(delivery)

    def amend(self, delivery: Delivery) -> None:
        """The provider said more about it."""
        if delivery.receipt is None or delivery.receipt.provider_id is None:
            return
        self._by_provider_id[delivery.channel, delivery.receipt.provider_id] = delivery
        if len(self._by_provider_id) > self.bound:
            self._by_provider_id.popitem(last=False)

    def find(self, channel: str, provider_id: str) -> Delivery | None:
        """The delivery that the provider knows by this id."""
        return self._by_provider_id.get((channel, provider_id))

    def previous(self, alert: Alert, channel: str, recipient_id: str) -> Earlier | None:
        """What the recipient last got of another alert about the same thing."""
        key = alert.dedup_key or alert.alert_id
        other, earlier = self._earlier.get((key, channel, recipient_id), ("", None))
        return earlier if other != alert.alert_id else None
