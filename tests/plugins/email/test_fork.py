"""A forked child has connections of its own, and leaves its parent's alone."""

import os
import signal
import threading

import pytest

from tocsin.forking import _OWNERS
from tocsin_email.connection import Connection

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]


@pytest.fixture
def in_child():
    """Whether a condition holds in a forked child."""

    def ask(condition):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(5)  # ends a child that waits for what only its parent has
            answer = b"raised"
            try:
                answer = str(bool(condition())).encode()
            finally:
                os.write(writer, answer)
                os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        answer = os.read(reader, 10)
        os.close(reader)
        return answer == b"True"

    return ask


def open_connections(port):
    """The connections of this process to a server, by the descriptors of their sockets."""
    living = [each for each in _OWNERS if isinstance(each, Connection)]
    mine = [each for each in living if each.is_open and each.endpoint.port == port]
    return [sock.fileno() for each in mine for sock in (each.sock, each._twin)]


def is_closed(descriptor):
    try:
        os.fstat(descriptor)
    except OSError:
        return True
    return False


@pytest.mark.parametrize("tls", ["none", "starttls"])
def test_a_child_keeps_no_connection_of_its_parent(tls, simulator, scripted, channel_to, send, in_child):
    server = simulator if tls == "starttls" else scripted()
    channel = channel_to(server)
    send(channel)
    port = channel.port
    descriptors = open_connections(port)

    assert len(descriptors) == 2
    assert in_child(lambda: len(channel._mailer.pool) == 0 and not open_connections(port))
    assert in_child(lambda: all(map(is_closed, descriptors)))
    assert open_connections(port) == descriptors


def test_parent_and_child_both_deliver_after_a_fork(simulator, channel, send, in_child):
    send(channel)

    assert in_child(lambda: send(channel).provider_id)
    assert send(channel).provider_id
    assert len(simulator.received()) == 3
    assert simulator.connections == 2, "the child opened one of its own, and the parent kept its own"


def test_a_child_that_closes_its_channel_says_nothing_on_the_parents_connection(scripted, channel_to, send, in_child):
    server = scripted()
    channel = channel_to(server)
    send(channel)

    assert in_child(lambda: channel.close() is None)
    send(channel)
    assert server.connections == 1
    assert "QUIT" not in server.commands


def test_a_connection_in_use_is_closed_in_the_child_and_goes_on_in_the_parent(scripted, channel_to, send, in_child):
    server = scripted(RCPT=scripted.HANG)
    channel = channel_to(server)
    failures = []

    def work():
        try:
            send(channel, within=3.0)
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert server.reached.wait(3)
    descriptors = open_connections(channel.port)

    assert len(descriptors) == 2
    assert in_child(lambda: all(map(is_closed, descriptors)))
    assert not any(map(is_closed, descriptors))
    server.close()
    thread.join(5)
    assert len(failures) == 1


def test_a_lock_that_is_held_while_forking_does_not_stop_the_child(channel, in_child):
    with channel._mailer.pool._lock:
        assert in_child(lambda: channel._mailer.pool.take() is None)
