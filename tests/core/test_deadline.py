"""One total deadline: it shuts sockets, calls back where nothing ends, and costs nothing once over."""

import gc
import socket
import threading
import time

import pytest

from tocsin.deadline import Deadline, Timer, current
from tocsin.dialing import Resolver, dial, words_for


def test_a_socket_is_shut_when_the_time_is_up():
    ours, theirs = socket.socketpair()
    with ours, theirs, Deadline(0.05) as deadline:
        deadline.watch(ours)
        assert ours.recv(1) == b""
        assert deadline.expired
        assert deadline.remaining() == 0.0


def test_a_socket_that_comes_too_late_is_shut_at_once():
    ours, theirs = socket.socketpair()
    deadline = Deadline(0.0)
    deadline.expire()
    deadline.watch(ours)
    with ours, theirs:
        assert ours.recv(1) == b""


def test_nothing_happens_after_the_block():
    hung = threading.Event()
    ours, theirs = socket.socketpair()
    with Deadline(0.05, on_hang=hung.set) as deadline:
        deadline.watch(ours)
    assert not hung.wait(0.4)
    assert not deadline.expired
    with ours, theirs:
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"


def test_a_call_that_ignores_its_deadline_is_told_of():
    hung = threading.Event()
    started = time.monotonic()
    with Deadline(0.05, on_hang=hung.set):
        assert hung.wait(5)

    assert 0.05 + Deadline.GRACE <= time.monotonic() - started < 1


def test_the_deadline_in_force_is_the_innermost_of_this_thread():
    assert current() is None
    with Deadline(5) as outer:
        with Deadline(5) as inner:
            assert current() is inner
        assert current() is outer
        seen = []
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
        assert seen == [None]
    assert current() is None


def test_the_timer_calls_in_order_and_forgets_what_was_cancelled():
    timer, called, done = Timer(), [], threading.Event()
    now = time.monotonic()
    timer.call_at(now + 0.06, lambda: (called.append("late"), done.set()))
    timer.cancel(timer.call_at(now + 0.02, lambda: called.append("cancelled")))
    timer.call_at(now + 0.04, lambda: called.append("early"))

    assert done.wait(5)
    assert called == ["early", "late"]


def test_many_cancelled_entries_are_not_kept():
    timer = Timer()
    for _ in range(5_000):
        timer.cancel(timer.call_at(time.monotonic() + 3600, lambda: None))

    assert len(timer._entries) < 200


def test_dialling_a_hanging_name_ends_at_the_deadline(monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: gate.wait(10) and [])
    monkeypatch.setattr("tocsin.dialing.resolver", Resolver(threads=1))
    started = time.monotonic()

    with Deadline(0.1), pytest.raises(TimeoutError):
        dial("slow.example", 80)
    assert time.monotonic() - started < 0.6
    gate.set()


def test_every_address_of_a_name_is_tried(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        closed = socket.create_server(("127.0.0.1", 0))
        dead = closed.getsockname()[1]
        closed.close()
        addresses = [(socket.AF_INET, ("127.0.0.1", dead)), (socket.AF_INET, ("127.0.0.1", port))]
        monkeypatch.setattr("tocsin.dialing._look_up", lambda host, port: addresses)
        with dial("two.example", 80) as connected:
            assert connected.getpeername()[1] == port
    gc.collect()


@pytest.mark.parametrize("name", ["", "a" * 300, "xn--\ud800", "a..b", "does-not-exist.invalid"])
def test_a_name_that_cannot_be_resolved_is_one_kind_of_error(name):
    with Deadline(2), pytest.raises(OSError, match=r".*"):
        dial(name or "..", 80)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(-2, "secret.example"), "the host name could not be resolved"),
        (ConnectionRefusedError(111, "secret"), "connection refused"),
        (ConnectionResetError(104, "secret"), "connection reset by the receiver"),
        (TimeoutError("secret"), "timed out"),
        (OSError(101, "secret"), "network error 101 (ENETUNREACH)"),
        (ValueError("secret"), "connection failed (ValueError)"),
    ],
)
def test_words_come_from_the_type_and_number_alone(error, words):
    wrapped = RuntimeError("outer secret")
    wrapped.__cause__ = error

    assert words_for(error) == words
    assert "secret" not in words_for(wrapped)
