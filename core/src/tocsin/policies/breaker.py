"""The policy that stops calling what does not work."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any

import attrs

from tocsin.circuit import TRANSPORT, Circuit, held
from tocsin.clock import Clock
from tocsin.errors import DeliveryError, ErrorKind, Scope, not_attempted
from tocsin.forking import new_lock
from tocsin.hookspecs import SendContext, hookimpl
from tocsin.policies.scopes import CHANNEL, key_of, keys_of
from tocsin.receipt import Receipt
from tocsin.recipient import Recipient

__all__ = ["Breaker"]


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
    _lock: Any = attrs.field(factory=new_lock, init=False)

    @hookimpl(wrapper=True)
    def send(self, recipient: Recipient, context: SendContext) -> Generator[None, Receipt, Receipt]:
        """Refuse while open, let one probe through when it is time, and learn from each result."""
        keys = keys_of(recipient)
        if not context.test:
            self._admit(keys, context.key)
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
        self._succeeded(keys, context.test)
        return receipt

    def _admit(self, keys: Iterable[str], unit: str) -> None:
        now = self.clock.monotonic()
        with self._lock:
            for key in keys:
                circuit = self._circuits.get(key)
                if circuit is None or circuit.cause is None or (wait := circuit.admit(now, unit)) <= 0:
                    continue
                raise not_attempted(circuit.refusal(wait))

    def hold(self, recipients: Iterable[Recipient]) -> float:
        """Seconds for which a delivery to any of these would only be deferred."""
        now = self.clock.monotonic()
        with self._lock:
            shortest: float | None = None
            for one in recipients if self._circuits else ():
                wait = held(map(self._circuits.get, keys_of(one)), now)
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
                self._circuit(key_of(error, recipient, self.together)).open(now, error.kind, error.message)
            elif error.kind is ErrorKind.CONFIG:
                pass  # nobody was called, so nothing was learned
            elif error.kind in TRANSPORT:
                probing = self._circuit(key_of(error, recipient, self.together)).failed(
                    now, unit, error.kind, error.message
                )
                error.counts = not probing
            else:
                self._answered(recipient, unit)
                return
            self._release(recipient, unit)

    def _answered(self, recipient: Recipient, unit: str) -> None:
        """The provider refused the message, so it works: a probe has succeeded."""
        for key in keys_of(recipient):
            if (circuit := self._circuits.get(key)) is not None:
                circuit.answered(self.clock.monotonic(), unit)

    def _succeeded(self, keys: Iterable[str], test: bool) -> None:
        now = self.clock.monotonic()
        with self._lock:
            for key in keys if self._circuits or not test else ():
                (self._circuits.get(key) or self._circuit(key)).succeeded(now)

    def _released(self, recipient: Recipient, unit: str) -> None:
        with self._lock:
            self._release(recipient, unit)

    def _release(self, recipient: Recipient, unit: str) -> None:
        for key in keys_of(recipient):
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

    def state(self, recipients: Sequence[Recipient]) -> dict[str, Any]:
        """The channel's circuit, and under ``recipients``, by id, what holds each of these, as plain values.

        Where every recipient is held, the channel is: then its circuit is that of the first to be tried again.
        """
        now = self.clock.monotonic()
        with self._lock:
            channel = self._circuits.get(CHANNEL, Circuit()).to_dict(now)
            found = ((one, self._holding(one)) for one in recipients)
            held = {one.id: circuit.to_dict(now) | {"label": one.label} for one, circuit in found if circuit}
        if channel["state"] == "closed" and recipients and len(held) == len(recipients):
            channel = {key: min(held.values(), key=_next_try)[key] for key in channel}
        return channel | {"recipients": held}

    def _holding(self, recipient: Recipient) -> Circuit | None:
        """The circuit of the recipient or of its kind that is not closed."""
        own = [self._circuits.get(key) for key in keys_of(recipient)[1:]]
        return next((one for one in own if one is not None and not one.is_closed), None)


def _next_try(state: dict[str, Any]) -> float:
    return math.inf if state["retry_in"] is None else float(state["retry_in"])
