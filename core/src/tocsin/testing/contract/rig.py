"""One channel, called as the core calls it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from tocsin.alert import Alert
from tocsin.channel import Channel, relay_for
from tocsin.deadline import Deadline
from tocsin.errors import DeliveryError
from tocsin.hookspecs import SendContext
from tocsin.receipt import Health, Receipt
from tocsin.testing.clock import FakeClock
from tocsin.testing.contract.alerts import an_alert
from tocsin.testing.simulator import Received, Simulator

__all__ = ["SECONDS", "Rig"]

SECONDS = 5.0
"""What an attempt may take where the check is not about time."""
_PAST_EVERY_WAIT = 4_000.0
"""Seconds: longer than the core keeps to any ``Retry-After`` or rate."""


@attrs.define(eq=False)
class Rig:
    """A channel behind its facade, and what it delivers to.

    Attributes:
        channel: the facade.
        clock: of its policies.
        simulator: of its provider, or None.
        texts: looks into a channel without a simulator.
    """

    channel: Channel
    clock: FakeClock
    simulator: Simulator | None
    texts: Callable[[Any], list[str] | None]

    @property
    def provider(self) -> Simulator:
        """The simulator, for checks that need one."""
        if self.simulator is None:
            raise RuntimeError("this check needs a simulator; mark it with @needs('provider')")
        return self.simulator

    def send(self, alert: Alert | None = None, *, to: int = 0, seconds: float = SECONDS, **context: Any) -> Receipt:
        """One attempt through the facade; no earlier wait, limit or circuit is in its way."""
        self.clock.advance(_PAST_EVERY_WAIT)
        self.channel.breaker.reset()
        with Deadline(seconds) as deadline:
            recipient = self.channel.recipients[to]
            return self.channel.send(alert or an_alert(), recipient, self._context(deadline, **context))

    def outcome(self, alert: Alert | None = None, **how: Any) -> Receipt | DeliveryError:
        """What one attempt came to."""
        try:
            return self.send(alert, **how)
        except DeliveryError as error:
            return error

    def failure(self, alert: Alert | None = None, **how: Any) -> DeliveryError:
        """The error of an attempt that must fail."""
        result = self.outcome(alert, **how)
        if isinstance(result, Receipt):
            pytest.fail("the channel reported success")
        return result

    def unguarded(self, alert: Alert, *, seconds: float = SECONDS) -> BaseException | None:
        """What the plugin's own code raises, before the facade has cleaned it."""
        relay = relay_for(self.channel.instance)
        with Deadline(seconds) as deadline:
            try:
                relay.hook.send(alert=alert, recipient=self.channel.recipients[0], context=self._context(deadline))
            except Exception as error:
                return error
        return None

    def health(self, seconds: float = SECONDS) -> Health:
        """The facade's answer to a probe."""
        with Deadline(seconds) as deadline:
            return self.channel.health(self._context(deadline))

    def arrived(self, to: int = 0) -> list[str] | None:
        """The texts that arrived at a recipient, oldest first; None where nobody can tell."""
        if self.simulator is None:
            return self.texts(self.channel.instance)
        return [message.text for message in self.received(to)]

    def received(self, to: int = 0) -> list[Received]:
        """The messages that arrived at a recipient."""
        return self.provider.received(self.provider.addresses()[to])

    def _context(self, deadline: Deadline, **values: Any) -> SendContext:
        values.setdefault("key", uuid.uuid4().hex)
        return SendContext(deadline=deadline, now=datetime.now(UTC), client=self.channel.client, **values)
