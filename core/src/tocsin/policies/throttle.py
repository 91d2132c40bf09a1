"""The policy that keeps to a rate, and to the waits that the provider asked for."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

import attrs

from tocsin.alert import Alert
from tocsin.clock import Clock
from tocsin.errors import DeliveryError, RateLimited, Scope, not_attempted
from tocsin.forking import new_lock
from tocsin.hookspecs import SendContext, hookimpl
from tocsin.policies.scopes import CHANNEL, key_of, keys_of
from tocsin.receipt import Receipt
from tocsin.recipient import Recipient
from tocsin.retry import parse_retry_after
from tocsin.turns import Turns

__all__ = ["WAITING", "Throttle"]

WAITING = "waiting for the provider's rate limit"
"""Why something has no turn yet, in words."""
_NO_HOLD = attrs.fields(Receipt).hold.default
"""What stands in a receipt that asks for no wait; whatever else stands there is looked at."""


@attrs.define(eq=False)
class Throttle:
    """Keeps to a rate, and to the waits that the provider asked for.

    A delivery that comes too early is refused with the time at which its turn should come. So that few do, and that
    the most urgent has each turn, no more are let out of the queue than there are turns: see :meth:`room`.

    Attributes:
        rate: messages per second in each scope; 0 for no limit of our own.
        scope: what the rate is for.
        together: what fails together, see ``Capabilities.circuit_scope``.
    """

    clock: Clock
    rate: float
    scope: Scope
    together: Scope
    _turns: Turns = attrs.field(init=False)
    _held: dict[str, float] = attrs.field(factory=dict, init=False)
    _lock: Any = attrs.field(factory=new_lock, init=False)

    def __attrs_post_init__(self) -> None:
        self._turns = Turns(self.rate)

    @hookimpl(wrapper=True)
    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Generator[None, Receipt, Receipt]:
        """Refuse with :class:`RateLimited` before the turn; hold back what the provider asked to hold back."""
        if not context.test:
            self._admit(alert.priority.rank, recipient, context)
        try:
            receipt = yield
        except DeliveryError as error:
            self._hold(key_of(error, recipient, self.together), error.retry_after)
            raise
        if isinstance(receipt, Receipt) and receipt.hold is not _NO_HOLD:
            self._hold(recipient.id, receipt.hold)
        return receipt

    def room(self, wanted: int, recipients: int) -> tuple[int, float]:
        """How many of the wanted deliveries would have their turn now, and if none, in how many seconds to ask again.

        Only the rate counts. A wait that the provider asked for is told to each delivery, so that one that cannot wait
        so long goes to its fallback at once.
        """
        if not self.rate:
            return wanted, 0.0
        with self._lock:
            lines = recipients if self.scope is Scope.RECIPIENT else 1
            free, wait = self._turns.free(lines, self.clock.monotonic())
        return min(wanted, free), wait

    def expect(self, keys: Iterable[str]) -> None:
        """The deliveries with these keys are on their way here, each for a turn."""
        if self.rate:
            with self._lock:
                self._turns.expect(keys)

    def forget(self, key: str) -> None:
        """The delivery with this key has ended, whether it came here or not."""
        if self.rate:
            with self._lock:
                self._turns.came(key)

    def expect_nobody(self) -> None:
        """Whatever was on its way here is no longer: its workers are another process's, or have ended."""
        with self._lock:
            self._turns.expect_nobody()

    def _hold(self, key: str, seconds: object) -> None:
        if asked := parse_retry_after(seconds):
            with self._lock:
                self._held[key] = max(self._held.get(key, 0.0), self.clock.monotonic() + asked)

    def _admit(self, rank: int, recipient: Recipient, context: SendContext) -> None:
        if not self.rate and not self._held:
            return
        with self._lock:
            now = self.clock.monotonic()
            held = max(self._held.get(key, 0.0) for key in keys_of(recipient)) if self._held else 0.0
            wait = held - now
            if self.rate:
                self._turns.came(context.key)
                line = recipient.id if self.scope is Scope.RECIPIENT else CHANNEL
                wait = self._turns.take(line, rank, now, held, context.patience)
        if wait > 0:
            words = "waiting as long as the receiver asked" if held > now else WAITING
            raise not_attempted(RateLimited(words, retry_after=wait))
