"""What a service makes of Discord's answers, over several alerts."""

import pytest

from tocsin import NotificationConfig, NotificationService
from tocsin.rendering import REPEATED
from tocsin.testing import Answer, FakeClock, Fault


@pytest.fixture
def clock():
    """Time that passes at once."""
    return FakeClock()


@pytest.fixture
def service_to(simulator, clock):
    """Make services whose one channel has the simulator's two webhooks, with settings of its own."""
    made = []

    def make(deadline=300, **settings):
        delivery = {"max_retries": 3, "deadline": deadline}
        config = NotificationConfig.from_mapping(
            {"channels": {"discord": simulator.settings() | settings}, "delivery": delivery}
        )
        made.append(NotificationService(config, clock=clock))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def called(simulator):
    """Method and query of each request that a webhook got, by its place."""

    def requests(place):
        path = simulator.addresses()[place].removeprefix(simulator.url).replace("/api/", "/api/v10/")
        return [request for request in simulator.requests if request.path.startswith(path)]

    return requests


def results(report):
    return list(report.results["discord"].recipients)


class TestADeadWebhook:
    """Discord bans addresses that go on calling one."""

    @pytest.fixture(params=[(404, 10015, "invalid_recipient"), (401, 50027, "auth")], ids=["404", "401"])
    def dead(self, request, simulator):
        """The kind of failure that the first webhook's refusals stand for."""
        status, code, kind = request.param
        name = simulator.addresses()[0].rpartition("/webhooks/")[2]
        simulator.hooks.discard(name)
        if status == 401:
            simulator.hooks.add(f"{name.partition('/')[0]}/renewed-token")
        return kind, code

    def test_it_gets_exactly_one_request_over_several_alerts(self, service_to, called, alert, dead):
        service = service_to()
        reports = [service.send_notification(alert()) for _ in range(5)]

        assert len(called(0)) == 1
        assert len(called(1)) == 5
        assert [results(report)[0].error_kind for report in reports] == [dead[0]] * 5
        assert f"code {dead[1]}" in reports[0].results["discord"].error
        assert [results(report)[1].state for report in reports] == ["accepted"] * 5

    def test_time_brings_no_further_request(self, service_to, called, clock, alert, dead):
        service = service_to()
        for _ in range(3):
            service.send_notification(alert())
            clock.advance(86_400)

        assert len(called(0)) == 1

    def test_its_health_is_known_without_asking_it_again(self, service_to, called, alert, dead):
        service = service_to()
        service.send_notification(alert())
        found = [service.get_channel_health(probe=True)["discord"] for _ in range(3)]

        assert [len(called(0)), len(called(1))] == [1, 4]
        assert {str(health).count(f"code {dead[1]}") > 0 for health in found} == {True}

    def test_a_health_check_that_found_it_dead_asks_no_second_time(self, service_to, called, dead):
        service = service_to()
        for _ in range(3):
            service.get_channel_health(probe=True)

        assert [request.method for request in called(0)] == ["GET"]

    def test_a_person_may_have_it_tried_again(self, simulator, service_to, called, alert, dead):
        service = service_to()
        service.send_notification(alert())
        simulator.hooks.add(simulator.addresses()[0].rpartition("/webhooks/")[2])
        service.enable_channel("discord")
        report = service.send_notification(alert())

        assert report.is_complete
        assert len(called(0)) == 2
        assert service.get_channel_health(probe=True)["discord"]["probe"]["state"] == "ok"


