"""Rows "frozen worker" and "workers on one store": leases, tokens, and who may complete what."""

import os
import signal
import time

import pytest

from .files import query

CHANNELS = 6
TIMEOUT = 2.0
LEASE = TIMEOUT + 15.0
STATES = "SELECT state, count(*) FROM tocsin_deliveries GROUP BY state"


@pytest.fixture
def put(program):
    """Have alerts in the store that nobody has tried to deliver."""

    def run(receiver, alerts):
        process = program("put", receiver, alerts=alerts)
        assert process.wait() == 0, process.errors
        return {(one, f"c{number}") for one in process.accepted.values() for number in range(CHANNELS)}

    return run


def test_a_frozen_worker_that_comes_back_is_refused(figure, make_receiver, program, put, path):
    receiver = make_receiver()
    units = put(receiver, 60)
    receiver.hold()
    frozen = program("send", receiver, stay=True, level="INFO", delivery={"timeout": TIMEOUT})
    assert receiver.wait_for(CHANNELS * 2)
    frozen.signal(signal.SIGSTOP)
    until_stopped(frozen.popen.pid)
    held = len(query(path, "SELECT id FROM tocsin_deliveries WHERE state = 'in_flight'"))
    receiver.let_go()  # its answers wait for it
    began = time.monotonic()
    other = program("send", receiver, delivery={"timeout": TIMEOUT})
    other.wait_line("drained")
    took = time.monotonic() - began
    assert other.wait() == 0
    requests = receiver.total
    frozen.signal(signal.SIGCONT)
    frozen.wait_line("drained")
    frozen.wait_line("late")
    frozen.signal(signal.SIGTERM)
    assert frozen.wait() == 0
    late = frozen.count("late")

    figure("in flight when it was frozen", held, "", ">= 1")
    figure("the other had everything after", took, "s", f"<= {3 * LEASE}")
    figure("late completions, all refused", late, "", f"<= {held}")
    figure("requests after it came back", receiver.total - requests, "", "== 0")
    figure("lost", len(units - receiver.taken), "", "== 0")
    figure("repeated successes", receiver.repeated, "", f"<= {held}")
    assert dict(query(path, STATES)) == {"accepted": len(units)}


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_on_one_store(workers, scale, figure, make_receiver, program, put, path):
    deliveries = 20_000 if scale > 1 else 4_000
    receiver = make_receiver()
    units = put(receiver, deliveries // CHANNELS)
    began = time.monotonic()
    processes = [program("send", receiver, level="INFO", delivery={"timeout": TIMEOUT}) for _ in range(workers)]
    for process in processes:
        process.wait_line("drained", 600)
        assert process.wait() == 0
    took = time.monotonic() - began

    figure("deliveries", len(units))
    figure("deliveries per second, start included", len(units) / took)
    figure("lost", len(units - receiver.taken), "", "== 0")
    figure("requests beyond one for each", receiver.total - len(units), "", "== 0")
    figure("late completions", sum(process.count("late") for process in processes), "", "== 0")
    assert dict(query(path, STATES)) == {"accepted": len(units)}


def until_stopped(pid, seconds=10.0):
    """A stopped process says so in its status."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with open(f"/proc/{pid}/stat") as file:
            if file.read().rpartition(")")[2].split()[0] == "T":
                return
        os.sched_yield()
    raise AssertionError("it was not stopped")
