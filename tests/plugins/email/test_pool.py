"""Connections are kept for a while, and closed when nobody needs them."""

import threading

import pytest

from tocsin_email.pool import IDLE_SECONDS, Pool


class Kept:
    """What a pool needs of a connection."""

    def __init__(self):
        self.is_open = True
        self.left = self.closed = False

    def leave(self):
        self.left = True
        self.is_open = False

    def close(self):
        self.closed = True
        self.is_open = False


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pool(clock):
    pool = Pool(clock)
    yield pool
    pool.close()


def test_an_empty_pool_has_nothing(pool):
    assert pool.take() is None


def test_the_last_one_given_is_the_first_one_taken(pool):
    first, second = Kept(), Kept()
    pool.give(first)
    pool.give(second)

    assert [pool.take(), pool.take(), pool.take()] == [second, first, None]


def test_a_connection_that_ended_is_not_kept(pool):
    ended = Kept()
    ended.is_open = False
    pool.give(ended)

    assert ended.left
    assert pool.take() is None


@pytest.mark.parametrize(("idle", "kept"), [(IDLE_SECONDS - 0.1, True), (IDLE_SECONDS, False)])
def test_a_connection_is_kept_for_half_a_minute(pool, clock, idle, kept):
    connection = Kept()
    pool.give(connection)
    clock.now += idle

    assert (pool.take() is connection) is kept
    assert connection.left is not kept


def test_the_timer_closes_what_is_idle_for_too_long(pool, clock):
    old, new = Kept(), Kept()
    pool.give(old)
    clock.now += IDLE_SECONDS / 2
    pool.give(new)
    clock.now += IDLE_SECONDS / 2
    pool.sweep()

    assert (old.left, new.left, len(pool)) == (True, False, 1)


def test_no_more_than_eight_are_kept(pool):
    connections = [Kept() for _ in range(9)]
    for connection in connections:
        pool.give(connection)

    assert [connection.left for connection in connections] == [False] * 8 + [True]


def test_closing_ends_what_is_idle_and_what_comes_back_later(pool):
    idle, in_use = Kept(), Kept()
    pool.give(idle)
    pool.close()
    pool.give(in_use)

    assert idle.left
    assert in_use.left
    assert pool.take() is None


def test_no_connection_is_handed_out_twice(pool):
    for _ in range(8):
        pool.give(Kept())
    taken = []
    threads = [threading.Thread(target=lambda: taken.append(pool.take())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(connection is not None for connection in taken) == [False] * 8 + [True] * 8
    assert len({id(connection) for connection in taken if connection}) == 8
