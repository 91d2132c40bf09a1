"""Who waits for an alert is told of its end once, whether the store's word comes first or this process's own."""

import itertools

import pytest

from tocsin import DeliveryReport
from tocsin.dispatch import sweep
from tocsin.dispatch.awaited import Waiting
from tocsin.dispatch.sweep import Sweep


@pytest.fixture
def waiting():
    waiting = Waiting()
    waiting.expect("a-1")
    return waiting


@pytest.fixture
def report():
    return DeliveryReport.of("a-1", {})


def test_what_the_store_has_told_is_no_news_when_it_ends_here(waiting, report):
    assert waiting.hear(report) is not None
    assert waiting.finish(DeliveryReport.from_json(report.to_json())) == (None, False)


def test_what_has_ended_here_is_no_news_from_the_store(waiting, report):
    awaited, is_news = waiting.finish(report)

    assert awaited is not None
    assert is_news
    assert waiting.hear(report) is None


def test_an_alert_that_ends_once_more_is_news(waiting, report):
    waiting.hear(report)
    waiting.finish(report)

    assert waiting.finish(report) == (None, True)


def test_what_nobody_awaits_here_is_news_when_it_ends_here(report):
    assert Waiting().finish(report) == (None, True)


def test_a_look_at_many_awaited_alerts_takes_a_moment_and_goes_on_with_the_next(monkeypatch):
    class Store:
        def __init__(self):
            self.asked = []

        def report(self, alert_id):
            self.asked.append(alert_id)

    ticks = itertools.count()
    monkeypatch.setattr(sweep.time, "monotonic", lambda: next(ticks) * 0.02)
    store = Store()
    names = [f"a-{number}" for number in range(5)]
    unused = dict.fromkeys(("held", "judge", "awoken", "finished", "heard"))
    one = Sweep(store, awaited=lambda: names, **unused)
    one._hear()
    assert store.asked == names[:2]
    one._hear()
    one._hear()

    assert store.asked == names
