"""Where a receipt is looked for: by what the next alert is about, and by the provider's id."""

from __future__ import annotations

import itertools

import attrs

from tocsin.alert import Alert
from tocsin.store.delivery import Delivery, Earlier

__all__ = ["ReceiptIndex"]

_FEW = 64


@attrs.define(eq=False)
class ReceiptIndex:
    """The last receipts, oldest forgotten first; not thread-safe, its owner holds a lock.

    It takes about 150 bytes for each, one text as the key of a plain dict in the order of time; tuples as keys and
    values with an ``OrderedDict`` around them take three times as much. So that its front is looked for rarely, a
    hundredth of the bound is forgotten at once.

    Attributes:
        bound: deliveries that are remembered for certain; at times it is up to a hundredth more.
    """

    bound: int
    _earlier: dict[str, Earlier] = attrs.field(factory=dict)
    _alert_ids: dict[str, str] = attrs.field(factory=dict)
    """Of which alert it is, by the same key, where its id is not what the alert is about."""
    _by_provider_id: dict[str, Delivery] = attrs.field(factory=dict)
    _alike: dict[tuple[int, int, str], Earlier] = attrs.field(factory=dict)

    def note(self, alert: Alert, delivery: Delivery) -> None:
        """A delivery has ended."""
        if delivery.receipt is None:
            return
        about = alert.dedup_key or delivery.alert_id
        key = _key(about, *delivery.unit)
        self._earlier.pop(key, None)  # the last one comes last
        self._earlier[key] = self._shared(Earlier.of(alert, delivery.receipt))
        if about == delivery.alert_id:
            self._alert_ids.pop(key, None)
        else:
            self._alert_ids[key] = delivery.alert_id
        for forgotten in self._surplus(self._earlier):
            del self._earlier[forgotten]
            self._alert_ids.pop(forgotten, None)
        self.amend(delivery)

    def amend(self, delivery: Delivery) -> None:
        """The provider said more about it."""
        if delivery.receipt is None or delivery.receipt.provider_id is None:
            return
        self._by_provider_id[_key(delivery.channel, delivery.receipt.provider_id)] = delivery
        for forgotten in self._surplus(self._by_provider_id):
            del self._by_provider_id[forgotten]

    def find(self, channel: str, provider_id: str) -> Delivery | None:
        """The delivery that the provider knows by this id."""
        return self._by_provider_id.get(_key(channel, provider_id))

    def previous(self, alert: Alert, channel: str, recipient_id: str) -> Earlier | None:
        """What the recipient last got of another alert about the same thing."""
        about = alert.dedup_key or alert.alert_id
        key = _key(about, channel, recipient_id)
        return self._earlier.get(key) if self._alert_ids.get(key, about) != alert.alert_id else None

    def _surplus(self, kept: dict[str, Earlier] | dict[str, Delivery]) -> list[str]:
        """The oldest keys, once there is a hundredth more than the bound."""
        if len(kept) <= self.bound + self.bound // 100:
            return []
        return list(itertools.islice(kept, len(kept) - self.bound))

    def _shared(self, earlier: Earlier) -> Earlier:
        """One for all that are alike: a channel without ids may give the same receipt for each message."""
        kind = (id(earlier.receipt), earlier.rank, earlier.status)  # what is kept here keeps its id
        if kind not in self._alike and len(self._alike) >= _FEW:
            self._alike.clear()
        return self._alike.setdefault(kind, earlier)


def _key(*names: str) -> str:
    """One text for several names: without a NUL in the first and the last there is one way to read it."""
    return "\0".join(names)
