"""A forked child has connections of its own, and leaves its parent's alone."""

import os
import signal
import threading

import pytest

from tocsin import Alert, NotificationConfig, NotificationService
from tocsin_sql import SqlStore


def an_alert():
    return Alert(title="t", message="m")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_parent_and_child_go_on_while_others_write(url):
    service = NotificationService(NotificationConfig(), store=SqlStore(url=url))
    service.add_channel("x", lambda alert: None)
    assert service.send_notification(an_alert()).is_complete
    stop = threading.Event()

    def write():
        while not stop.is_set():
            service.enqueue(an_alert())

    thread = threading.Thread(target=write)
    thread.start()
    try:
        codes = [_in_child(lambda: service.send_notification(an_alert()).is_complete) for _ in range(5)]
    finally:
        stop.set()
        thread.join()

    assert codes == [0] * 5
    assert service.send_notification(an_alert()).is_complete
    service.close(5)


def _in_child(work):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]