class TestWaits:
    def test_an_empty_bucket_is_not_asked_before_it_has_room(self, simulator, service_to, clock, alert):
        service = service_to(webhook_urls=simulator.addresses()[:1])
        simulator.exhaust(7.5)
        service.send_notification(alert())
        before = clock.monotonic()
        report = service.send_notification(alert())

        assert clock.monotonic() - before == pytest.approx(7.5, abs=0.5)
        assert report.is_complete
        assert simulator.calls == 2

    def test_a_limit_of_one_webhook_holds_back_no_other(self, simulator, service_to, called, alert):
        simulator.fail(Fault("rate_limited", retry_after=2.5, address=simulator.addresses()[0]))
        report = service_to().send_notification(alert())

        assert report.is_complete
        assert [len(called(0)), len(called(1))] == [2, 1]

    def test_a_limit_of_this_address_holds_back_every_webhook(self, simulator, service_to, clock, alert, monkeypatch):
        times, accept = [], simulator.accept
        monkeypatch.setattr(
            simulator, "accept", lambda *request: (times.append(clock.monotonic()), accept(*request))[1]
        )
        simulator.answer(Answer(429, b"error code: 1015", {"Retry-After": "30"}))
        report = service_to(workers=1).send_notification(alert())

        assert report.is_complete
        assert [round(time) >= 30 for time in times] == [False, True, True]


@pytest.mark.parametrize("body", [b"<html>error code: 1010</html>", b'{"code": 40333}'], ids=["page", "code"])
class TestABlockOfThisAddress:
    """Cloudflare refuses whatever comes from here, and each request that it refuses counts towards a ban."""

    def test_alerts_within_a_minute_make_one_request(self, simulator, service_to, clock, alert, body):
        service = service_to(workers=1, deadline=20)
        simulator.answer(Answer(403, body))
        began = clock.monotonic()
        reports = [service.send_notification(alert()) for _ in range(2)]

        assert clock.monotonic() - began < 60.0
        assert simulator.calls == 1
        assert results(reports[0])[0].error_kind == "client"
        assert [result.success for report in reports for result in results(report)] == [False] * 4

    def test_the_next_alert_is_tried_when_the_minute_is_over(self, simulator, service_to, clock, alert, body):
        service = service_to(workers=1, webhook_urls=simulator.addresses()[:1])
        simulator.answer(Answer(403, body))
        service.send_notification(alert())
        began = clock.monotonic()
        report = service.send_notification(alert())

        assert report.is_complete
        assert clock.monotonic() - began == pytest.approx(60.0, abs=0.5)
        assert simulator.calls == 2


class TestAMessageThatChanges:
    def test_the_next_word_about_the_same_thing_edits_it(self, simulator, service_to, alert):
        service = service_to(webhook_urls=simulator.addresses()[:1])
        for status in ("firing", "acknowledged", "resolved"):
            service.send_notification(alert(dedup_key="disk", status=status))

        assert [request.method for request in simulator.requests] == ["POST", "PATCH", "PATCH"]

    @pytest.mark.parametrize("before", [{"status": "resolved"}, {"priority": "LOW"}])
    def test_what_must_be_noticed_is_a_new_message(self, simulator, service_to, alert, before):
        service = service_to(webhook_urls=simulator.addresses()[:1])
        service.send_notification(alert(dedup_key="disk", **before))
        service.send_notification(alert(dedup_key="disk"))

        assert [request.method for request in simulator.requests] == ["POST", "POST"]


def test_a_refused_form_is_sent_once_more_as_text_alone(simulator, service_to, alert, bodies):
    service = service_to(webhook_urls=simulator.addresses()[:1])
    simulator.script(400, 50035)
    report = service.send_notification(alert())

    assert report.is_complete
    assert [len(body["embeds"]) for body in bodies()] == [1, 0]


@pytest.mark.parametrize(("status", "marked"), [(500, True), (502, True), (504, True), (503, False)])
def test_what_may_have_been_saved_is_marked_when_it_is_sent_again(simulator, service_to, alert, status, marked):
    service = service_to(webhook_urls=simulator.addresses()[:1])
    simulator.answer(Answer(status, b"<html>"))
    report = service.send_notification(alert())

    assert report.is_complete
    assert [REPEATED in message.text for message in simulator.received()] == [marked]
