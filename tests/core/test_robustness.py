"""What must hold when the application, the host or a plugin does something that nobody should do."""

import os
import threading

import attrs
import pytest

from tocsin import (
    Alert,
    AlertManager,
    Capabilities,
    ContentLost,
    ContentSealed,
    Health,
    MemoryStore,
    NotificationConfig,
    NotificationService,
    PayloadError,
    QueueFull,
    RateLimited,
    Receipt,
    Recipient,
    Secret,
    ServerError,
    ServiceClosed,
    StoreError,
    UnknownAlert,
    hookimpl,
)
from tocsin.channel import RefusedPlugin
from tocsin.testing import FakeClock


@attrs.define(eq=False)
class Channel:
    behave: object
    names: tuple = ("a",)
    capabilities: Capabilities = attrs.field(factory=Capabilities)
    token: Secret = attrs.field(factory=lambda: Secret("c4n4ry-token"))
    headers: dict = attrs.field(factory=lambda: {"X": Secret("c4n4ry-header")})

    @property
    def recipients(self):
        return tuple(Recipient.of(f"address-{name}", label=name) for name in self.names)

    @hookimpl
    def send(self, alert, recipient, context):
        return self.behave(alert, recipient, context)

    @hookimpl
    def health(self):
        return Health.failing("GET https://h/path c4n4ry-token", seen="c4n4ry-header")


def accept(alert, recipient, context):
    return Receipt()


def refuse(alert, recipient, context):
    raise PayloadError("no")


def an_alert(**fields):
    return Alert(**{"title": "t", "message": ""} | fields)


def test_an_alert_that_finds_no_room_for_its_fallback_is_refused_whole(clock):
    config = NotificationConfig.from_mapping({"routes": [{"channels": ["a"], "fallback": ["b"]}]})
    service = NotificationService(config, store=MemoryStore(max_waiting=1), clock=clock)
    service.add_channel("a", Channel(refuse))
    service.add_channel("b", Channel(accept, ("x", "y")))
    with pytest.raises(QueueFull):
        service.enqueue(an_alert())

    assert service.get_recent_deliveries() == []
    service.close(1)


@pytest.mark.parametrize("field", ["outcome", "scope", "status_code"])
def test_an_error_with_nonsense_in_it_is_a_fault_of_the_plugin(make_service, field):
    def behave(alert, recipient, context):
        raise ServerError("x", **{field: "later"})

    report = make_service({"x": Channel(behave)}, max_retries=0).enqueue(an_alert()).result(5)

    assert report.results["x"].recipients[0].state == "failed"


def test_a_receipt_with_nonsense_in_it_is_a_fault_of_the_plugin(make_service):
    report = make_service({"x": Channel(lambda *_: Receipt(details={"o": object()}))}).send_notification(an_alert())

    assert report.results["x"].recipients[0].error_kind == "plugin"


def test_a_slow_observer_or_one_that_exits_holds_up_nothing(make_service):
    gate, told = threading.Event(), []

    def slow(report):
        gate.wait(10)
        raise SystemExit

    service = make_service({"x": Channel(accept)}, observers=[slow, told.append], workers=1)
    for _ in range(5):
        assert service.enqueue(an_alert()).result(5).is_complete
    gate.set()
    assert service.close(5)
    assert len(told) == 5


def test_an_observer_may_send_alerts_itself(make_service):
    answers, answered = [], threading.Event()

    def observer(report):
        if not answers:
            answers.append(None)
            answers.append(service.send_notification(an_alert(title="from the observer")))
            answered.set()

    service = make_service({"x": Channel(accept)}, observers=[observer], workers=1)
    service.send_notification(an_alert())
    assert answered.wait(5)
    assert answers[1].is_complete


def test_a_filter_of_the_host_that_raises_stops_no_delivery(make_service, caplog):
    class Bad:
        def filter(self, record):
            raise RuntimeError

    bad = Bad()
    with caplog.at_level("DEBUG", "tocsin"), caplog.filtering(bad):
        assert make_service({"x": Channel(accept)}).enqueue(an_alert()).result(5).is_complete


def test_a_channel_that_replaces_another_gets_the_alerts(make_service):
    got = []
    service = make_service({"x": lambda alert: got.append("old")})
    service.send_notification(an_alert())
    service.disable_channel("x")
    service.add_channel("x", lambda alert: got.append("new"))
    service.send_notification(an_alert())

    assert got == ["old", "new"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_delivers_with_workers_of_its_own():
    service = NotificationService(NotificationConfig())
    service.add_channel("x", lambda alert: None)
    service.send_notification(an_alert())
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, b"1" if service.enqueue(an_alert()).result(5).is_complete else b"0")
        finally:
            os._exit(0)
    os.close(writer)
    assert os.waitpid(child, 0)[1] == 0
    assert os.read(reader, 1) == b"1"
    os.close(reader)
    assert service.send_notification(an_alert()).is_complete
    service.close(1)


