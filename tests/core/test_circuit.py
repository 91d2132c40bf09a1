"""A circuit without clock, lock or calls."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import ErrorKind
from tocsin.circuit import Circuit

SERVER = ErrorKind.SERVER


def opened(now=0.0):
    circuit = Circuit()
    for n in range(5):
        circuit.failed(now, f"u{n}", SERVER, "down")
    return circuit


def test_four_failures_leave_it_closed_and_the_fifth_opens_it():
    circuit = Circuit()
    states = [circuit.failed(0, "u", SERVER, "down") or circuit.is_closed for _ in range(5)]

    assert states == [True, True, True, True, False]
    assert circuit.to_dict(0) == {"state": "open", "cause": "server", "reason": "down", "retry_in": 5.0}


def test_half_of_the_calls_must_fail():
    circuit = Circuit()
    for _ in range(6):
        circuit.succeeded(0)
    for _ in range(5):
        circuit.failed(0, "u", SERVER, "down")

    assert circuit.is_closed
    circuit.failed(0, "u", SERVER, "down")
    assert not circuit.is_closed


def test_failures_older_than_30_seconds_do_not_count():
    circuit = Circuit()
    for n in range(20):
        circuit.failed(n * 10.0, "u", SERVER, "down")

    assert circuit.is_closed


def test_one_probe_passes_when_the_time_is_up_and_its_success_closes():
    circuit = opened()

    assert circuit.admit(4, "a") == 1
    assert circuit.admit(5, "a") == 0
    assert circuit.to_dict(5)["state"] == "half_open"
    assert circuit.admit(5, "b") == 1
    assert circuit.admit(5, "a") == 0
    circuit.succeeded(6)
    assert circuit.admit(6, "b") == 0


def test_each_failed_probe_doubles_the_time_up_to_75_seconds():
    circuit, now, waits = opened(), 0.0, []
    for _ in range(6):
        waits.append(circuit.admit(now, "p"))
        now += waits[-1]
        assert circuit.admit(now, "p") == 0
        assert circuit.failed(now, "p", SERVER, "down") is True

    assert waits == [5, 10, 20, 40, 75, 75]


def test_a_probe_that_did_not_take_place_is_given_back():
    circuit = opened()
    circuit.admit(5, "a")
    circuit.release("a")

    assert circuit.admit(5, "b") == 0


def test_a_probe_that_never_came_back_is_taken_for_lost():
    circuit = opened()
    circuit.admit(5, "a")

    assert circuit.admit(100, "b") == 1
    assert circuit.admit(130, "b") == 0


def test_a_refusal_answers_the_question_whether_it_works():
    circuit = opened()
    circuit.admit(5, "a")
    circuit.answered(5, "a")

    assert circuit.is_closed


def test_a_late_failure_of_another_call_does_not_count_as_the_probe():
    circuit = opened()
    circuit.admit(5, "a")

    assert circuit.failed(5, "late", SERVER, "down") is False
    assert circuit.to_dict(5)["state"] == "half_open"


def test_paused_for_good_has_no_next_probe():
    circuit = Circuit()
    circuit.open(0, ErrorKind.INVALID_RECIPIENT, "gone", forever=True)

    assert circuit.admit(1e9, "a") > 0
    assert circuit.to_dict(1e9) == {"state": "paused", "cause": "invalid_recipient", "reason": "gone", "retry_in": None}


STEPS = st.tuples(
    st.sampled_from(["admit", "failed", "succeeded", "answered", "release"]), st.sampled_from("ab"), st.floats(0, 20)
)


@given(st.lists(STEPS))
def test_at_most_one_probe_passes_an_open_circuit(steps):
    circuit, now, probe, since = opened(), 0.0, None, 0.0
    for step, unit, later in steps:
        now += later
        if step == "admit":
            if circuit.admit(now, unit) == 0 and not circuit.is_closed:
                assert probe in (None, unit) or now >= since + 120
                probe, since = unit, now
            continue
        arguments = {"failed": (now, unit, SERVER, "down"), "succeeded": (now,), "answered": (now, unit)}
        getattr(circuit, step)(*arguments.get(step, (unit,)))
        probe = None if step == "succeeded" or unit == probe else probe


@given(st.lists(STEPS))
def test_a_look_at_the_wait_says_what_somebody_new_would_be_told_and_changes_nothing(steps):
    circuit, now = opened(), 0.0
    for step, unit, later in steps:
        now += later
        before = circuit.to_dict(now)
        wait = circuit.wait(now)
        assert circuit.to_dict(now) == before
        assert (wait == 0.0) == (copy.deepcopy(circuit).admit(now, "new") == 0.0)
        take(circuit, step, now, unit)


@given(st.lists(STEPS))
def test_no_wait_is_longer_than_75_seconds_and_each_ends(steps):
    circuit, now = opened(), 0.0
    for step, unit, later in steps:
        now += later
        take(circuit, step, now, unit)
        assert 0.0 <= circuit.wait(now) <= 75.0
    assert circuit.wait(now + 75.0 + 120.0) == 0.0


@given(st.lists(st.floats(7.51, 100), max_size=50))
def test_fewer_than_five_failures_in_thirty_seconds_never_open_it(pauses):
    circuit, now = Circuit(), 0.0
    for pause in pauses:
        now += pause
        circuit.failed(now, "u", SERVER, "down")
        assert circuit.is_closed


@given(st.lists(STEPS), st.floats(0, 10))
def test_a_success_closes_it_and_the_next_outage_begins_with_five_seconds(steps, later):
    circuit, now = opened(), 0.0
    for step, unit, pause in steps:
        now += pause
        take(circuit, step, now, unit)
    if circuit.is_closed:
        return
    circuit.succeeded(now)
    assert circuit.is_closed
    for n in range(6):
        circuit.failed(now + later, f"n{n}", SERVER, "down")
    assert circuit.wait(now + later) == pytest.approx(5.0)


@given(st.lists(STEPS.filter(lambda step: step[0] != "succeeded")))
def test_what_only_a_person_closes_stays_closed_to_everybody(steps):
    circuit, now = Circuit(), 0.0
    circuit.open(0.0, ErrorKind.INVALID_RECIPIENT, "gone", forever=True)
    for step, unit, later in steps:
        now += later
        take(circuit, step, now, unit)
        assert circuit.is_paused
        assert circuit.wait(now) > 0


def take(circuit, step, now, unit):
    arguments = {
        "admit": (now, unit),
        "failed": (now, unit, SERVER, "down"),
        "succeeded": (now,),
        "answered": (now, unit),
    }
    getattr(circuit, step)(*arguments.get(step, (unit,)))
