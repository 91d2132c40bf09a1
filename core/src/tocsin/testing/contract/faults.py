"""Checks of failures: each fault of a provider has its error kind and its outcome, and ends in time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tocsin.errors import DeliveryError, ErrorKind, Outcome
from tocsin.receipt import Receipt
from tocsin.testing.contract.rig import Rig
from tocsin.testing.contract.subject import Subject, needs
from tocsin.testing.simulator import Fault, FaultKind

__all__ = ["FaultChecks"]

_SHORT = 0.3
"""Seconds: a deadline that nothing but a fault should reach."""
_LATE = 0.5
"""Seconds that an attempt may take longer than its deadline."""
_MAY_BE_THERE = {Outcome.UNKNOWN}
_AGAIN = {Outcome.RETRY, Outcome.UNKNOWN}
_FINAL = {Outcome.REFUSED, Outcome.GONE, Outcome.CREDENTIALS}
_BROKEN = {ErrorKind.CONNECTION, ErrorKind.TIMEOUT, ErrorKind.SERVER}
_ANY_ANSWER = {ErrorKind.AUTH, ErrorKind.INVALID_RECIPIENT, ErrorKind.PAYLOAD, ErrorKind.CLIENT, ErrorKind.CONFIG}
_TABLE: dict[FaultKind, tuple[set[ErrorKind], set[Outcome]]] = {
    FaultKind.RATE_LIMITED: ({ErrorKind.RATE_LIMITED}, {Outcome.RETRY}),
    FaultKind.SERVER_ERROR: ({ErrorKind.SERVER}, _AGAIN),
    FaultKind.UNAUTHORIZED: ({ErrorKind.AUTH}, {Outcome.CREDENTIALS}),
    FaultKind.REFUSED_RECIPIENT: ({ErrorKind.INVALID_RECIPIENT}, {Outcome.GONE}),
    FaultKind.REFUSED_PAYLOAD: ({ErrorKind.PAYLOAD}, {Outcome.REFUSED}),
    FaultKind.LIE: ({*_ANY_ANSWER, *_BROKEN, ErrorKind.RATE_LIMITED}, {*_AGAIN, *_FINAL}),
    FaultKind.RESET: (_BROKEN, _AGAIN),
    FaultKind.LOST_ANSWER: (_BROKEN, _MAY_BE_THERE),
}
_STATUSES: dict[int, tuple[set[ErrorKind], set[Outcome]]] = {
    **dict.fromkeys((301, 302, 307, 308), ({ErrorKind.CLIENT}, {Outcome.REFUSED})),
    **dict.fromkeys((400, 403, 404, 405, 410, 413, 415, 418, 422, 451), (_ANY_ANSWER, _FINAL)),
    401: ({ErrorKind.AUTH}, {Outcome.CREDENTIALS}),
    **dict.fromkeys((408, 425), (_BROKEN, _AGAIN)),
    429: ({ErrorKind.RATE_LIMITED}, {Outcome.RETRY}),
    **dict.fromkeys((500, 502, 503, 504, 520, 599), (_BROKEN, _AGAIN)),
    **dict.fromkeys((501, 505), ({ErrorKind.SERVER, ErrorKind.CLIENT}, {Outcome.REFUSED})),
}
_WIRE = (
    FaultKind.RESET,
    FaultKind.LOST_ANSWER,
    FaultKind.HALF_ANSWER,
    FaultKind.OVERSIZE,
    FaultKind.GARBAGE,
    FaultKind.UNAUTHORIZED,
)


class FaultChecks(Subject):
    """Sends that the provider, or the network, does not let through."""

    @needs("provider")
    @pytest.mark.parametrize("fault", list(_TABLE), ids=str)
    def test_a_fault_has_its_kind_and_outcome(self, rig: Rig, fault: FaultKind) -> None:
        """So that the core retries what is worth it, and nothing else."""
        self.require(fault)
        rig.provider.fail(fault)
        error = rig.failure()
        kinds, outcomes = _TABLE[fault]

        assert error.kind in set(self.expected.get(fault, kinds)), error
        assert error.outcome in outcomes, error
        assert error.message

    @needs("http")
    @pytest.mark.parametrize("status", list(_STATUSES))
    def test_a_bare_status_has_its_kind_and_outcome(self, rig: Rig, status: int) -> None:
        """From a proxy in between, say: no body, no word of the provider."""
        rig.provider.fail(Fault(FaultKind.STATUS, status=status))
        error = rig.failure()
        kinds, outcomes = _STATUSES[status]

        assert error.kind in kinds, error
        assert error.outcome in outcomes, error
        assert error.status_code == status

    @needs("http")
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, rig: Rig, status: int) -> None:
        """It would carry the alert, and the credentials, to where nobody configured it."""
        rig.provider.fail(Fault(FaultKind.STATUS, status=status))
        calls = rig.provider.calls

        assert rig.failure().outcome is Outcome.REFUSED
        assert rig.provider.calls == calls + 1

    @needs("http", "reading")
    def test_a_success_without_an_answer_is_none(self, rig: Rig) -> None:
        """A 2xx whose body does not say what the provider says on success."""
        for status in (200, 204):
            rig.provider.fail(Fault(FaultKind.STATUS, status=status))

            assert rig.failure().outcome in _AGAIN

    @needs("http")
    def test_a_wait_in_seconds_is_kept_to(self, rig: Rig) -> None:
        """Never shortened."""
        rig.provider.fail(Fault(FaultKind.RATE_LIMITED, retry_after=7))

        assert 7 <= (rig.failure().retry_after or 0) <= 60

    @needs("http")
    def test_a_wait_until_a_date_is_kept_to(self, rig: Rig) -> None:
        """The other form of ``Retry-After`` (RFC 9110, section 10.2.3)."""
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
        rig.provider.fail(Fault(FaultKind.RATE_LIMITED, retry_after=date))

        assert 100 <= (rig.failure().retry_after or 0) <= 121

    @needs("http")
    @pytest.mark.parametrize("value", ["soon", "-5", "", "1e9", "999999999999", "nan", "Thu, 99 Foo 2026 25:00:00"])
    def test_a_wait_that_makes_no_sense_does_no_harm(self, rig: Rig, value: str) -> None:
        """It is left out or capped at an hour; the kind stays."""
        rig.provider.fail(Fault(FaultKind.RATE_LIMITED, retry_after=value))
        error = rig.failure()

        assert error.kind is ErrorKind.RATE_LIMITED
        assert error.retry_after is None or 0 <= error.retry_after <= 3600

    @needs("http")
    @pytest.mark.parametrize("status", [429, 503])
    def test_a_bare_status_may_carry_a_wait(self, rig: Rig, status: int) -> None:
        """The header counts where the body says nothing."""
        rig.provider.fail(Fault(FaultKind.STATUS, status=status, retry_after=9))

        assert rig.failure().retry_after == 9

    @needs("provider")
    def test_nothing_is_taken_when_the_connection_breaks_first(self, rig: Rig) -> None:
        """And nobody is told that it was."""
        self.require(FaultKind.RESET)
        rig.provider.fail(FaultKind.RESET)
        rig.failure()

        assert rig.received() == []

    @needs("provider")
    def test_a_lost_answer_leaves_it_open(self, rig: Rig) -> None:
        """The provider has the message, the sender cannot know: unknown, and not sent again by the channel itself."""
        self.require(FaultKind.LOST_ANSWER)
        rig.provider.fail(FaultKind.LOST_ANSWER)
        error = rig.failure()

        assert error.outcome is Outcome.UNKNOWN
        assert len(rig.received()) == 1

    @needs("provider")
    def test_half_an_answer_is_a_success_or_leaves_it_open(self, rig: Rig) -> None:
        """The provider took the message; a retry that calls itself safe would repeat it."""
        self.require(FaultKind.HALF_ANSWER)
        rig.provider.fail(FaultKind.HALF_ANSWER)
        result = rig.outcome()

        assert isinstance(result, Receipt) or result.outcome is Outcome.UNKNOWN
        assert len(rig.received()) == 1

    @needs("provider")
    def test_a_receiver_that_hangs_is_given_up_at_the_deadline(self, rig: Rig) -> None:
        """Total, not for each read."""
        self.require(FaultKind.HANG)
        rig.provider.fail(FaultKind.HANG)
        started = time.perf_counter()
        error = rig.failure(seconds=_SHORT)

        assert time.perf_counter() - started <= _SHORT + _LATE
        assert error.kind in set(self.expected.get(FaultKind.HANG, {ErrorKind.TIMEOUT})), error
        assert error.outcome in _AGAIN, error

    @needs("provider")
    def test_a_receiver_that_drips_is_given_up_at_the_deadline(self, rig: Rig) -> None:
        """One byte now and then does not count as an answer; but it took the message."""
        self.require(FaultKind.DRIP)
        rig.provider.fail(FaultKind.DRIP)
        started = time.perf_counter()
        result = rig.outcome(seconds=_SHORT)

        assert time.perf_counter() - started <= _SHORT + _LATE
        assert isinstance(result, Receipt) or result.outcome is Outcome.UNKNOWN
        assert len(rig.received()) == 1

    @needs("provider")
    @pytest.mark.parametrize("fault", [FaultKind.GARBAGE, FaultKind.OVERSIZE], ids=str)
    def test_an_answer_that_means_nothing_is_read_in_bounds(self, rig: Rig, fault: FaultKind) -> None:
        """8 MiB end soon, and neither is a fault of the plugin."""
        self.require(fault)
        rig.provider.fail(fault)
        started = time.perf_counter()
        result = rig.outcome(seconds=3.0)

        assert time.perf_counter() - started <= 2.0
        assert not isinstance(result, DeliveryError) or result.kind is not ErrorKind.PLUGIN

    @needs("provider", "reading")
    @pytest.mark.parametrize("fault", [FaultKind.GARBAGE, FaultKind.OVERSIZE], ids=str)
    def test_an_answer_that_means_nothing_is_no_success(self, rig: Rig, fault: FaultKind) -> None:
        """Nor a refusal: a proxy may have answered, and the alert must not be lost for that."""
        self.require(fault)
        rig.provider.fail(fault)

        assert rig.failure(seconds=3.0).outcome in _AGAIN

    @needs("provider")
    def test_a_closed_port_is_a_failed_connection(self, rig: Rig) -> None:
        """Nothing was sent, so that trying again is safe."""
        rig.provider.close()
        error = rig.failure()

        assert (error.kind, error.outcome) == (ErrorKind.CONNECTION, Outcome.RETRY)

    @needs("provider")
    @pytest.mark.parametrize("fault", _WIRE, ids=str)
    def test_the_next_message_arrives_after_a_fault(self, rig: Rig, fault: FaultKind) -> None:
        """No broken connection is used again, and no state is left behind."""
        self.require(fault)
        rig.send()
        rig.provider.fail(fault)
        rig.outcome(seconds=3.0)
        before = len(rig.received())
        rig.send()

        assert len(rig.received()) == before + 1
