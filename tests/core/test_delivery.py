"""What delivery promises: retries, waits, bounds, order, fallback. Time is the fake clock's."""

import asyncio
import itertools
import threading

import attrs
import pytest

from tocsin import (
    Alert,
    AuthError,
    Capabilities,
    ConnectionFailed,
    DeliveryTimeout,
    InvalidRecipient,
    Outcome,
    PayloadError,
    QueueFull,
    RateLimited,
    Receipt,
    Recipient,
    Scope,
    ServerError,
    ServiceClosed,
    hookimpl,
)
from tocsin.dispatch.unit import delivery_key


@attrs.define(eq=False)
class Scripted:
    """A channel whose recipients meet what a script says: an exception, a receipt, or a callable taking the context."""

    script: dict
    names: tuple = ("a",)
    capabilities: Capabilities = attrs.field(factory=Capabilities)
    calls: list = attrs.field(factory=list)
    lock: object = attrs.field(factory=threading.Lock)

    @property
    def recipients(self):
        return tuple(Recipient.of(name, label=name) for name in self.names)

    @hookimpl
    def send(self, alert, recipient, context):
        with self.lock:
            self.calls.append((recipient.label, context))
            steps = self.script.get(recipient.label, [])
            step = steps.pop(0) if steps else Receipt()
        if callable(step):
            step = step(context)
        if isinstance(step, BaseException):
            raise step
        return step

    def count(self, name="a"):
        return sum(label == name for label, _ in self.calls)


def result(report, channel="x", index=0):
    return report.results[channel].recipients[index]


def test_a_failing_recipient_does_not_repeat_the_good_ones(make_service, alert):
    channel = Scripted({"b": [ServerError("down")] * 9}, ("a", "b", "c"))
    report = make_service({"x": channel}, max_retries=2).send_notification(alert)

    assert [channel.count(name) for name in "abc"] == [1, 3, 1]
    assert [one.state for one in report.results["x"].recipients] == ["accepted", "failed", "accepted"]
    assert (report.is_successful, report.results["x"].success) == (False, False)
    assert report.results["x"].error == "b: down"


def test_refused_credentials_are_tried_once(make_service, alert):
    channel = Scripted({"a": [AuthError("no")] * 9})
    report = make_service({"x": channel}).send_notification(alert)

    assert channel.count() == 1
    assert result(report).error_kind == "auth"


@pytest.mark.parametrize("asked", [3, 0.5, 120])
def test_a_retry_never_comes_before_the_wait_the_provider_asked_for(make_service, alert, clock, asked):
    at = []
    limited = lambda context: at.append(clock.monotonic()) or RateLimited("slow down", retry_after=asked)  # noqa: E731 -- a script line
    channel = Scripted({"a": [limited, limited, lambda context: at.append(clock.monotonic()) or Receipt()]})
    report = make_service({"x": channel}, retry_delay=0).send_notification(alert)

    assert report.is_complete
    assert all(later - earlier >= asked for earlier, later in itertools.pairwise(at))
    assert [attempt.retry_after for attempt in result(report).attempts] == [asked, asked, None]


def test_a_wait_holds_back_only_its_own_recipient(make_service, alert, clock):
    at = {}
    arrived = lambda name: lambda context: at.setdefault(name, clock.monotonic()) * 0 or Receipt()  # noqa: E731 -- a script line
    channel = Scripted({"a": [RateLimited("wait", retry_after=30), arrived("a")], "b": [arrived("b")]}, ("a", "b"))
    make_service({"x": channel}, retry_delay=0).send_notification(alert)

    assert at["b"] < 1
    assert at["a"] >= 30


def test_a_refusal_says_whether_the_receiver_asked_for_the_wait_or_the_rate_does(make_service, clock):
    down = ServerError("busy", retry_after=30, scope=Scope.CHANNEL)
    held = Scripted({"a": [down, Receipt(), Receipt()]})
    rated = Scripted({"a": [Receipt()] * 9}, capabilities=Capabilities(rate_limit=0.01))
    service = make_service({"held": held, "rated": rated}, retry_delay=0, max_retries=0, deadline=20)
    first, second = (service.send_notification(Alert(title=title, message="")) for title in ("first", "second"))

    assert "busy" in result(first, "held").error
    assert "waiting as long as the receiver asked" in result(second, "held").error
    assert "waiting for the provider's rate limit" in result(second, "rated").error


