"""What a person asks of the store."""

import sqlite3

import pytest

from tocsin import StoreError
from tocsin.clock import SystemClock
from tocsin.plan import Plan
from tocsin.report import DeliveryState
from tocsin.store import Upkeep
from tocsin.testing import FakeClock
from tocsin.testing.store.rig import LEASE, alert, delivery, outcome, settle
from tocsin_sql import SqlStore, changes, pruning
from tocsin_sql.ledger import Ledger

DAY = 86_400


@pytest.fixture
def clock():
    return FakeClock()


def put(store, channel="x", **how):
    one = alert(**how)
    store.add(one, Plan(((channel,),), lifetime=1e9), [delivery(one, store, channel, expires=store.now() + 1e9)])
    return one


def finish(store, channel="x"):
    (claimed,) = store.claim(channel, 1, LEASE).deliveries
    return settle(store, outcome(claimed))


def test_it_is_what_the_command_line_asks_for(make_store):
    assert isinstance(make_store(), Upkeep)


def test_content_goes_after_the_retention_time_and_the_record_later(open_store, clock):
    store = open_store(clock, retention=30, history=365)
    old, waiting = put(store, dedup_key="k"), put(store, "y")
    finish(store)
    clock.advance(29 * DAY)
    too_early = store.prune()
    clock.advance(2 * DAY)
    pruned = store.prune()

    assert too_early == {"contents": 0, "records": 0}
    assert pruned == {"contents": 1, "records": 0}
    assert store.alert(old.alert_id) is None
    assert store.record(old.alert_id).alert is None
    assert store.report(old.alert_id).is_complete
    assert store.previous(alert(dedup_key="k"), "x", "r") is not None
    assert store.alert(waiting.alert_id) == waiting
    clock.advance(335 * DAY)
    assert store.prune() == {"contents": 0, "records": 1}
    assert store.record(old.alert_id) is None
    assert [one.alert_id for one in store.select()] == [waiting.alert_id]


def test_nothing_is_left_of_a_record_that_went(open_store, clock, path):
    store = open_store(clock, history=1)
    put(store)
    finish(store)
    clock.advance(2 * DAY)
    store.prune()
    connection = sqlite3.connect(path)
    left = {
        name: connection.execute(f"SELECT count(*) FROM tocsin_{name}").fetchone()[0]
        for name in ("alerts", "contents", "deliveries", "attempts")
    }
    connection.close()

    assert left == {"alerts": 0, "contents": 0, "deliveries": 0, "attempts": 0}


def test_the_store_prunes_by_itself(open_store, clock, monkeypatch):
    store = open_store(clock, retention=1)
    one = put(store)
    finish(store)
    clock.advance(2 * DAY)
    store.due()
    before = store.alert(one.alert_id)
    monkeypatch.setattr(store._pruner, "_next_at", 0.0)
    store.due()

    assert (before, store.alert(one.alert_id)) == (one, None)


def test_each_look_prunes_a_portion_until_nothing_old_is_left(open_store, clock, monkeypatch):
    monkeypatch.setattr(pruning, "_SPELL", 0.0)
    monkeypatch.setattr(pruning, "_STEP", 4)
    store = open_store(clock, retention=1, history=3)
    for _ in range(10):
        put(store)
        finish(store)
    kept = put(store, "y")
    clock.advance(2 * DAY)
    monkeypatch.setattr(store._pruner, "_next_at", 0.0)

    def left(what):
        store.due()
        return store.stats()[what]

    assert [left("contents") for _ in range(4)] == [7, 3, 1, 1]
    clock.advance(2 * DAY)
    monkeypatch.setattr(store._pruner, "_next_at", 0.0)
    assert [left("alerts") for _ in range(4)] == [7, 3, 1, 1]
    assert store.alert(kept.alert_id) == kept


