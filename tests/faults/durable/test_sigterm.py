"""Row "SIGTERM at random under load", on the command line's own worker."""

import json
import os
import pathlib
import random
import signal
import sys
import time

from .files import integrity, query
from .processes import Process

CHANNELS = 6
GRACE, TIMEOUT = 5.0, 2.0


def test_told_to_end_at_random(scale, figure, make_receiver, program, path, tmp_path):
    alerts, ends = 300 * scale, 6 * min(scale, 4)
    receiver = make_receiver(delay=0.02)
    process = program("put", receiver, alerts=alerts)
    assert process.wait() == 0, process.errors
    units = {(one, f"c{number}") for one in process.accepted.values() for number in range(CHANNELS)}
    command = [pathlib.Path(sys.executable).with_name("tocsin"), "worker", "--grace", str(GRACE)]
    environment = os.environ | {"TOCSIN_CONFIG": str(configured(tmp_path, path, receiver.url))}

    took, codes = [], []
    rng = random.Random(6)
    moments = sorted(rng.randrange(5, len(units) * 9 // 10) for _ in range(ends))
    for moment in moments:
        worker = Process(command, env=environment)
        assert receiver.wait_for(max(moment, receiver.total + 1)), worker.errors
        began = time.monotonic()
        worker.signal(signal.SIGTERM)
        codes.append(worker.wait(60))
        took.append(time.monotonic() - began)
        assert not query(path, "SELECT 1 FROM tocsin_deliveries WHERE state = 'in_flight'"), worker.errors
    last = Process([*command, "--once"], env=environment)
    assert last.wait(300) == 0, last.errors

    figure("ends", len(codes))
    figure("exit codes that are not 0", sum(map(bool, codes)), "", "== 0")
    figure("ended after, at most", max(took), "s", f"<= {GRACE + 1.0}")
    figure("deliveries", len(units))
    figure("lost", len(units - receiver.taken), "", "== 0")
    figure("repeated successes", receiver.repeated, "", "== 0")
    assert integrity(path) == "ok"


def configured(folder, path, url):
    """A configuration with six channels and the store."""
    channels = "".join(
        f"[channels.c{number}]\ntype = 'webhook'\nurls = [{json.dumps(f'{url}/c{number}')}]\n"
        for number in range(CHANNELS)
    )
    file = folder / "tocsin.toml"
    delivery = f"[delivery]\ntimeout = {TIMEOUT}\nworkers = 2\nretry_delay = 0.05\n"
    file.write_text(f"[store]\nurl = 'sqlite:///{path}'\n{delivery}{channels}")
    return file