def test_a_channel_wide_wait_holds_back_every_recipient(make_service, clock):
    at = {}
    arrived = lambda name: lambda context: at.setdefault(name, clock.monotonic()) * 0 or Receipt()  # noqa: E731 -- a script line
    channel = Scripted(
        {"a": [RateLimited("wait", retry_after=30, scope=Scope.CHANNEL)], "b": [arrived("b")]}, ("a", "b")
    )
    service = make_service({"x": channel}, retry_delay=0, workers=1)
    service.send_notification(Alert(title="first", message=""))

    assert at["b"] >= 30


def test_an_unlimited_retry_after_is_capped_and_ends_at_the_deadline(make_service, alert, clock):
    channel = Scripted({"a": [RateLimited("wait", retry_after=10**9)]})
    report = make_service({"x": channel}, deadline=60).send_notification(alert)

    assert (channel.count(), clock.monotonic()) == (1, 0)
    assert (result(report).state, result(report).error_kind) == ("expired", "expired")
    assert "wait" in result(report).error
    assert result(report).attempts[0].retry_after == 3600


def test_retries_end_after_max_retries(make_service, alert):
    channel = Scripted({"a": [ServerError("down")] * 99})
    report = make_service({"x": channel}, max_retries=2, retry_delay=0.01).send_notification(alert)

    assert channel.count() == 3
    assert result(report).state == "failed"


def test_constant_backoff_waits_the_same_each_time(make_service, alert, clock):
    channel = Scripted({"a": [ServerError("down")] * 3})
    report = make_service({"x": channel}, retry_delay=7, backoff="constant").send_notification(alert)

    assert [attempt.wait for attempt in result(report).attempts] == [7, 7, 7, None]
    assert clock.monotonic() == pytest.approx(21)


def test_every_attempt_carries_the_same_key_and_recipients_differ(make_service, alert):
    channel = Scripted({"a": [ServerError("down"), DeliveryTimeout("cut")]}, ("a", "b"))
    make_service({"x": channel}, retry_delay=0.01).send_notification(alert)

    keys = {name: {context.key for label, context in channel.calls if label == name} for name in "ab"}
    assert [len(keys[name]) for name in "ab"] == [1, 1]
    assert keys["a"] != keys["b"]


def test_an_unknown_outcome_is_retried_and_the_copy_is_marked(make_service, alert):
    channel = Scripted({"a": [DeliveryTimeout("cut")]})
    report = make_service({"x": channel}, retry_delay=0.01).send_notification(alert)

    assert [context.repeated for _, context in channel.calls] == [False, True]
    assert [attempt.outcome for attempt in result(report).attempts] == [Outcome.UNKNOWN, Outcome.ACCEPTED]


def test_on_unknown_fail_leaves_the_outcome_unknown(make_service, alert):
    channel = Scripted({"a": [ConnectionFailed("cut", outcome=Outcome.UNKNOWN)]})
    report = make_service({"x": channel}, on_unknown="fail").send_notification(alert)

    assert channel.count() == 1
    assert result(report).state == "unknown"
    assert report.failed_channels == 1


def test_a_refused_payload_is_sent_once_more_in_its_simpler_form(make_service, alert):
    channel = Scripted({"a": [PayloadError("bad markup")]}, capabilities=Capabilities(plain=True))
    report = make_service({"x": channel}, max_retries=0).send_notification(alert)

    assert [context.plain for _, context in channel.calls] == [False, True]
    assert report.is_complete


def test_a_payload_refused_twice_fails(make_service, alert):
    channel = Scripted({"a": [PayloadError("bad")] * 9}, capabilities=Capabilities(plain=True))
    report = make_service({"x": channel}).send_notification(alert)

    assert channel.count() == 2
    assert result(report).error_kind == "payload"


def test_a_payload_without_a_simpler_form_is_refused_at_once(make_service, alert):
    channel = Scripted({"a": [PayloadError("bad")] * 9})
    make_service({"x": channel}).send_notification(alert)

    assert channel.count() == 1


def test_a_recipient_that_is_gone_is_paused_until_the_channel_is_enabled_again(make_service):
    channel = Scripted({"a": [InvalidRecipient("opted out")]}, ("a", "b"))
    service = make_service({"x": channel})
    for _ in range(3):
        report = service.send_notification(Alert(title="t", message=""))

    assert [channel.count(name) for name in "ab"] == [1, 3]
    assert result(report).error == "not tried, the recipient is paused: opted out"
    assert result(report).attempts == ()
    states = service.get_channel_health()["x"]["circuit"]["recipients"].values()
    assert [state["state"] for state in states] == ["paused"]

    service.enable_channel("x")
    assert service.send_notification(Alert(title="t", message="")).is_complete


