"""Claims and leases: who may deliver what, and until when."""

# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

import attrs

from tocsin.plan import Plan
from tocsin.receipt import Receipt
from tocsin.report import DeliveryState
from tocsin.store import Store
from tocsin.testing.clock import FakeClock
from tocsin.testing.store.rig import LEASE, StoreRig, alert, delivery, outcome, settle

__all__ = ["ClaimPromises"]


class ClaimPromises(StoreRig):
    """A delivery is in at most one hand, and no hand holds it for ever."""

    def test_a_claimed_delivery_is_claimed_once(self, store: Store) -> None:
        self.put(store, alert())
        claimed = self.one(store)

        assert claimed.state is DeliveryState.IN_FLIGHT
        assert store.claim("x", 5, LEASE).deliveries == ()
        assert store.claim("other", 5, LEASE).deliveries == ()

    def test_what_is_claimed_as_it_is_added_is_in_that_hand_alone(self, store: Store, clock: FakeClock) -> None:
        one = alert()
        taken = delivery(one, store).claimed(store.now() + LEASE)
        added = store.add(one, Plan((("x", "y"),), lifetime=100.0), [taken, delivery(one, store, "y")])

        assert (added.fresh, added.taken) == (("y",), (taken,))
        assert store.claim("x", 5, LEASE).deliveries == ()
        assert store.waiting() == 2
        clock.advance(LEASE)
        (lost,) = store.lost(5, LEASE)
        assert (lost.channel, lost.token, lost.lost) == ("x", 2, 1)
        assert not settle(store, outcome(taken)).taken
        assert settle(store, outcome(lost)).taken
        assert settle(store, outcome(self.one(store, "y"))).report is not None

    def test_what_is_claimed_as_it_is_added_can_be_given_back(self, store: Store) -> None:
        one = alert()
        taken = delivery(one, store).claimed(store.now() + LEASE)
        store.add(one, Plan((("x",),), lifetime=100.0), [taken])
        store.release([taken])
        again = self.one(store)

        assert (again.token, again.attempts) == (2, ())
        assert settle(store, outcome(again)).report is not None

    def test_what_is_given_back_of_a_closed_alert_is_cancelled(self, store: Store) -> None:
        one = alert()
        taken = [delivery(one, store, name).claimed(store.now() + LEASE) for name in "xy"]
        store.add(one, Plan((("x", "y"),), lifetime=100.0), taken)
        store.cancel(one.alert_id, "no longer wanted", close=True)
        assert not settle(store, outcome(taken[0])).report
        store.release(taken[1:])
        report = store.report(one.alert_id)

        assert store.claim("y", 5, LEASE).deliveries == ()
        assert report is not None
        assert [str(result.recipients[0].state) for result in report.results.values()] == ["accepted", "cancelled"]

    def test_an_alert_that_is_known_takes_no_new_claim(self, store: Store) -> None:
        one = alert()
        self.put(store, one)
        settle(store, outcome(self.one(store), DeliveryState.FAILED))
        taken = [delivery(one, store, name).claimed(store.now() + LEASE) for name in "xy"]
        added = store.add(one, Plan((("x", "y"),), lifetime=100.0), taken)

        assert "x" not in [each.channel for each in added.taken]
        assert self.one(store).token == 2

    def test_a_claim_takes_no_more_than_its_limit(self, store: Store) -> None:
        self.put(store, alert(), [("x", name) for name in "abcd"])

        assert [one.recipient_id for one in store.claim("x", 3, LEASE).deliveries] == ["a", "b", "c"]
        assert [one.recipient_id for one in store.claim("x", 3, LEASE).deliveries] == ["d"]

    def test_the_most_urgent_goes_first_then_the_oldest(self, store: Store) -> None:
        for name, priority in [("1", "LOW"), ("2", "CRITICAL"), ("3", "LOW"), ("4", "CRITICAL")]:
            self.put(store, alert(alert_id=name, priority=priority))

        assert [one.alert_id for one in store.claim("x", 3, LEASE).deliveries] == ["2", "4", "1"]
        assert self.one(store).alert_id == "3"

    def test_nothing_is_claimed_before_it_is_due(self, store: Store, clock: FakeClock) -> None:
        self.put(store, alert())
        due = store.now() + 10.0
        settle(store, outcome(self.one(store), DeliveryState.RETRYING, due=due))
        clock.advance(9.5)
        early = store.claim("x", 5, LEASE)
        clock.advance(1.0)

        assert early.deliveries == ()
        assert early.next_due == due
        assert store.due() == ["x"]
        claimed = store.claim("x", 5, LEASE)
        assert [one.state for one in claimed.deliveries] == [DeliveryState.IN_FLIGHT]
        assert claimed.next_due is None

    def test_only_channels_with_something_due_are_named(self, store: Store) -> None:
        self.put(store, alert(), ["x", "y", "z"])
        settle(store, outcome(self.one(store, "x"), DeliveryState.RETRYING, due=store.now() + 10))
        self.one(store, "y")

        assert store.due() == ["z"]

    def test_each_claim_has_a_new_token(self, store: Store) -> None:
        self.put(store, alert())
        first = self.one(store)
        store.release([first])
        second = self.one(store)

        assert second.token > first.token
        assert second.lease == store.now() + LEASE

    def test_what_is_released_is_as_it_was_before(self, store: Store) -> None:
        one = alert()
        (before,) = self.put(store, one)
        claimed = self.one(store)
        store.release([claimed])
        record = store.record(one.alert_id)

        assert record is not None
        assert record.deliveries == (attrs.evolve(before, token=claimed.token),)

    def test_what_was_tried_is_retrying_once_it_is_released(self, store: Store) -> None:
        self.put(store, alert())
        settle(store, outcome(self.one(store), DeliveryState.RETRYING, due=store.now()))
        again = self.one(store)
        store.release([again])

        assert len(again.attempts) == 1
        assert [one.state for one in store.select()] == [DeliveryState.RETRYING]

    def test_a_late_completion_changes_nothing(self, store: Store, clock: FakeClock) -> None:
        self.put(store, alert())
        frozen = self.one(store)
        clock.advance(LEASE + 1)
        (other,) = store.lost(5, LEASE)

        late = settle(store, outcome(frozen))
        taken = settle(store, outcome(other, DeliveryState.FAILED, error="gone"))

        assert (late.taken, taken.taken) == (False, True)
        assert [one.state for one in store.select()] == [DeliveryState.FAILED]

    def test_what_a_provider_calls_a_message_is_kept_as_far_as_it_can_be(self, store: Store) -> None:
        self.put(store, alert())
        receipt = Receipt(provider_id="m\x00\ud83d-7", details={"k\x00\ud83d": "v\x00\ud83d"})
        settled = settle(store, outcome(self.one(store), receipt=receipt))

        assert settled.taken
        assert receipt.provider_id is not None
        found = store.find("x", receipt.provider_id)
        assert found is not None
        assert found.receipt == receipt

    def test_a_second_completion_changes_nothing(self, store: Store) -> None:
        self.put(store, alert())
        claimed = self.one(store)

        assert settle(store, outcome(claimed)).taken
        assert not settle(store, outcome(claimed, DeliveryState.FAILED)).taken
        assert [one.state for one in store.select()] == [DeliveryState.ACCEPTED]

    def test_a_lease_that_runs_out_is_lost_once(self, store: Store, clock: FakeClock) -> None:
        self.put(store, alert())
        claimed = self.one(store)
        clock.advance(LEASE - 1)
        too_early = store.lost(5, LEASE)
        clock.advance(2)
        (lost,) = store.lost(5, LEASE)

        assert too_early == []
        assert (lost.lost, lost.token) == (1, claimed.token + 1)
        assert store.lost(5, LEASE) == []

    def test_losses_in_a_row_are_counted_until_somebody_says_otherwise(self, store: Store, clock: FakeClock) -> None:
        self.put(store, alert())
        self.one(store)
        for count in (1, 2):
            clock.advance(LEASE + 1)
            (lost,) = store.lost(5, LEASE)
            assert lost.lost == count
            settle(store, attrs.evolve(lost, state=DeliveryState.RETRYING, due=store.now()))
            claimed = self.one(store)
            assert claimed.lost == count
        settle(store, outcome(claimed, DeliveryState.RETRYING, due=store.now(), lost=0))

        assert self.one(store).lost == 0

    def test_a_renewed_lease_is_not_lost(self, store: Store, clock: FakeClock) -> None:
        self.put(store, alert())
        claimed = self.one(store)
        clock.advance(LEASE - 1)
        store.extend([claimed], LEASE)
        clock.advance(LEASE - 1)

        assert store.lost(5, LEASE) == []
        assert settle(store, outcome(claimed)).taken

    def test_a_lost_lease_is_neither_renewed_nor_released(self, store: Store, clock: FakeClock) -> None:
        self.put(store, alert())
        frozen = self.one(store)
        clock.advance(LEASE + 1)
        (other,) = store.lost(5, LEASE)
        store.extend([frozen], 10 * LEASE)
        store.release([frozen])
        (known,) = store.select()

        assert (known.state, known.lease, known.token) == (DeliveryState.IN_FLIGHT, other.lease, other.token)

    def test_what_is_too_old_is_claimed_as_overdue(self, store: Store, clock: FakeClock) -> None:
        one = alert()
        made = [delivery(one, store, name, expires=store.now() + life) for name, life in [("x", 5.0), ("y", 50.0)]]
        self.put_made(store, one, made)
        clock.advance(6)
        (late,) = store.overdue(5, LEASE)

        assert (late.channel, late.state) == ("x", DeliveryState.IN_FLIGHT)
        assert store.overdue(5, LEASE) == []
        assert settle(store, attrs.evolve(late, state=DeliveryState.EXPIRED)).taken

    def test_the_number_of_waiting_deliveries_is_known(self, store: Store) -> None:
        self.put(store, alert(), ["x", "y"])
        before, claimed = store.waiting(), self.one(store)
        during = store.waiting()
        settle(store, outcome(claimed))

        assert (before, during, store.waiting()) == (2, 2, 1)
