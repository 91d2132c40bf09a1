"""Checks of what the core can promise with this channel: no message twice without need, and health without sending."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from tocsin.config import NotificationConfig
from tocsin.errors import ErrorKind, Outcome
from tocsin.receipt import Health, HealthState
from tocsin.rendering import REPEATED
from tocsin.secret import Secret
from tocsin.service import NotificationService
from tocsin.settings import Setting
from tocsin.testing.clock import FakeClock
from tocsin.testing.contract.alerts import an_alert
from tocsin.testing.contract.rig import Rig
from tocsin.testing.contract.subject import Connect, Subject, needs
from tocsin.testing.simulator import Fault, FaultKind, Simulator

__all__ = ["PromiseChecks"]

_DELIVERY = {"max_retries": 2, "retry_delay": 1.0, "timeout": 5.0}


class PromiseChecks(Subject):
    """The channel together with the core."""

    @needs("provider", "recipients")
    def test_a_failing_recipient_does_not_repeat_the_good_one(
        self, simulator: Simulator, channel_settings: dict[str, Any]
    ) -> None:
        """It alone is tried again; and once more when the same alert is sent again."""
        self.require(FaultKind.SERVER_ERROR)
        good, bad = simulator.addresses()[:2]
        alert = an_alert()
        simulator.fail(Fault(FaultKind.SERVER_ERROR, address=bad, times=0))
        with self._service(channel_settings) as service:
            report = service.send_notification(alert)
            states = [(one.success, len(one.attempts)) for one in report.results["x"].recipients]
            simulator.heal()
            service.enable_channel("x")
            healed = service.send_notification(alert)

        assert states == [(True, 1), (False, 3)]
        assert [one.success for one in healed.results["x"].recipients] == [True, True]
        assert (len(simulator.received(good)), len(simulator.received(bad))) == (1, 1)

    @needs("provider", "recipients")
    def test_a_retry_arrives(self, simulator: Simulator, channel_settings: dict[str, Any]) -> None:
        """A limit and a failing server are waited out, and the report tells each attempt."""
        self.require(FaultKind.RATE_LIMITED)
        first = simulator.addresses()[0]
        simulator.fail(Fault(FaultKind.RATE_LIMITED, address=first), Fault(FaultKind.SERVER_ERROR, address=first))
        with self._service(channel_settings) as service:
            report = service.send_notification(an_alert())
        outcomes = [attempt.outcome for attempt in report.results["x"].recipients[0].attempts]

        assert report.is_complete
        assert (len(outcomes), outcomes[0]) == (3, Outcome.RETRY)
        assert len(simulator.received(first)) == 1
        assert json.loads(json.dumps(report.to_dict())) == report.to_dict()

    @needs("provider", "idempotent")
    def test_the_key_on_the_wire_is_the_same_in_every_attempt(self, rig: Rig) -> None:
        """So that the provider, or the receiver, shows a repeat once; another alert has another key."""
        alert, key = an_alert(), uuid.uuid4().hex
        rig.provider.fail(FaultKind.LOST_ANSWER)
        rig.failure(alert, key=key)
        rig.send(alert, key=key, attempt=2, repeated=True)
        rig.send(alert, key=uuid.uuid4().hex)
        keys = [message.key for message in rig.received()]

        assert keys[0] is not None
        assert keys[0] == keys[1] != keys[2]

    @needs("provider", "not idempotent")
    def test_a_copy_is_marked_where_the_provider_knows_no_key(self, rig: Rig) -> None:
        """A reader then knows that it need not be a second event."""
        rig.send(an_alert())
        rig.send(an_alert(), attempt=2, repeated=True)

        assert [REPEATED in message.text for message in rig.received()] == [False, True]

    def test_health_never_sends(self, rig: Rig) -> None:
        """However often it is asked."""
        before = [rig.arrived(to) for to in range(len(rig.channel.recipients))]
        states = {rig.health().state for _ in range(2)}

        assert len(states) == 1
        assert [rig.arrived(to) for to in range(len(rig.channel.recipients))] == before

    def test_health_is_plain_values(self, rig: Rig) -> None:
        """For the command line, metrics and pages."""
        health = rig.health()

        assert isinstance(health, Health)
        assert json.loads(json.dumps(health.to_dict())) == health.to_dict()

    @needs("probe")
    def test_health_is_ok_where_a_send_would_work(self, rig: Rig) -> None:
        """A channel that cannot tell says ``Capabilities(probe=False)``."""
        health = rig.health()

        assert health.state is HealthState.OK, health

    @needs("no probe")
    def test_health_is_unknown_where_nobody_can_tell(self, rig: Rig) -> None:
        """Rather than ok."""
        assert rig.health().state is HealthState.UNKNOWN

    @needs("provider", "probe")
    def test_health_is_failing_where_nobody_listens(self, rig: Rig) -> None:
        """With a reason."""
        rig.provider.close()
        health = rig.health()

        assert health.state is HealthState.FAILING
        assert health.reason

    @needs("provider", "probe", "credentials")
    def test_health_is_failing_where_the_credentials_are_wrong(
        self, connect: Connect, channel_settings: dict[str, Any]
    ) -> None:
        """It is what health is asked for."""
        health = connect(**_altered(self.declared(), channel_settings)).health()

        assert health.state is HealthState.FAILING, health

    @needs("provider", "credentials")
    def test_wrong_credentials_are_refused(self, connect: Connect, channel_settings: dict[str, Any]) -> None:
        """The simulator is as strict as the provider, and the channel tells it apart from other failures."""
        rig = connect(**_altered(self.declared(), channel_settings))
        error = rig.failure()

        assert error.kind in (ErrorKind.AUTH, ErrorKind.INVALID_RECIPIENT), error
        assert error.outcome in (Outcome.CREDENTIALS, Outcome.GONE), error
        assert rig.provider.received() == []

    @contextmanager
    def _service(self, settings: dict[str, Any]) -> Iterator[NotificationService]:
        service = NotificationService(NotificationConfig.from_mapping({"delivery": _DELIVERY}), clock=FakeClock())
        service.add_channel("x", self.channel_class(**settings))
        try:
            yield service
        finally:
            service.close(0.0)


def _altered(settings: tuple[Setting, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """Every secret with a few letters changed, so that it keeps its form and opens nothing."""
    changed = {item.name: _alter(values[item.name]) for item in settings if item.secret and item.name in values}
    return changed or pytest.skip("the channel has no credentials")


def _alter(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _alter(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_alter(item) for item in value]
    text = value.reveal() if isinstance(value, Secret) else str(value)
    head, middle, tail = text[:-7], text[-7:-3], text[-3:]
    return head + "".join(_next(letter) for letter in middle) + tail


def _next(letter: str) -> str:
    """Another letter or digit of the same kind; everything else stays."""
    for first, last in (("a", "z"), ("A", "Z"), ("0", "9")):
        if first <= letter <= last:
            return first if letter == last else chr(ord(letter) + 1)
    return letter