def test_an_alert_that_starts_anew_while_its_content_is_looked_up_keeps_it(open_store, clock, monkeypatch):
    store = open_store(clock, retention=1)
    one = put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    settle(store, outcome(claimed, state=DeliveryState.FAILED))
    clock.advance(2 * DAY)
    remove = pruning._remove_contents

    def replayed_first(connection, *args):
        changes.replay(Ledger(connection, store.now(), clock.now(), store._seal, store._room), one.alert_id, None)
        return remove(connection, *args)

    monkeypatch.setattr(pruning, "_remove_contents", replayed_first)
    store.prune()

    assert store.alert(one.alert_id) == one
    assert store.waiting() == 1


def test_figures(open_store, path):
    store = open_store()
    put(store)
    put(store)
    finish(store)
    figures = store.stats()

    assert figures["deliveries"] == {"x": {"accepted": 1, "pending": 1}}
    assert (figures["alerts"], figures["contents"], figures["place"]) == (2, 2, str(path))
    assert figures["bytes"] > 0


def test_who_did_what_is_kept(open_store):
    store = open_store()
    store.audit("replay", "alert 1", "ada")
    store.audit("cancel", "alert 2", "bob")

    entries = store.audited()
    assert [(one["action"], one["subject"], one["actor"]) for one in entries] == [
        ("cancel", "alert 2", "bob"),
        ("replay", "alert 1", "ada"),
    ]


@pytest.mark.parametrize(
    ("version", "risky"),
    [
        ((3, 7, 0), True), ((3, 43, 2), True), ((3, 44, 5), True), ((3, 44, 6), False), ((3, 45, 0), True),
        ((3, 49, 2), True), ((3, 50, 6), True), ((3, 50, 7), False), ((3, 51, 0), True), ((3, 51, 2), True),
        ((3, 51, 3), False), ((3, 52, 0), False), ((3, 53, 0), False), ((4, 0, 0), False),
    ],
)  # fmt: skip
def test_the_known_hazard_of_an_old_sqlite_is_named_and_no_problem(open_store, monkeypatch, version, risky):
    store = open_store()
    put(store)
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)

    assert store.check() == []
    assert ["WAL-reset bug" in hazard for hazard in store.hazards()] == [True] * risky


def test_a_long_log_is_a_hazard(open_store, monkeypatch):
    monkeypatch.setattr("tocsin_sql.wal.Wal.size", lambda wal: 40 << 20)
    store = open_store(max_log=100)
    assert not any("write-ahead log" in hazard for hazard in store.hazards())
    store = open_store(max_log=64)

    assert any("the write-ahead log has 40.0 MiB of the 64" in hazard for hazard in store.hazards())
    assert store.check() == []


def test_a_check_of_what_is_not_there_says_so(make_store, tmp_path):
    store = make_store(url=f"sqlite:///{tmp_path}/none.db")

    assert ["cannot be opened" in problem for problem in store.check()] == [True]
    assert store.hazards() == []
    assert not (tmp_path / "none.db").exists()


def test_an_upgrade_says_what_it_did(make_store):
    store = make_store()

    assert "now of version 0001; it was empty" in store.upgrade()
    assert "of version 0001 already" in store.upgrade()


def test_salvaging_the_store_itself_or_nothing_is_refused(open_store, path, tmp_path):
    store = open_store()

    with pytest.raises(StoreError, match="is the store itself"):
        store.salvage(str(path))
    with pytest.raises(StoreError, match="there is no file"):
        store.salvage(str(tmp_path / "none"))


def test_a_salvage_brings_what_is_not_here(open_store, tmp_path):
    other = SqlStore(url=f"sqlite:///{tmp_path / 'other.db'}")
    other.open(SystemClock(), lambda: None)
    one, two = put(other), put(other)
    finish(other)
    other.save_channel("x", {"n": 1})
    other.close()
    store = open_store()
    counts = store.salvage(str(tmp_path / "other.db"))
    again = store.salvage(str(tmp_path / "other.db"))

    assert (counts["alerts"], counts["contents"], counts["deliveries"], counts["attempts"]) == (2, 2, 2, 1)
    assert again.get("alerts", 0) == again.get("deliveries", 0) == 0
    assert store.report(one.alert_id).is_complete
    assert store.load_channel("x") == {"n": 1}
    assert finish(store).report.alert_id == two.alert_id
