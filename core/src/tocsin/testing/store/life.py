"""The life of an alert: accepted whole, in stages, to a report, and anew."""

# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from tocsin.errors import QueueFull
from tocsin.plan import Plan
from tocsin.report import DeliveryReport, DeliveryState
from tocsin.store import Store
from tocsin.testing.clock import FakeClock
from tocsin.testing.store.rig import LEASE, StoreRig, alert, delivery, outcome, settle

__all__ = ["LifePromises"]

FAILED = DeliveryState.FAILED


class LifePromises(StoreRig):
    """An alert is stored whole, goes its way in the order of its plan, and ends with a report."""

    def test_the_bound_refuses_whole_alerts_and_keeps_a_tenth_for_critical_ones(
        self, make_store: Callable[..., Store], clock: FakeClock
    ) -> None:
        store = make_store(max_waiting=10)
        store.open(clock, lambda: None)
        self.put(store, alert(), [("x", str(n)) for n in range(8)])
        refused = alert()
        with pytest.raises(QueueFull, match="8 deliveries are waiting, the bound is 9"):
            self.put(store, refused, [("x", name) for name in "ab"])
        self.put(store, alert(priority="CRITICAL"), [("x", name) for name in "ab"])
        with pytest.raises(QueueFull, match="10 deliveries are waiting, the bound is 10"):
            self.put(store, alert(priority="CRITICAL"))
        seen = (store.record(refused.alert_id), store.waiting())
        store.close()

        assert seen == (None, 10)

    @pytest.mark.parametrize(("bound", "for_all"), [(1, 1), (2, 1), (5, 4), (19, 18), (20, 18)])
    def test_a_small_queue_keeps_a_place_for_a_critical_alert(
        self, make_store: Callable[..., Store], clock: FakeClock, bound: int, for_all: int
    ) -> None:
        store = make_store(max_waiting=bound)
        store.open(clock, lambda: None)
        self.put(store, alert(), [("x", str(n)) for n in range(for_all)])
        with pytest.raises(QueueFull, match="try again in 1 s"):
            self.put(store, alert())
        for _ in range(bound - for_all):
            self.put(store, alert(priority="CRITICAL"))
        seen = store.waiting()
        store.close()

        assert seen == bound

    def test_the_end_of_one_delivery_makes_room(self, store: Store) -> None:
        self.put(store, alert(), ["x", "y", "z", "w", "v"])
        settle(store, outcome(self.one(store, "x")))

        self.put(store, alert(), ["x"])

    def test_a_known_client_key_stores_nothing(self, store: Store) -> None:
        first, second = alert(), alert()
        self.put(store, first, key="order-7")
        added = store.add(second, Plan((("x",),)), [delivery(second, store)], key="order-7")

        assert (added.known, added.alert_id, added.report) == (True, first.alert_id, None)
        assert store.record(second.alert_id) is None
        settle(store, outcome(self.one(store)))
        again = store.add(second, Plan((("x",),)), [delivery(second, store)], key="order-7")
        assert again.report is not None
        assert again.report == store.report(first.alert_id)

    def test_the_last_end_brings_the_report(self, store: Store) -> None:
        one = alert()
        self.put(store, one, ["x", "y"])
        first = settle(store, outcome(self.one(store, "x")))
        second = settle(store, outcome(self.one(store, "y"), FAILED, error="no"))

        assert first.report is None
        assert second.report is not None
        assert store.report(one.alert_id) == second.report == store.recent(5)[0]
        assert (second.report.successful_channels, second.report.failed_channels) == (1, 1)

    def test_a_stage_begins_when_the_one_before_has_ended(self, store: Store) -> None:
        self.put(store, alert(), ["x", "y"], plan=Plan((("x",), ("y",))))
        before = store.claim("y", 5, LEASE)
        settled = settle(store, outcome(self.one(store, "x"), FAILED))

        assert (before.deliveries, before.next_due) == ((), None)
        assert settled.begun == ("y",)
        assert settle(store, outcome(self.one(store, "y"))).report is not None

    def test_a_fallback_begins_only_where_nobody_accepted(self, store: Store) -> None:
        plan = Plan((("x",),), fallback=("y",), lifetime=100.0)
        good, bad = alert(alert_id="good"), alert(alert_id="bad")
        self.put(store, good, ["x", "y"], plan=plan)
        settled = settle(store, outcome(self.one(store)))
        self.put(store, bad, ["x", "y"], plan=plan)
        failed = settle(store, outcome(self.one(store), FAILED))

        assert (settled.begun, failed.begun) == ((), ("y",))
        assert settled.report is not None
        states = {(one.alert_id, one.channel): one.state for one in store.select()}
        assert states["good", "y"] is DeliveryState.SUPPRESSED
        fallback = self.one(store, "y")
        assert fallback.expires == store.now() + 100.0

    def test_fail_fast_cancels_what_was_not_tried(self, store: Store) -> None:
        one = alert()
        self.put(store, one, ["x", "y"], plan=Plan((("x", "y"),), fail_fast=True))
        settled = settle(store, outcome(self.one(store), FAILED, error="no"))

        assert settled.report is not None
        assert store.claim("y", 5, LEASE).deliveries == ()
        assert {item.channel: str(item.state) for item in store.select()} == {"x": "failed", "y": "cancelled"}

    def test_an_alert_without_deliveries_is_reported_at_once(self, store: Store) -> None:
        one = alert()
        added = store.add(one, Plan((), unavailable={"x": "misconfigured"}), [])

        assert added.report is not None
        assert added.report.results["x"].error == "misconfigured"
        assert store.report(one.alert_id) == added.report

    def test_sending_again_repeats_only_what_did_not_arrive(self, store: Store) -> None:
        one = alert()
        self.put(store, one, ["x", "y"])
        settle(store, outcome(self.one(store, "x")))
        settle(store, outcome(self.one(store, "y"), FAILED))
        made = [delivery(one, store, name) for name in ("x", "y")]
        added = store.add(one, Plan((("x", "y"),)), made)

        assert (added.fresh, added.before, added.again) == (("y",), frozenset({("x", "r")}), True)
        assert store.report(one.alert_id) is None
        assert store.claim("x", 5, LEASE).deliveries == ()
        again = self.one(store, "y")
        assert len(again.attempts) == 1
        report = settle(store, outcome(again)).report
        assert report is not None
        assert report.is_complete

    def test_sending_again_what_is_on_its_way_starts_nothing(self, store: Store) -> None:
        one = alert()
        self.put(store, one)
        claimed = self.one(store)
        added = store.add(one, Plan((("x",),)), [delivery(one, store)])

        assert (added.fresh, added.again, added.report) == ((), False, None)
        assert settle(store, outcome(claimed)).report is not None

    def test_a_cancelled_delivery_is_never_claimed(self, store: Store) -> None:
        one = alert()
        self.put(store, one, [("x", "a"), ("x", "b")])
        (claimed,) = store.claim("x", 1, LEASE).deliveries
        ended = store.cancel(one.alert_id, "why")

        assert [(item.recipient_id, str(item.state), item.error) for item in ended] == [("b", "cancelled", "why")]
        assert store.claim("x", 5, LEASE).deliveries == ()
        assert settle(store, outcome(claimed)).report is not None
        assert store.waiting() == 0

    def test_one_delivery_can_be_cancelled(self, store: Store) -> None:
        one = alert()
        self.put(store, one, ["x", "y"])
        ended = store.cancel(one.alert_id, "why", ("y", "r"))

        assert [item.channel for item in ended] == ["y"]
        assert self.one(store, "x").state is DeliveryState.IN_FLIGHT

    def test_after_a_close_nothing_is_tried_again(self, store: Store) -> None:
        one = alert()
        self.put(store, one, ["x", "y"], plan=Plan((("x",), ("y",))))
        claimed = self.one(store)
        store.cancel(one.alert_id, "closing", close=True)
        settled = settle(store, outcome(claimed, DeliveryState.RETRYING, due=store.now()))

        assert (settled.delivery.state, settled.delivery.error) == (DeliveryState.CANCELLED, "closing")
        assert settled.report is not None
        assert store.waiting() == 0

    def test_sending_again_after_a_close_tries_again(self, store: Store) -> None:
        one = alert()
        self.put(store, one)
        store.cancel(one.alert_id, "closing", close=True)
        store.add(one, Plan((("x",),)), [delivery(one, store)])
        settled = settle(store, outcome(self.one(store), DeliveryState.RETRYING, due=store.now()))

        assert settled.delivery.state is DeliveryState.RETRYING

    def test_a_replay_starts_what_failed_anew(self, store: Store, clock: FakeClock) -> None:
        one = alert()
        self.put(store, one, ["x", "y"])
        settle(store, outcome(self.one(store, "x")))
        settle(store, outcome(self.one(store, "y"), FAILED, error="no", tries=3))
        clock.advance(500)
        (fresh,) = store.replay(one.alert_id)

        assert (fresh.channel, fresh.due, fresh.tries, fresh.error) == ("y", store.now(), 0, None)
        assert store.report(one.alert_id) is None
        again = self.one(store, "y")
        assert again.expires == store.now() + 100.0
        assert settle(store, outcome(again)).report is not None
        assert store.replay("unknown") == []

    def test_a_replay_after_a_close_is_tried_again(self, store: Store) -> None:
        one = alert()
        self.put(store, one)
        store.cancel(one.alert_id, "closing", close=True)
        store.replay(one.alert_id)
        settled = settle(store, outcome(self.one(store), DeliveryState.RETRYING, due=store.now()))

        assert settled.delivery.state is DeliveryState.RETRYING

    def test_a_suppressed_alert_is_remembered_with_its_reason(self, store: Store) -> None:
        one = alert()
        store.suppress(one, DeliveryReport.of(one.alert_id, {}, "quiet hours"))

        assert [report.suppressed for report in store.recent(5)] == ["quiet hours"]
        assert store.alert(one.alert_id) == one
        added = store.add(one, Plan((("x",),)), [delivery(one, store)])
        assert (added.fresh, added.again) == (("x",), True)

    def test_what_has_not_begun_has_no_time(self, store: Store) -> None:
        one = alert()
        self.put(store, one, ["x", "y"], plan=Plan((("x",), ("y",))))
        record = store.record(one.alert_id)

        assert record is not None
        assert [item.due == math.inf for item in record.deliveries] == [False, True]
        assert record.open == 1