def test_an_expired_crowd_does_not_keep_the_next_alert_waiting(make_service, clock):
    service = make_service({"x": Channel(accept, capabilities=Capabilities(rate_limit=10.0))}, deadline=2)
    crowd = [service.enqueue(an_alert(priority="LOW")) for _ in range(200)]
    urgent = service.enqueue(an_alert(priority="CRITICAL"))

    assert urgent.result(10).is_complete
    assert 10 <= sum(handle.result(10).is_complete for handle in crowd) <= 40
    clock.advance(3)
    assert service.enqueue(an_alert(priority="LOW")).result(10).is_complete


def test_retries_of_an_outage_do_not_fail_a_later_alert(make_service, clock):
    down = [True]

    def behave(alert, recipient, context):
        if down and (down[0] or down.pop()):
            raise RateLimited("busy")
        return Receipt()

    service = make_service({"x": Channel(behave)}, deadline=5, retry_delay=0.01, backoff="constant", max_retries=99)
    crowd = [service.enqueue(an_alert()) for _ in range(100)]
    for handle in crowd:
        handle.result(30)
    clock.advance(1)
    down[:] = [False]
    down.insert(0, True)
    handle = service.enqueue(an_alert())
    down.clear()

    assert handle.result(10).is_complete


def test_an_async_handler_is_refused(make_service):
    async def handler(alert):
        raise AssertionError

    with pytest.raises(RefusedPlugin, match="async"):
        make_service({"x": handler})
    report = make_service({"x": lambda alert: handler(alert)}).send_notification(an_alert())
    assert "nobody awaits it" in report.results["x"].error


def test_an_earlier_retry_is_not_late_behind_a_later_one(make_service, clock):
    at, steps = [], {"late": [RateLimited("x", retry_after=60)], "early": [RateLimited("x", retry_after=1)]}

    def behave(alert, recipient, context):
        if steps[recipient.label]:
            raise steps[recipient.label].pop()
        at.append((recipient.label, round(clock.monotonic())))
        return Receipt()

    service = make_service({"x": Channel(behave, ("late", "early"))}, retry_delay=0)
    service.send_notification(an_alert())

    assert at == [("early", 1), ("late", 60)]


def test_secrets_in_receipts_health_and_mappings_are_masked(make_service):
    answer = Receipt(provider_id="id c4n4ry-token", details={"u": ["c4n4ry-header", "address-a"]})
    service = make_service({"x": Channel(lambda *_: answer)})
    shown = str(service.send_notification(an_alert()).to_dict()) + str(service.get_channel_health(probe=True))

    assert "c4n4ry" not in shown
    assert "address-a" not in shown
    assert "https" not in str(service.get_channel_health(probe=True)["x"]["probe"])


def test_a_suppressed_alert_is_remembered_as_far_as_it_was_redacted(clock):
    from tocsin import Suppressed, redact

    def quiet(alert):
        raise Suppressed("quiet hours")

    store = MemoryStore()
    processors = [redact(patterns=["c4n4ry"]), quiet]
    service = NotificationService(NotificationConfig(), processors=processors, store=store, clock=clock)
    report = service.send_notification(an_alert(message="c4n4ry"))

    assert store.alert(report.alert_id).message == "[redacted]"


def test_a_closed_service_says_so(make_service):
    service = make_service({"x": Channel(accept)})
    service.close(1)

    for call in (lambda: service.enqueue(an_alert()), lambda: service.test_channel("x")):
        with pytest.raises(ServiceClosed):
            call()


def test_channels_may_be_added_while_others_look(make_service):
    service = make_service({"x": Channel(accept)})
    failures, stop = [], threading.Event()

    def look():
        while not stop.is_set():
            try:
                list(service.channels)
                service.get_channel_health()
            except RuntimeError as error:
                failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(3)]
    [thread.start() for thread in threads]
    for number in range(200):
        service.add_channel(f"c{number}", accept)
    stop.set()
    [thread.join() for thread in threads]

    assert failures == []


def test_what_was_sent_before_is_counted_once(make_service):
    manager = AlertManager(service=make_service({"x": Channel(accept)}))
    alert = manager.create_alert(title="t", message="m")
    manager.trigger_alert(alert)
    manager.trigger_alert(alert)
    statistics = manager.get_statistics()

    assert statistics["sent_today"] == 1
    assert statistics["notification_service"]["total_alerts"] == 1
    assert statistics["notification_service"]["successful_deliveries"] == 1


