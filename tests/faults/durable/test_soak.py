"""A steady rate with a fault in twenty, for as long as is wanted: ``nox -s faults -- tests/faults/durable/test_soak.py
--soak 30``. Memory, descriptors and threads stay as they are.
"""

import os
import re
import signal
import statistics
import time

import pytest

from .receiver import OK
from .test_storage import processor

RATE = 20
FAULTS = {OK: 0.95, "500": 0.02, "reset after the body": 0.015, "429": 0.015}


def seen(pid):
    """MiB in memory, open descriptors, threads."""
    with open(f"/proc/{pid}/status") as file:
        status = file.read()
    memory = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
    return memory, len(os.listdir(f"/proc/{pid}/fd")), int(re.search(r"Threads:\s+(\d+)", status)[1])


def test_soak(request, figure, make_receiver, program):
    minutes = request.config.getoption("--soak")
    if not minutes:
        pytest.skip("asked for with --soak MINUTES")
    receiver = make_receiver(FAULTS, seed=20)
    alerts = int(minutes * 60.0 * RATE)
    process = program("send", receiver, alerts=alerts, stay=True, pace=1.0 / RATE)
    pid = process.popen.pid
    samples, end = [], time.monotonic() + minutes * 60.0
    while time.monotonic() < end:
        time.sleep(min(5.0, minutes * 1.5))
        samples.append(seen(pid))
    process.wait_line("drained", 300)
    used = processor(pid)
    process.signal(signal.SIGTERM)
    assert process.wait() == 0, process.errors

    # The first quarter warms up: connections open, SQLite's and Python's memory fills.
    first, last = samples[len(samples) // 4 : len(samples) // 2], samples[-(len(samples) // 4) or -1 :]
    units = {(one, f"c{number}") for one in process.accepted.values() for number in range(6)}
    figure("minutes", minutes)
    figure("deliveries", len(units), "", f"== {alerts * 6}")
    for name, unit, place, bound in (("memory", "MiB", 0, 16), ("descriptors", "", 1, 4), ("threads", "", 2, 4)):
        before, after = (statistics.median(sample[place] for sample in part) for part in (first, last))
        figure(f"{name}, in the second quarter", before, unit)
        figure(f"{name}, more in the last", after - before, unit, bound)
    figure("processor", used / (minutes * 60.0))
    figure("lost", len(units - receiver.taken), "", "== 0")
    figure("repeated successes", receiver.repeated, "", "== 0")
