"""How many workers are of use follows from how long attempts wait, how many are claimed ahead from what they take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.dispatch.pace import Pace

MS = 0.001


def paced(workers, *attempts):
    pace = Pace(workers)
    for attempt in attempts:
        pace.note(*attempt)
    return pace


def test_before_anything_is_known_all_workers_are_of_use_and_nothing_is_claimed_ahead():
    pace = Pace(16)

    assert (pace.useful, pace.ahead) == (16, 0)


@pytest.mark.parametrize(
    ("took", "computed", "useful"),
    [
        (0.3, 0.3, 1),  # all of it is computing: a second worker would only take turns
        (1.2, 0.3, 4),  # three quarters are waiting
        (100.0, 0.3, 16),
        (0.2, 0.3, 1),  # two clocks need not agree
        (1.0, 0.0, 16),  # that of a thread may be coarse
    ],
)
def test_as_many_workers_are_of_use_as_compute_while_one_waits(took, computed, useful):
    assert paced(16, (took * MS, computed * MS)).useful == useful


def test_what_attempts_wait_for_each_other_is_no_slow_receiver():
    assert paced(16, *[(8 * MS, 0.3 * MS)] * 3, (0.3 * MS, 0.3 * MS), *[(8 * MS, 0.3 * MS)] * 7).useful == 1


def test_a_slow_receiver_is_slow_however_long_attempts_wait_for_each_other():
    assert paced(64, *[(400 * MS, 1 * MS)] * 7, (100 * MS, 1 * MS)).useful == 64


@pytest.mark.parametrize(
    ("took", "workers", "ahead"), [(0.5, 4, 16), (10, 4, 8), (20, 4, 4), (100, 4, 0), (100, 64, 12)]
)
def test_twenty_milliseconds_of_work_are_claimed_ahead(took, workers, ahead):
    assert paced(workers, (took * MS, 0.1 * MS)).ahead == ahead


def test_a_failure_says_nothing_of_the_next_attempt():
    pace = paced(16, (0.3 * MS, 0.3 * MS))
    pace.broke()

    assert (pace.useful, pace.ahead) == (16, 0)


def test_a_receiver_that_gets_slow_is_noticed_within_a_few_attempts():
    pace = paced(16, *[(0.3 * MS, 0.3 * MS)] * 50, *[(50 * MS, 0.3 * MS)] * 8)

    assert pace.useful == 16


@given(
    st.integers(1, 200),
    st.lists(st.tuples(st.floats(0, 1e3), st.floats(0, 1e3)), min_size=1),
)
def test_it_stays_within_its_bounds(workers, attempts):
    pace = paced(workers, *attempts)

    assert 1 <= pace.useful <= workers
    assert 0 <= pace.ahead <= 16
