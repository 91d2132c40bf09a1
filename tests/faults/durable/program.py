"""An application with a durable store, to be killed: ``python program.py SETTINGS``, told in JSON.

It says on stdout, one line each: ``ready``; ``accepted I ALERT_ID`` once alert number I is committed; ``error TYPE …``
for an enqueue that failed and is asked for again under the same key; ``late`` for a completion that was refused;
``drained`` when nothing waits any more; ``closed True`` after SIGTERM.
"""

import json
import logging
import os
import signal
import sys
import threading
import time

from tocsin import Alert, NotificationConfig, NotificationService, StoreError, TocsinError
from tocsin.clock import SystemClock
from tocsin.dispatch.unit import units_of
from tocsin_sql import SqlStore

_LATE = ("delivery_late", "store_trouble", "leases_lost")


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


class Later(SystemClock):
    """The machine's clocks, so many seconds later: every lease of who died before is over."""

    def __init__(self, seconds):
        self._seconds = seconds

    def monotonic(self):
        return time.monotonic() + self._seconds


class Told(logging.Handler):
    def emit(self, record):
        if record.getMessage() in _LATE:
            say({"delivery_late": "late"}.get(record.getMessage(), record.getMessage()))


def make_service(settings):
    channels = {
        f"c{number}": {"type": "webhook", "urls": [f"{settings['url']}/c{number}"]}
        for number in range(settings.get("channels", 6))
    }
    delivery = {"retry_delay": 0.05, "timeout": 2.0, "workers": 2} | settings.get("delivery", {})
    config = NotificationConfig.from_mapping({"channels": channels, "delivery": delivery})
    clock = Later(settings.get("shift", 0.0))
    store = SqlStore(url=settings["store"])
    return NotificationService(config, store=store, clock=clock, strict=True)


def put(service, numbers):
    """Have alerts in the store without delivering them."""
    for number in numbers:
        alert = Alert(title=f"n{number}", message="what happened")
        plan = service.plan(alert)
        units = units_of(alert, plan, service.registry.channel, service.store.now())
        added = service.store.add(alert, plan, units, key=f"k{number}")
        say("accepted", number, added.alert_id)


def enqueue(service, numbers, stop, pace=0.0):
    """Enqueue each, and again under its key until it is accepted; ``pace``: seconds between two."""
    began = time.monotonic()
    for position, number in enumerate(numbers):
        if pace:
            stop.wait(max(0.0, began + position * pace - time.monotonic()))
        while not stop.is_set():
            try:
                handle = service.enqueue(Alert(title=f"n{number}", message="what happened"), key=f"k{number}")
            except StoreError as error:
                say("error", type(error).__name__, error)
                time.sleep(0.1)
            except TocsinError as error:
                say("fault", type(error).__name__, error)
                return
            else:
                say("accepted", number, handle.alert_id)
                break


def send(service, settings, stop):
    threads, count = settings.get("threads", 1), settings.get("alerts", 0)
    work = [
        threading.Thread(
            target=enqueue, args=(service, range(first, count, threads), stop, settings.get("pace", 0.0)), daemon=True
        )
        for first in range(threads)
    ]
    for one in work:
        one.start()
    service.work()
    while not stop.is_set():
        if not any(one.is_alive() for one in work) and drained(service):
            say("drained")
            if not settings.get("stay"):
                return
            stop.wait()
        stop.wait(0.05)


def drained(service):
    try:
        return service.store.waiting() == 0
    except StoreError as error:
        say("error", type(error).__name__, error)
        return False


def main():
    settings = json.loads(sys.argv[1])
    logger = logging.getLogger("tocsin")
    logger.addHandler(Told())
    logger.setLevel(settings.get("level", "WARNING"))
    service = make_service(settings)
    for loss in service.store.losses:
        say("lost", loss)
    if settings["do"] == "put":
        put(service, range(settings["alerts"]))
        service.close(0.0, drain=False)
        return
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    say("ready")
    send(service, settings, stop)
    say("closed", service.close(settings.get("grace", 5.0), drain=False))


if __name__ == "__main__":
    main()
