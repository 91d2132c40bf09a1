"""Who waits for an alert is told of its end once, whether the store's word comes first or this process's own."""

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


class Store:
    """Finished alerts, and what was asked after."""

    def __init__(self, *finished):
        self.finished, self.asked = finished, []

    def reports(self, alert_ids):
        self.asked.append(list(alert_ids))
        return [DeliveryReport.of(name, {}) for name in alert_ids if name in self.finished]


def looking(store, names, heard):
    unused = dict.fromkeys(("held", "judge", "awoken", "finished"))
    return Sweep(store, awaited=lambda: names, heard=heard.append, **unused)


def test_a_look_asks_after_all_awaited_alerts_at_once():
    store, heard = Store("a-3", "a-7"), []
    names = [f"a-{number}" for number in range(9)]
    looking(store, names, heard)._hear()

    assert store.asked == [names]
    assert [report.alert_id for report in heard] == ["a-3", "a-7"]


def test_a_look_at_very_many_awaited_alerts_goes_on_with_the_next(monkeypatch):
    monkeypatch.setattr(sweep, "_ASKED", 2)
    store = Store()
    names = [f"a-{number}" for number in range(5)]
    one = looking(store, names, [])
    for _ in range(4):
        one._hear()

    assert store.asked == [["a-0", "a-1"], ["a-2", "a-3"], ["a-4"], ["a-0", "a-1"]]


def test_where_nobody_waits_nothing_is_asked():
    store = Store()
    looking(store, [], [])._hear()

    assert store.asked == []
