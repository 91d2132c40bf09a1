"""Whatever happens in whatever order, the store and a model of a few lines agree."""

import functools
import os
import pathlib
import tempfile
from datetime import timedelta

import attrs
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tocsin.plan import Plan
from tocsin.report import DeliveryState
from tocsin.testing import FakeClock
from tocsin.testing.store.rig import alert, delivery, settle
from tocsin_sql import SqlStore

MEMORY = "/dev/shm"
LIFE, LEASE, DAY = 1_000.0, 30.0, 86_400.0
PARTS, RUNS, STEPS = (20, 15, 50) if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else (2, 8, 40)
"""300 runs of 50 steps with the profile ``ci``; in parts, so that several processes share them."""


@functools.cache
def empty_file():
    """A new store's file: to make the tables anew for each run would take most of the time."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "tocsin.db"
        SqlStore(url=f"sqlite:///{path}").upgrade()
        return path.read_bytes()


class Clock(FakeClock):
    """Its wall time jumps on demand."""

    jumped = 0.0

    def now(self):
        return super().now() + timedelta(seconds=self.jumped)


class Model:
    """What is known of each alert: its state, since when and until when, and which claim is the last."""

    def __init__(self):
        self.alerts, self.claims = {}, []

    def due(self, now):
        return {n for n, a in self.alerts.items() if a["state"] in ("pending", "retrying") and a["due"] <= now}

    def late(self, now):
        return {n for n, a in self.alerts.items() if a["state"] in ("pending", "retrying") and a["expires"] <= now}

    def lost(self, now):
        return {n for n, a in self.alerts.items() if a["state"] == "in_flight" and a["lease"] <= now}

    def claim(self, one, lease):
        assert one.token > self.alerts[one.alert_id]["token"]
        self.alerts[one.alert_id].update(state="in_flight", lease=lease, token=one.token)
        self.claims.append(one)

    def complete(self, one, now, **changes):
        known = self.alerts.get(one.alert_id)
        if known is None or (known["state"], known["token"]) != ("in_flight", one.token):
            return False
        known.update(changes, ended=now)
        return True

    def forget(self, now, days):
        old = [n for n, a in self.alerts.items() if a.get("report") and a["ended"] < now - days * DAY]
        return [self.alerts.pop(n) for n in old]


class StoreMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY if os.path.isdir(MEMORY) else None)
        (pathlib.Path(self.folder.name) / "tocsin.db").write_bytes(empty_file())
        self.clock, self.model, self.number = Clock(), Model(), 0
        self.store, self.claims_since_crash, self.crashed = self.opened(), 0, []

    def opened(self):
        path = pathlib.Path(self.folder.name) / "tocsin.db"
        store = SqlStore(url=f"sqlite:///{path}", retention=1, history=1)
        store.open(self.clock, lambda: None)
        return store

    def teardown(self):
        for store in (self.store, *self.crashed):
            store.close()
        self.folder.cleanup()

    @rule(key=st.booleans())
    def enqueue(self, key):
        one = alert(alert_id=f"{self.number:06}")
        self.number += 1
        made = delivery(one, self.store, expires=self.store.now() + LIFE)
        added = self.store.add(one, Plan((("x",),), lifetime=LIFE), [made], key=one.alert_id if key else None)
        again = self.store.add(one, Plan((("x",),), lifetime=LIFE), [made], key=one.alert_id if key else None)
        assert (added.fresh, again.fresh, again.known) == (("x",), (), key)
        self.model.alerts[one.alert_id] = {"state": "pending", "due": made.due, "expires": made.expires, "token": 0}

    @rule()
    def enqueue_claimed(self):
        one, now = alert(alert_id=f"{self.number:06}"), self.store.now()
        self.number += 1
        made = delivery(one, self.store, expires=now + LIFE)
        self.model.alerts[one.alert_id] = {"state": "pending", "due": made.due, "expires": made.expires, "token": 0}
        added = self.store.add(one, Plan((("x",),), lifetime=LIFE), [made.claimed(now + LEASE)])
        assert added.fresh == ()
        for taken in added.taken:
            self.model.claim(taken, now + LEASE)

    @rule(limit=st.integers(1, 4))
    def claim(self, limit):
        self.claims_since_crash += 1
        now, due = self.store.now(), self.model.due(self.store.now())
        taken = self.store.claim("x", limit, LEASE).deliveries
        assert {one.alert_id for one in taken} <= due
        assert len(taken) == min(limit, len(due))
        for one in taken:
            self.model.claim(one, now + LEASE)

    @precondition(lambda self: self.model.claims)
    @rule(data=st.data(), state=st.sampled_from(["accepted", "failed", "retrying"]), wait=st.floats(0, 100))
    def complete(self, data, state, wait):
        one = data.draw(st.sampled_from(self.model.claims))
        now = self.store.now()
        after = attrs.evolve(one, state=state, due=now + wait)
        expected = self.model.complete(one, now, state=state, due=now + wait, report=state != "retrying")
        settled = settle(self.store, after)
        assert settled.taken is expected
        assert (settled.report is not None) is (expected and state != "retrying")

    @rule()
    def take_over_and_expire(self):
        now, lost = self.store.now(), self.model.lost(self.store.now())
        taken = self.store.lost(100, LEASE)
        assert {one.alert_id for one in taken} == lost
        late = self.model.late(now)
        overdue = self.store.overdue(100, LEASE)
        assert {one.alert_id for one in overdue} == late
        for one in taken:
            self.model.claim(one, now + LEASE)
        for one in overdue:
            self.model.claim(one, now + LEASE)
            self.model.complete(one, now, state="expired", report=True)
            assert settle(self.store, attrs.evolve(one, state=DeliveryState.EXPIRED)).taken

    @rule(seconds=st.sampled_from([0.5, LEASE, LIFE, DAY]))
    def wait(self, seconds):
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from([-DAY, DAY, -3_600.0, -1e9]))
    def jump(self, seconds):
        self.clock.jumped = seconds

    @precondition(lambda self: self.claims_since_crash > 2)
    @rule()
    def crash(self):
        self.claims_since_crash = 0
        before = self.store.now()
        self.store._database.abandon(self.store._writer.connection)
        self.crashed.append(self.store)  # its thread and descriptors are this process's, until the end of the run
        self.store = self.opened()
        assert self.store.now() == before

    @rule()
    def purge(self):
        gone = self.model.forget(self.store.now(), 1)
        assert self.store.prune() == {"contents": len(gone), "records": len(gone)}

    @invariant()
    def they_agree(self):
        known = {one.alert_id: str(one.state) for one in self.store.select(limit=1_000)}
        assert known == {name: one["state"] for name, one in self.model.alerts.items()}
        assert self.store.waiting() == sum(
            a["state"] in ("pending", "retrying", "in_flight") for a in self.model.alerts.values()
        )
        reported = {report.alert_id for report in self.store.recent(1_000)}
        assert reported == {name for name, one in self.model.alerts.items() if one.get("report")}


def part(number):
    case = type(f"TestStore{number}", (StoreMachine.TestCase,), {"__module__": __name__})
    case.settings = settings(max_examples=RUNS, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck))
    return case


for number in range(PARTS):
    globals()[f"TestStore{number}"] = part(number)
