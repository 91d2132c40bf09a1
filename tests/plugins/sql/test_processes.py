"""Several processes on one file, and processes that die."""

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tocsin.plan import Plan
from tocsin.testing.store.rig import LEASE, alert, delivery

ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
HEAD = """
    import os, sys, threading, time
    from tocsin import Alert
    from tocsin.clock import SystemClock
    from tocsin.plan import Plan
    from tocsin.testing.store.rig import LEASE, delivery, outcome, settle
    from tocsin_sql import SqlStore

    def say(word):
        os.write(1, f"{word}\\n".encode())

    store = SqlStore(url="sqlite:///" + sys.argv[1])
    store.open(SystemClock(), lambda: None)
"""
ENQUEUE = """
    def enqueue(worker):
        number = 0
        while True:
            one = Alert(title="t", message="m", alert_id=f"{worker}-{number}")
            made = [delivery(one, store, channel) for channel in ("x", "y")]
            store.add(one, Plan((("x", "y"),)), made, key=one.alert_id)
            say(one.alert_id)
            number += 1

    for worker in range(3):
        threading.Thread(target=enqueue, args=(worker,)).start()
"""
CLAIM = """
    say("ready")
    sys.stdin.readline()
    while taken := store.claim("x", 7, 60.0).deliveries:
        for one in taken:
            say(one.alert_id)
            store.complete(outcome(one), lambda settled: None if settled.taken else say("LATE"))
        threading.Event().wait(0.01)  # a delivery takes its time
    store.close()
"""


def start(body, path):
    code = textwrap.dedent(HEAD) + textwrap.dedent(body)
    return subprocess.Popen(
        [sys.executable, "-c", code, str(path)], env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("seed", range(3))
def test_what_was_accepted_is_there_after_a_kill(open_store, path, seed):
    process = start(ENQUEUE, path)
    accepted = [process.stdout.readline().strip() for _ in range(random.Random(seed).randint(5, 40))]
    process.send_signal(signal.SIGKILL)
    accepted += process.stdout.read().split("\n")[:-1]
    process.wait()
    process.stdout.close()
    process.stdin.close()
    store = open_store()
    missing = [name for name in accepted if store.record(name) is None]
    halves = [one.alert_id for one in map(store.record, accepted) if len(one.deliveries) != 2 or one.alert is None]
    told = store.waiting() // 2

    print(f"kill -9: {len(accepted)} accepted, {len(missing)} lost, {told - len(accepted)} stored and not yet told")
    assert (missing, halves) == ([], [])
    assert 0 <= told - len(accepted) <= 3
    last = accepted[-1]
    assert store.add(alert(alert_id=last), Plan(()), [], key=last).known
    assert store.check() == [problem for problem in store.check() if "WAL-reset" in problem]


def test_two_processes_never_claim_the_same_delivery(open_store, path):
    store = open_store()
    names = [f"{number}" for number in range(200)]
    for name in names:
        one = alert(alert_id=name)
        store.add(one, Plan((("x",),)), [delivery(one, store)])
    workers = [start(CLAIM, path) for _ in range(2)]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    claimed = [worker.communicate(timeout=60)[0].split() for worker in workers]

    assert sorted(claimed[0] + claimed[1]) == sorted(names)
    assert all(claimed), "one of them did all the work"
    assert store.waiting() == 0


def test_what_a_dead_worker_had_is_taken_over(open_store, path):
    store = open_store()
    one = alert()
    store.add(one, Plan((("x",),)), [delivery(one, store)])
    body = """
    store.claim("x", 1, 0.05)
    say("claimed")
    time.sleep(60)
    """
    process = start(body, path)
    assert process.stdout.readline() == "claimed\n"
    process.kill()
    process.communicate()
    end = time.monotonic() + 10
    while not (lost := store.lost(5, LEASE)) and time.monotonic() < end:
        pass

    assert [item.lost for item in lost] == [1]
    assert json.dumps(store.stats()["deliveries"]) == '{"x": {"in_flight": 1}}'


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_connections_of_its_own(open_store):
    store = open_store()
    first = alert()
    store.add(first, Plan((("x",),)), [delivery(first, store)])
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            store.forget()
            one = alert(alert_id="from-the-child")
            store.add(one, Plan((("x",),)), [delivery(one, store)])
            os.write(write, b"y" if store.record(first.alert_id) else b"n")
            store.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    said = os.read(read, 1)
    os.close(read)
    second = alert()
    store.add(second, Plan((("x",),)), [delivery(second, store)])

    assert said == b"y"
    assert {item.alert_id for item in store.select()} == {first.alert_id, "from-the-child", second.alert_id}