def test_refused_credentials_open_the_circuit_at_once_and_health_says_auth(make_service, clock):
    channel = Scripted({"a": [AuthError("revoked")] * 9}, ("a", "b"))
    service = make_service({"x": channel}, workers=1)
    report = service.send_notification(Alert(title="t", message=""))
    again = service.send_notification(Alert(title="t", message=""))

    assert len(channel.calls) == 1
    assert [one.error_kind for one in report.results["x"].recipients] == ["auth", "auth"]
    assert clock.monotonic() == 0
    assert not again.is_successful
    assert service.get_channel_health()["x"]["circuit"]["cause"] == "auth"
    clock.advance(6)
    channel.script.clear()
    assert service.send_notification(Alert(title="t", message="")).is_complete


def test_credentials_in_a_url_concern_that_recipient_alone(make_service):
    channel = Scripted({"a": [AuthError("revoked", scope=Scope.RECIPIENT)]}, ("a", "b"))
    service = make_service({"x": channel})
    service.send_notification(Alert(title="t", message=""))
    service.send_notification(Alert(title="t", message=""))

    assert [channel.count(name) for name in "ab"] == [1, 2]


def test_repeated_server_errors_open_the_circuit_and_a_probe_closes_it(make_service, clock):
    channel = Scripted({"a": [ServerError("down")] * 5})
    service = make_service({"x": channel}, max_retries=0)
    for _ in range(5):
        service.send_notification(Alert(title="t", message=""))
    assert service.get_channel_health()["x"]["circuit"]["state"] == "open"

    report = service.send_notification(Alert(title="t", message=""))

    assert report.is_complete
    assert clock.monotonic() == pytest.approx(5)
    assert len(result(report).attempts) == 1
    assert service.get_channel_health()["x"]["circuit"]["state"] == "closed"


def test_a_failed_probe_uses_up_no_retry(make_service, clock):
    channel = Scripted({"a": [ServerError("down")] * 7})
    service = make_service({"x": channel}, max_retries=0)
    for _ in range(5):
        service.send_notification(Alert(title="t", message=""))

    report = service.send_notification(Alert(title="t", message=""))

    assert report.is_complete
    assert len(result(report).attempts) == 3
    assert clock.monotonic() == pytest.approx(5 + 10 + 20, abs=1)


def test_a_rate_limit_spaces_the_messages_to_one_recipient(make_service, clock):
    at = {"a": [], "b": []}
    channel = Scripted({}, ("a", "b"), Capabilities(rate_limit=2.0))
    service = make_service({"x": channel})
    channel.script = {n: [lambda c, n=n: at[n].append(clock.monotonic()) or Receipt() for _ in range(4)] for n in "ab"}
    handles = [service.enqueue(Alert(title=str(n), message="")) for n in range(4)]

    assert all(handle.result(10).is_complete for handle in handles)
    for times in at.values():
        assert [round(later - earlier, 3) >= 0.5 for earlier, later in itertools.pairwise(times)] == [True] * 3
        assert times[-1] <= 2.0


def test_urgent_alerts_go_first_when_they_wait(make_service):
    begun, gate = threading.Event(), threading.Event()
    channel = Scripted({"a": [lambda context: begun.set() or (gate.wait(5) and Receipt())]})
    service = make_service({"x": channel}, workers=1)
    first = service.enqueue(Alert(title="first", message=""))
    assert begun.wait(5)
    handles = [service.enqueue(Alert(title=p, message="", priority=p)) for p in ("INFO", "LOW", "CRITICAL")]
    gate.set()
    [handle.result(5) for handle in [first, *handles]]

    keys = [context.key for _, context in channel.calls]
    recipient = channel.recipients[0].id
    assert keys[1:] == [delivery_key(handles[i].alert_id, "x", recipient) for i in (2, 1, 0)]


def test_a_slow_channel_does_not_slow_another(make_service):
    gate = threading.Event()
    slow = Scripted({"a": [lambda context: gate.wait(10) and Receipt()] * 50})
    service = make_service({"slow": slow, "quick": (quick := Scripted({}))})
    blocked = [service.enqueue(Alert(title="s", message="", channels=["slow"])) for _ in range(20)]

    for _ in range(20):
        assert service.enqueue(Alert(title="q", message="", channels=["quick"])).result(5).is_complete
    assert quick.count() == 20
    assert not any(handle.done() for handle in blocked)
    gate.set()
    assert all(handle.result(10).is_complete for handle in blocked)


@pytest.mark.parametrize("turn", range(10))
def test_alerts_sent_at_once_do_not_wait_for_each_other_while_a_worker_is_free(make_service, turn):
    together = threading.Barrier(4)
    service = make_service({"x": lambda alert: together.wait(5) and None}, workers=4)
    handles = [service.enqueue(Alert(title=f"alert {number}", message="")) for number in range(4)]

    assert all(handle.result(10).is_complete for handle in handles)


