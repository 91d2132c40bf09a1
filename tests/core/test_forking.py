"""A forked child: it has the memory of its parent, and none of its other threads."""

import gc
import multiprocessing
import os
import signal
import threading
from contextlib import contextmanager

import pytest

from tocsin import Alert, NotificationConfig, NotificationService

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]
LOCKS = (type(threading.Lock()), type(threading.RLock()), threading.Condition)


def an_alert():
    return Alert(title="t", message="m")


@pytest.fixture
def service():
    service = NotificationService(NotificationConfig())
    service.add_channel("x", lambda alert: None)
    assert service.send_notification(an_alert()).is_complete
    yield service
    service.close(1)


def in_child(work):
    """What the work returned in a forked child; nothing where it did not come back."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            os.write(writer, str(work()).encode())
        except BaseException as error:
            os.write(writer, f"{error!r}".encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader, "rb") as pipe:
        return pipe.read().decode()


def our_locks():
    """Every lock that an object of the core has."""
    ours = [one for one in gc.get_objects() if str(type(one).__module__).startswith("tocsin.")]
    for one in ours:
        for kind in type(one).__mro__:
            names = {*getattr(one, "__dict__", ()), *getattr(kind, "__slots__", ())} - {"__weakref__", "__dict__"}
            yield from (value for name in names if isinstance(value := getattr(one, name, None), LOCKS))


@contextmanager
def held(locks):
    """Another thread holds each of them that nobody holds."""
    holding, done = threading.Event(), threading.Event()
    taken = []

    def hold():
        taken.extend(lock for lock in locks if lock.acquire(blocking=False))
        holding.set()
        done.wait()
        for lock in taken:
            lock.release()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait()
    try:
        yield taken
    finally:
        done.set()
        thread.join()


def test_a_lock_that_was_held_while_forking_hangs_no_child(service):
    def work():
        complete = service.send_notification(an_alert()).is_complete
        service.add_channel("y", lambda alert: None)
        healthy = service.get_channel_health()["x"]["state"]
        return complete, healthy, service.get_statistics()["total_alerts"], service.close(5)

    with held(list(our_locks())) as taken:
        assert len(taken) > 8
        assert in_child(work) == "(True, 'ready', 2, True)"
    assert service.send_notification(an_alert()).is_complete


def test_observers_in_the_child_are_told_of_its_own_alerts():
    told = []
    service = NotificationService(NotificationConfig(), observers=[told.append])
    service.add_channel("x", lambda alert: None)
    first = service.send_notification(an_alert())

    def work():
        told.clear()
        sent = service.send_notification(an_alert()).alert_id
        return service.close(5), [report.alert_id for report in told] == [sent]

    assert in_child(work) == "(True, True)"
    assert service.close(5)
    assert [report.alert_id for report in told] == [first.alert_id]


def test_a_process_of_multiprocessing_delivers(service):
    def work(answers):
        answers.send(service.send_notification(an_alert()).is_complete)

    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=work, args=(there,))
    process.start()

    assert here.poll(20)
    assert here.recv()
    process.join()
    here.close()
    there.close()
