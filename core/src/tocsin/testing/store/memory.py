"""What is kept: records as they were written, receipts for the next alert, and what a new process finds."""

# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from tocsin.errors import ContentLost
from tocsin.plan import Plan
from tocsin.report import DeliveryState
from tocsin.store import Store
from tocsin.testing.clock import FakeClock
from tocsin.testing.store.rig import LEASE, StoreRig, alert, attempt, outcome, settle

__all__ = ["MemoryPromises"]


class MemoryPromises(StoreRig):
    """What was stored is read back as it was."""

    def test_a_record_says_everything(self, store: Store) -> None:
        one = alert(
            priority="HIGH", labels={"a": "b"}, data={"n": [1, 2.5, None], "ü": "€"}, dedup_key="k", status="resolved"
        )
        plan = Plan((("x",), ("y",)), fallback=("z",), unavailable={"w": "why"}, lifetime=9.5)
        made = self.put(store, one, ["x", "y", "z"], plan=plan)
        words = {"error_kind": "server", "error": "e", "hint": "h", "provider_code": "7"}
        tried = attempt("retry", **words, status_code=503, retry_after=1.5, wait=2.0)
        claimed = self.one(store)
        fields: dict[str, Any] = {
            "tries": 2,
            "plain": True,
            "error_kind": "server",
            "error": "e",
            "hint": "h",
            "due": store.now() + 9,
        }
        after = attrs.evolve(claimed, state=DeliveryState.RETRYING, attempts=(tried,), **fields)
        settle(store, after)
        record = store.record(one.alert_id)

        assert record is not None
        assert (record.alert, record.plan, record.stage, record.report, record.closed) == (one, plan, 0, None, None)
        assert record.deliveries == (attrs.evolve(after, lease=0.0), *made[1:])
        assert store.alert(one.alert_id) == one

    def test_damaged_content_is_told_from_a_store_in_trouble(
        self, store: Store, spoil: Callable[[str], None] | None
    ) -> None:
        if spoil is None:
            pytest.skip("nothing can damage what it keeps")
        lost, sound = alert(), alert()
        for one in (lost, sound):
            self.put(store, one)
        spoil(lost.alert_id)

        with pytest.raises(ContentLost, match=lost.alert_id):
            store.alert(lost.alert_id)
        assert store.alert(sound.alert_id) == sound
        record = store.record(lost.alert_id)
        assert record is not None
        assert (record.alert, len(record.deliveries)) == (None, 1)
        for claimed in store.claim("x", 5, LEASE).deliveries:
            assert settle(store, outcome(claimed, DeliveryState.FAILED)).report is not None

    def test_nothing_is_known_of_what_was_never_there(self, store: Store) -> None:
        assert (store.record("no"), store.alert("no"), store.report("no")) == (None, None, None)
        assert (store.recent(5), store.select(), store.due(), store.waiting()) == ([], [], [], 0)
        assert store.cancel("no", "why") == []

    def test_deliveries_are_selected_by_state_and_channel_newest_alert_first(self, store: Store) -> None:
        for name in ("1", "2"):
            self.put(store, alert(alert_id=name), ["x", "y"])
        settle(store, outcome(store.claim("y", 1, LEASE).deliveries[0]))

        assert [(one.alert_id, one.channel) for one in store.select(limit=3)] == [("2", "x"), ("2", "y"), ("1", "x")]
        assert [one.alert_id for one in store.select(channel="x")] == ["2", "1"]
        accepted = store.select(states=[DeliveryState.ACCEPTED])
        assert [(one.alert_id, one.channel) for one in accepted] == [("1", "y")]
        assert accepted[0].attempts == (attempt(),)

    def test_a_delivery_is_found_by_its_providers_id_and_amended(self, store: Store) -> None:
        one = alert()
        self.put(store, one)
        settled = settle(store, outcome(self.one(store)))
        assert settled.delivery.receipt is not None
        provider_id = settled.delivery.receipt.provider_id
        assert provider_id is not None
        found = store.find("x", provider_id)

        assert found == settled.delivery
        assert (store.find("y", provider_id), store.find("x", "other")) == (None, None)
        report = store.amend(attrs.evolve(found, state=DeliveryState.FAILED, error="bounced"))
        assert report is not None
        assert report == store.report(one.alert_id)
        assert report.failed_channels == 1
        assert [item.error for item in store.select()] == ["bounced"]

    def test_the_previous_receipt_is_of_another_alert_with_the_same_key(self, store: Store) -> None:
        first, second = alert(dedup_key="k", priority="HIGH", status="acknowledged"), alert(dedup_key="k")
        self.put(store, first)
        settled = settle(store, outcome(self.one(store)))
        earlier = store.previous(second, "x", "r")

        assert earlier is not None
        assert earlier.receipt == settled.delivery.receipt
        assert (earlier.rank, str(earlier.status)) == (1, "acknowledged")
        assert store.previous(first, "x", "r") is None
        assert store.previous(second, "x", "other") is None
        assert store.previous(alert(), "x", "r") is None
        assert store.previous(alert(dedup_key=first.alert_id), "x", "r") is None

    def test_the_last_receipt_counts(self, store: Store, clock: FakeClock) -> None:
        for name in ("1", "2"):
            self.put(store, alert(alert_id=name, dedup_key="k"))
            settle(store, outcome(self.one(store)))
            clock.advance(1)
        earlier = store.previous(alert(dedup_key="k"), "x", "r")

        assert earlier is not None
        assert earlier.receipt.provider_id == "id-2-x-r"

    def test_the_reports_of_many_alerts_are_one_question(self, store: Store) -> None:
        for name in ("1", "2", "3'\"", "4"):
            self.put(store, alert(alert_id=name))
            if name != "2":
                settle(store, outcome(self.one(store)))
            else:
                self.one(store)
        asked = ["3'\"", "unknown", "2", "1", "1"]
        reports = store.reports([*asked, *(f"none-{n}" for n in range(5_000))])

        assert {report.alert_id: report for report in reports} == {name: store.report(name) for name in ("1", "3'\"")}
        assert store.reports([]) == []

    def test_recent_reports_are_the_newest_first(self, store: Store, clock: FakeClock) -> None:
        for name in ("1", "2", "3"):
            self.put(store, alert(alert_id=name))
            settle(store, outcome(self.one(store)))
            clock.advance(1)

        assert [report.alert_id for report in store.recent(2)] == ["3", "2"]
        assert store.recent(0) == []

    def test_a_channels_state_is_kept(self, store: Store) -> None:
        assert store.load_channel("x") is None
        store.save_channel("x", {"paused": {"r": "gone"}})
        store.save_channel("x", {"paused": {}, "n": 1.5})

        assert store.load_channel("x") == {"paused": {}, "n": 1.5}

    def test_time_does_not_run_back_and_follows_the_clock(self, store: Store, clock: FakeClock) -> None:
        before = store.now()
        clock.advance(5)

        assert store.now() == pytest.approx(before + 5)

    def test_another_store_on_the_same_place_goes_on(
        self, store: Store, make_store: Callable[..., Store], clock: FakeClock
    ) -> None:
        if not store.shared:
            pytest.skip("keeps nothing beyond its own life")
        one = alert()
        self.put(store, one, ["x", "y"], key="k")
        settle(store, outcome(self.one(store)))
        other = make_store(max_waiting=5)
        other.open(clock, lambda: None)
        due, record, waiting = other.due(), other.record(one.alert_id), other.waiting()
        known = other.add(one, Plan((("x",),)), [], key="k").known
        settled = settle(other, outcome(self.one(other, "y")))
        apart = abs(other.now() - store.now())
        other.close()

        assert (due, waiting, known) == (["y"], 1, True)
        assert record is not None
        assert [str(item.state) for item in record.deliveries] == ["accepted", "pending"]
        assert settled.report == store.report(one.alert_id)
        assert apart < 1.0