def test_a_waiting_retry_holds_no_worker(make_service, clock):
    channel = Scripted({"a": [RateLimited("wait", retry_after=100)]}, ("a", "b"))
    service = make_service({"x": channel}, workers=1, retry_delay=0)
    seen = []
    channel.script["b"] = [lambda context: seen.append(clock.monotonic()) or Receipt()] * 5
    service.send_notification(Alert(title="t", message=""))

    assert seen[0] < 1


def test_a_call_that_hangs_is_written_off_and_its_worker_replaced(make_service):
    gate = threading.Event()
    channel = Scripted({"a": [lambda context: gate.wait(20) and Receipt()]})
    service = make_service({"x": channel}, workers=1, timeout=0.1, max_retries=0)
    hung = service.enqueue(Alert(title="t", message=""))

    assert hung.result(5).results["x"].recipients[0].state == "unknown"
    assert service.enqueue(Alert(title="t", message="")).result(5).is_complete
    gate.set()


def test_a_fault_of_a_plugin_touches_no_other_channel(make_service, alert):
    service = make_service(
        {"x": Scripted({"a": [SystemExit(3)]}), "y": Scripted({"a": [KeyError("k")]}), "z": Scripted({})}
    )
    report = service.send_notification(alert)

    assert {name: one.success for name, one in report.results.items()} == {"x": False, "y": False, "z": True}
    assert [result(report, name).error_kind for name in "xy"] == ["plugin", "plugin"]
    assert "KeyError" in result(report, "y").error


def test_a_plugin_that_returns_nothing_has_failed(make_service, alert):
    channel = Scripted({"a": [lambda context: None]})

    assert "NoneType" in make_service({"x": channel}).send_notification(alert).results["x"].error


def test_sequential_delivery_begins_a_channel_after_the_one_before(make_service, alert, clock):
    order = []
    x = Scripted({"a": [ServerError("down"), lambda context: order.append("x") or Receipt()]})
    y = Scripted({"a": [lambda context: order.append("y") or Receipt()]})
    make_service({"x": x, "y": y}, parallel=False).send_notification(alert)

    assert order == ["x", "y"]


def test_fail_fast_cancels_what_has_not_begun(make_service, alert):
    x, y = Scripted({"a": [PayloadError("bad")]}), Scripted({})
    report = make_service({"x": x, "y": y}, parallel=False, fail_fast=True).send_notification(alert)

    assert y.count() == 0
    assert report.failed_channels == 2
    assert report.results["y"].error == "cancelled (fail-fast: x had failed)"


def test_without_fail_fast_the_next_channel_is_tried(make_service, alert):
    report = make_service(
        {"x": Scripted({"a": [PayloadError("bad")]}), "y": Scripted({})}, parallel=False
    ).send_notification(alert)

    assert report.is_successful
    assert not report.is_complete


FALLBACK = ({"channels": ["x"], "fallback": ["y", "z"]},)


def test_fallback_channels_are_tried_in_order_when_nobody_accepted(make_service, alert):
    x, y, z = Scripted({"a": [PayloadError("bad")]}), Scripted({"a": [PayloadError("bad")]}), Scripted({})
    report = make_service({"x": x, "y": y, "z": z}, routes=FALLBACK).send_notification(alert)

    assert {name: (one.success, one.fallback) for name, one in report.results.items()} == {
        "x": (False, False),
        "y": (False, True),
        "z": (True, True),
    }
    assert report.is_complete
    assert report.is_successful
    assert (report.total_channels, report.failed_channels) == (3, 2)


def test_no_fallback_where_one_recipient_accepted(make_service, alert):
    x, y = Scripted({"b": [PayloadError("bad")]}, ("a", "b")), Scripted({})
    report = make_service({"x": x, "y": y}, routes=FALLBACK).send_notification(alert)

    assert y.count() == 0
    assert list(report.results) == ["x"]


def test_an_unavailable_fallback_is_told(make_service, alert):
    report = make_service({"x": Scripted({"a": [PayloadError("bad")]})}, routes=FALLBACK).send_notification(alert)

    assert "no channel called 'y'" in report.results["y"].error


def test_an_unknown_channel_on_an_alert_is_a_failed_result(make_service):
    report = make_service({"slackers": Scripted({})}).send_notification(
        Alert(title="t", message="", channels=["slacker", "slackers"])
    )

    assert "did you mean 'slackers'" in report.results["slacker"].error
    assert report.is_successful
    assert not report.is_complete


