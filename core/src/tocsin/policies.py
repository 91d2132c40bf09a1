"""Policies: wrappers around every attempt of one channel. They refuse by raising before it, and watch its result.

Each guards its own state with a lock that is never held during the call itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any

import attrs

from tocsin.alert import Alert
from tocsin.circuit import TRANSPORT, Circuit, held
from tocsin.clock import Clock
from tocsin.errors import (
    DeliveryError,
    ErrorKind,
    RateLimited,
    Scope,
    not_attempted,
)
from tocsin.hookspecs import SendContext, hookimpl
from tocsin.receipt import Receipt
from tocsin.recipient import Recipient
from tocsin.retry import parse_retry_after
from tocsin.turns import Turns

__all__ = ["WAITING", "Breaker", "Throttle"]

WAITING = "waiting for the provider's rate limit"
"""Why something has no turn yet, in words."""

Attempted = Generator[None, Receipt, Receipt]

_CHANNEL = ""
"""The key of what concerns the whole channel; a kind of recipients has its word, a recipient its id."""


def _key(error: DeliveryError, recipient: Recipient, together: Scope) -> str:
    """What a failure concerns: the channel, or the recipient alone where recipients are servers of their own.

    A credential of the channel, and a wait for all who use it, concerns the recipients of one kind: a bot's none that
    are webhooks.
    """
    alone = error.scope is not Scope.CHANNEL or (together is Scope.RECIPIENT and error.kind in TRANSPORT)
    if alone:
        return recipient.id
    return recipient.kind if error.kind in (ErrorKind.AUTH, ErrorKind.RATE_LIMITED) else _CHANNEL


def _keys(recipient: Recipient) -> tuple[str, ...]:
    return (_CHANNEL, recipient.kind, recipient.id) if recipient.kind else (_CHANNEL, recipient.id)


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
    _lock: Any = attrs.field(factory=threading.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self._turns = Turns(self.rate)

    @hookimpl(wrapper=True)
    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Attempted:
        """Refuse with :class:`RateLimited` before the turn; hold back what the provider asked to hold back."""
        if not context.test:
            self._admit(alert.priority.rank, recipient, context)
        try:
            receipt = yield
        except DeliveryError as error:
            self._hold(_key(error, recipient, self.together), error.retry_after)
            raise
        if isinstance(receipt, Receipt):
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

    def _hold(self, key: str, seconds: object) -> None:
        if asked := parse_retry_after(seconds):
            with self._lock:
                self._held[key] = max(self._held.get(key, 0.0), self.clock.monotonic() + asked)

    def _admit(self, rank: int, recipient: Recipient, context: SendContext) -> None:
        with self._lock:
            now = self.clock.monotonic()
            held = max(self._held.get(key, 0.0) for key in _keys(recipient))
            wait = held - now
            if self.rate:
                self._turns.came(context.key)
                line = recipient.id if self.scope is Scope.RECIPIENT else _CHANNEL
                wait = self._turns.take(line, rank, now, held, context.patience)
        if wait > 0:
            words = "waiting as long as the receiver asked" if held > now else WAITING
            raise not_attempted(RateLimited(words, retry_after=wait))


@attrs.define(eq=False)
class Breaker:
    """Stops calling what does not work: the channel, one recipient, or a credential.

    Failures of transport and 5xx open a circuit after at least 5 calls of which half failed within 30 s; it *defers*.
    Refused credentials open it at once, and a recipient that is gone is paused: both *fail* what comes, because
    waiting does not mend them and a fallback channel must not wait either.
    """

    clock: Clock
    together: Scope
    on_pause: Callable[[], None] | None = attrs.field(default=None, init=False)
    """Called, without a lock held, when the recipients that are paused have changed."""
    _circuits: dict[str, Circuit] = attrs.field(factory=dict, init=False)
    _lock: Any = attrs.field(factory=threading.Lock, init=False)

    @hookimpl(wrapper=True)
    def send(self, recipient: Recipient, context: SendContext) -> Attempted:
        """Refuse while open, let one probe through when it is time, and learn from each result."""
        if not context.test:
            self._admit(recipient, context.key)
        try:
            receipt = yield
        except DeliveryError as error:
            if not context.test:
                self._failed(error, recipient, context.key)
                if error.lasting and error.attempted:
                    self._paused()
            raise
        except BaseException:
            self._released(recipient, context.key)
            raise
        self._succeeded(recipient, context.test)
        return receipt

    def _admit(self, recipient: Recipient, unit: str) -> None:
        now = self.clock.monotonic()
        with self._lock:
            for key in _keys(recipient):
                circuit = self._circuits.get(key)
                if circuit is None or (wait := circuit.admit(now, unit)) <= 0:
                    continue
                raise not_attempted(circuit.refusal(wait))

    def hold(self, recipients: Iterable[Recipient]) -> float:
        """Seconds for which a delivery to any of these would only be deferred."""
        now = self.clock.monotonic()
        with self._lock:
            shortest: float | None = None
            for one in recipients if self._circuits else ():
                wait = held(map(self._circuits.get, _keys(one)), now)
                if wait <= 0.0:
                    return 0.0
                shortest = wait if shortest is None else min(shortest, wait)
            return shortest or 0.0

    def _failed(self, error: DeliveryError, recipient: Recipient, unit: str) -> None:
        now = self.clock.monotonic()
        with self._lock:
            if not error.attempted:
                self._release(recipient, unit)
                return
            if error.lasting:
                self._circuit(recipient.id).open(now, error.kind, error.message, forever=True)
            elif error.kind in (ErrorKind.AUTH, ErrorKind.INVALID_RECIPIENT):
                self._circuit(_key(error, recipient, self.together)).open(now, error.kind, error.message)
            elif error.kind is ErrorKind.CONFIG:
                pass  # nobody was called, so nothing was learned
            elif error.kind in TRANSPORT:
                probing = self._circuit(_key(error, recipient, self.together)).failed(
                    now, unit, error.kind, error.message
                )
                error.counts = not probing
            else:
                self._answered(recipient, unit)
                return
            self._release(recipient, unit)

    def _answered(self, recipient: Recipient, unit: str) -> None:
        """The provider refused the message, so it works: a probe has succeeded."""
        for key in _keys(recipient):
            if (circuit := self._circuits.get(key)) is not None:
                circuit.answered(self.clock.monotonic(), unit)

    def _succeeded(self, recipient: Recipient, test: bool) -> None:
        with self._lock:
            for key in _keys(recipient) if self._circuits or not test else ():
                self._circuit(key).succeeded(self.clock.monotonic())

    def _released(self, recipient: Recipient, unit: str) -> None:
        with self._lock:
            self._release(recipient, unit)

    def _release(self, recipient: Recipient, unit: str) -> None:
        for key in _keys(recipient):
            if (circuit := self._circuits.get(key)) is not None:
                circuit.release(unit)

    def _circuit(self, key: str) -> Circuit:
        circuit = self._circuits.get(key)
        if circuit is None:
            circuit = self._circuits[key] = Circuit()
        return circuit

    def pause(self, recipient_id: str, reason: str) -> None:
        """Stop calling a recipient of which the provider said later that it takes nothing."""
        with self._lock:
            self._circuit(recipient_id).open(self.clock.monotonic(), ErrorKind.INVALID_RECIPIENT, reason, forever=True)
        self._paused()

    def paused(self) -> dict[str, dict[str, str]]:
        """The recipients that only a person brings back: cause and reason by id; JSON values."""
        with self._lock:
            return {
                key: {"cause": str(circuit.cause), "reason": circuit.reason}
                for key, circuit in self._circuits.items()
                if circuit.is_paused
            }

    def restore(self, paused: Mapping[str, Mapping[str, str]]) -> None:
        """Pause what :meth:`paused` told in an earlier process."""
        with self._lock:
            for key, why in paused.items():
                self._circuit(key).open(
                    self.clock.monotonic(), ErrorKind(why["cause"]), str(why["reason"]), forever=True
                )

    def _paused(self) -> None:
        if self.on_pause is not None:
            self.on_pause()

    def reset(self) -> None:
        """Close every circuit and let paused recipients take part again."""
        with self._lock:
            self._circuits.clear()
        self._paused()

    def state(self) -> dict[str, Any]:
        """The channel's circuit, and each recipient's that is not closed, as plain values."""
        now = self.clock.monotonic()
        with self._lock:
            channel = self._circuits.get(_CHANNEL, Circuit()).to_dict(now)
            others = {
                key: circuit.to_dict(now) for key, circuit in self._circuits.items() if key and not circuit.is_closed
            }
        return channel | {"recipients": others}