def test_a_resolution_finds_the_message_it_ends_and_any_id_will_do(make_service):
    previous = []

    def behave(alert, recipient, context):
        previous.append(context.previous and context.previous.provider_id)
        return Receipt(provider_id="17")

    manager = AlertManager(service=make_service({"x": Channel(behave)}))
    alert = manager.create_alert(title="t", message="m", alert_id="x" * 256)
    manager.trigger_alert(alert)
    manager.resolve_alert(alert)

    assert previous == [None, "17"]
    with pytest.raises(UnknownAlert, match="no alert with the id 'nobody'"):
        manager.resolve_alert("nobody")


def test_a_slow_stage_uses_up_the_alert_s_time(make_service, clock):
    def slow(alert, recipient, context):
        raise RateLimited("x", retry_after=50)

    service = make_service({"x": Channel(slow), "y": Channel(slow)}, parallel=False, deadline=60, retry_delay=0)
    service.send_notification(an_alert())

    assert clock.monotonic() <= 60


@pytest.mark.parametrize(
    "mapping",
    [
        {1: {}},
        {"delivery": {1: 2}},
        {"channels": {"console": {1: 2}}},
        {"routes": [{"channels": ["a"], "match": {1: 2}}]},
    ],
)
def test_keys_that_are_no_strings_are_problems_like_others(mapping):
    config = NotificationConfig.from_mapping(mapping, lenient=True)
    service = NotificationService(config)

    assert config.problems or service.registry.entries["console"].state == "misconfigured"


@pytest.mark.parametrize("text", ["tool = 3\n", "[tool]\ntocsin = 3\n"])
def test_a_pyproject_of_another_shape_is_no_crash(tmp_path, text):
    from tocsin import ConfigError

    path = tmp_path / "pyproject.toml"
    path.write_text(text)
    try:
        NotificationConfig.from_file(path, {})
    except ConfigError as error:
        assert "must be a table" in str(error)  # noqa: PT017 -- both ways are right, by the text


def test_the_name_of_a_built_in_channel_is_no_secret(make_service):
    service = NotificationService(NotificationConfig.from_mapping({"channels": {"file": {"path": "/nonexistent/x"}}}))
    error = service.test_channel("file").error

    assert "the file cannot be written: No such file or directory" in error


def test_an_alert_that_cannot_be_read_now_is_sent_later():
    class Stumbling(MemoryStore):
        left = 2

        def alert(self, alert_id):
            if self.left:
                self.left -= 1
                raise StoreError("the store cannot be read")
            return super().alert(alert_id)

    clock = FakeClock()
    config = NotificationConfig.from_mapping({"delivery": {"max_retries": 0, "fail_fast": True}})
    with NotificationService(config, clock=clock, store=Stumbling()) as service:
        service.add_channel("a", Channel(accept))
        report = service.send_notification(an_alert())
    (one,) = report.results["a"].recipients
    assert one.state == "accepted"
    assert len(one.attempts) == 1


READ_BACK = NotificationConfig.from_mapping({"delivery": {"fail_fast": True}})
"""With it no delivery is claimed as it is added, so that its alert is read from the store."""


def test_an_alert_that_is_lost_for_good_fails_at_once_and_says_so():
    class Damaged(MemoryStore):
        asked = 0

        def alert(self, alert_id):
            self.asked += 1
            raise ContentLost("the content is damaged")

    clock, store, got = FakeClock(), Damaged(), []
    with NotificationService(READ_BACK, clock=clock, store=store) as service:
        service.add_channel("a", got.append)
        report = service.send_notification(an_alert())
    (one,) = report.results["a"].recipients

    assert (str(one.state), str(one.error_kind), one.error) == ("failed", "store", "the content is damaged")
    assert "tocsin store check" in one.hint
    assert (one.attempts, got, store.asked) == ((), [], 1)


def test_an_alert_that_needs_another_key_waits_for_a_worker_that_has_it():
    class Sealed(MemoryStore):
        def __init__(self):
            super().__init__()
            self.asked = []

        def alert(self, alert_id):
            self.asked.append(clock.monotonic())
            if len(self.asked) < 3:
                raise ContentSealed("the content was encrypted with another key")
            return super().alert(alert_id)

    clock, store, got = FakeClock(), Sealed(), []
    with NotificationService(READ_BACK, clock=clock, store=store) as service:
        service.add_channel("a", got.append)
        report = service.send_notification(an_alert())

    assert report.is_complete
    assert len(got) == 1
    assert [late - early >= 60 for early, late in zip(store.asked, store.asked[1:], strict=False)] == [True, True]