def test_sending_an_alert_again_sends_only_what_failed(make_service, alert):
    channel = Scripted({"b": [PayloadError("bad")]}, ("a", "b"))
    service = make_service({"x": channel})
    first = service.send_notification(alert)
    second = service.send_notification(alert)

    assert (first.is_complete, second.is_complete) == (False, True)
    assert [channel.count(name) for name in "ab"] == [1, 2]
    assert len(service.get_recent_deliveries()) == 1


def test_an_alert_under_way_gives_the_same_handle(make_service, alert):
    gate = threading.Event()
    service = make_service({"x": Scripted({"a": [lambda context: gate.wait(5) and Receipt()]})})
    one, two = service.enqueue(alert), service.enqueue(alert)
    gate.set()

    assert one is two
    assert one.result(5).is_complete


def test_the_previous_receipt_of_the_same_dedup_key_is_passed_on(make_service):
    channel = Scripted({"a": [Receipt(provider_id="17")]})
    service = make_service({"x": channel})
    service.send_notification(Alert(title="t", message="", dedup_key="disk"))
    service.send_notification(Alert(title="t", message="", dedup_key="disk", status="resolved"))
    service.send_notification(Alert(title="t", message="", dedup_key="other"))

    assert [context.previous and context.previous.provider_id for _, context in channel.calls] == [None, "17", None]


def test_a_result_that_is_not_there_in_time_raises_and_the_delivery_goes_on(make_service, alert):
    gate = threading.Event()
    handle = make_service({"x": Scripted({"a": [lambda context: gate.wait(5) and Receipt()]})}).enqueue(alert)

    with pytest.raises(TimeoutError, match="goes on"):
        handle.result(0.01)
    gate.set()
    assert handle.result(5).is_complete


def test_close_finishes_what_is_on_its_way(make_service):
    service = make_service({"x": (channel := Scripted({}))})
    handles = [service.enqueue(Alert(title="t", message="")) for _ in range(50)]

    assert service.close(10)
    assert all(handle.result(0).is_complete for handle in handles)
    assert channel.count() == 50
    with pytest.raises(ServiceClosed):
        service.enqueue(Alert(title="t", message=""))


def test_close_cancels_what_is_left_and_every_handle_ends(make_service):
    gate = threading.Event()
    channel = Scripted({"a": [lambda context: gate.wait(5) and Receipt()] * 9})
    service = make_service({"x": channel}, workers=1, timeout=0.2, on_unknown="retry")
    handles = [service.enqueue(Alert(title="t", message="")) for _ in range(3)]

    assert not service.close(0.01)
    states = sorted(handle.result(5).results["x"].recipients[0].state for handle in handles)
    assert states == ["cancelled", "cancelled", "cancelled"]
    gate.set()


def test_a_full_queue_refuses_whole_alerts_with_a_wait(clock):
    from tocsin import MemoryStore, NotificationConfig, NotificationService

    gate = threading.Event()
    service = NotificationService(NotificationConfig(), store=MemoryStore(max_waiting=3), clock=clock)
    service.add_channel("x", Scripted({n: [lambda context: gate.wait(5) and Receipt()] for n in "ab"}, ("a", "b")))
    first = service.enqueue(Alert(title="t", message=""))

    with pytest.raises(QueueFull) as caught:
        service.enqueue(Alert(title="t", message=""))
    assert caught.value.retry_after > 0
    gate.set()
    assert first.result(5).is_complete
    assert service.enqueue(Alert(title="t", message="")).result(5).is_complete
    service.close(1)


def test_asyncio_waits_without_blocking_the_loop(make_service):
    service = make_service({"x": Scripted({})})

    async def main():
        return await asyncio.gather(*(service.asend_notification(Alert(title="t", message="")) for _ in range(10)))

    assert all(report.is_complete for report in asyncio.run(main()))


def test_many_threads_share_one_service(make_service):
    channel = Scripted({}, ("a", "b"))
    service = make_service({"x": channel})
    reports = []

    def work():
        for _ in range(20):
            reports.append(service.send_notification(Alert(title="t", message="")))

    threads = [threading.Thread(target=work) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert len(reports) == 160
    assert all(report.is_complete for report in reports)
    assert len(channel.calls) == 320


def test_no_thread_runs_before_the_first_alert(make_service):
    before = set(threading.enumerate())
    service = make_service({"x": Scripted({})})

    assert set(threading.enumerate()) <= before
    service.send_notification(Alert(title="t", message=""))
    assert {thread.name for thread in set(threading.enumerate()) - before} >= {"tocsin-x"}
