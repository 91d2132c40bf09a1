"""What an endpoint may rely on over several attempts, through the whole service."""

import pytest

from tocsin import NotificationConfig, NotificationService
from tocsin.testing import FakeClock, Fault, FaultKind


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def serve(simulator, clock):
    """A service with the webhook channel alone."""
    started = []

    def make(**delivery):
        config = NotificationConfig.from_mapping({"delivery": delivery, "channels": {"webhook": simulator.settings()}})
        started.append(NotificationService(config, clock=clock, strict=True))
        return started[-1]

    yield make
    for service in started:
        service.close(0.0)


def alert_of(alert, number):
    return type(alert).from_dict(alert.to_dict() | {"alert_id": f"risk-{number}"})


def requests_to(simulator, address):
    path = address.removeprefix(simulator.url)
    return [{n.lower(): v for n, v in r.headers.items()} for r in simulator.requests if r.path == path]


def results_of(report):
    return report.results["webhook"].recipients


def test_every_attempt_has_the_same_id_and_a_time_of_its_own(serve, simulator, alert):
    first = simulator.addresses()[0]
    simulator.fail(
        Fault(FaultKind.SERVER_ERROR, retry_after=7, address=first),
        Fault(FaultKind.RATE_LIMITED, retry_after=9, address=first),
    )
    report = serve(max_retries=3).send_notification(alert)
    sent = requests_to(simulator, first)

    assert report.is_complete
    assert len({headers["webhook-id"] for headers in sent}) == 1
    stamps = [int(headers["webhook-timestamp"]) for headers in sent]
    assert stamps[1] - stamps[0] >= 7
    assert stamps[2] - stamps[1] >= 9
    assert len({headers["webhook-signature"] for headers in sent}) == 3


def test_ids_have_no_full_stop_and_differ_by_alert_and_endpoint(serve, simulator, alert):
    """The full stop stands between id, timestamp and body in what is signed."""
    service = serve()
    for number in range(3):
        service.send_notification(type(alert)(title="x", message="", alert_id=f"a.b.{number}"))
    ids = [headers["webhook-id"] for address in simulator.addresses() for headers in requests_to(simulator, address)]

    assert len(set(ids)) == 6
    assert not any("." in one for one in ids)


@pytest.mark.parametrize("kind", [FaultKind.RATE_LIMITED, FaultKind.SERVER_ERROR])
def test_a_wait_is_kept_and_holds_back_that_endpoint_alone(serve, simulator, alert, kind):
    slow = simulator.addresses()[0]
    simulator.fail(Fault(kind, retry_after=120, address=slow))
    report = serve(deadline=600).send_notification(alert)
    waited, other = results_of(report)

    assert (len(waited.attempts), len(other.attempts)) == (2, 1)
    assert (waited.attempts[1].started_at - waited.attempts[0].started_at).total_seconds() >= 120


@pytest.mark.parametrize("status", [502, 504])
def test_an_overloaded_gateway_is_asked_again_later(serve, simulator, alert, status):
    """Standard Webhooks: throttle. Each retry waits longer, and five failures open that endpoint's circuit."""
    simulator.fail(Fault(FaultKind.STATUS, status=status, address=simulator.addresses()[0], times=2))
    waited, other = results_of(serve(retry_delay=10, backoff="constant").send_notification(alert))

    assert [attempt.status_code for attempt in waited.attempts] == [status, status, None]
    assert (waited.attempts[2].started_at - waited.attempts[0].started_at).total_seconds() >= 20
    assert len(other.attempts) == 1


@pytest.mark.parametrize("status", [301, 400, 404, 410, 401, 413, 415, 422, 501, 505])
def test_what_is_refused_is_tried_once(serve, simulator, alert, status):
    simulator.fail(Fault(FaultKind.STATUS, status=status, address=simulator.addresses()[0], times=0))
    failed, other = results_of(serve().send_notification(alert))

    assert (failed.success, len(failed.attempts), failed.attempts[0].status_code) == (False, 1, status)
    assert other.success


def test_410_silences_the_endpoint_until_a_person_enables_the_channel(serve, simulator, clock, alert):
    gone = simulator.addresses()[0]
    simulator.fail(Fault(FaultKind.REFUSED_RECIPIENT, address=gone))
    service = serve()
    for number in range(3):
        report = service.send_notification(alert_of(alert, number))
        clock.advance(86_400)

    assert len(requests_to(simulator, gone)) == 1
    assert "the recipient is paused" in results_of(report)[0].error
    service.enable_channel("webhook")
    assert service.send_notification(alert_of(alert, 9)).is_complete


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_may_be_mended_at_the_endpoint_is_probed(serve, simulator, clock, alert, status):
    """Its secret, its clock, or a proxy whose endpoint restarts; nobody there can enable our channel."""
    refusing = simulator.addresses()[0]
    simulator.fail(Fault(FaultKind.STATUS, status=status, address=refusing))
    service = serve()
    service.send_notification(alert_of(alert, 1))
    at_once = service.send_notification(alert_of(alert, 2))
    clock.advance(6)
    later = service.send_notification(alert_of(alert, 3))

    assert [one.success for one in results_of(at_once)] == [False, True]
    assert later.is_complete
    assert len(requests_to(simulator, refusing)) == 2


def test_the_request_names_program_and_version(serve, simulator, alert):
    from importlib.metadata import version

    serve().send_notification(alert)

    assert requests_to(simulator, simulator.addresses()[0])[0]["user-agent"] == f"tocsin/{version('tocsin')}"


def test_an_attempt_has_fifteen_seconds_unless_told_otherwise(simulator):
    """Standard Webhooks recommends 15 to 30."""
    config = NotificationConfig.from_mapping({"channels": {"webhook": simulator.settings()}})

    assert config.delivery.timeout == 15
