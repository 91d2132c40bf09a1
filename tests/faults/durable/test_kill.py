"""Rows "kill -9": at random moments, and at every system call that matters."""

import collections
import datetime
import json
import random
import re
import subprocess
import sys

import pytest

from .files import half_stored, in_flight, integrity, query, takeovers
from .processes import PROGRAM
from .receiver import MIXED, Receiver

CHANNELS = 6
TIMEOUT = 2.0
LEASE = TIMEOUT + 15.0
SMALL = 20
CALLS = ("fdatasync", "pwrite64", "write", "sendto", "connect")


def test_kill_at_random_moments(scale, figure, make_receiver, program, path):
    alerts, kills = (5_000, 20) if scale > 1 else (1_000, 10)
    rng = random.Random(4)
    receiver = make_receiver(MIXED, seed=4)
    moments = sorted(rng.randrange(10, alerts * CHANNELS * 19 // 20) for _ in range(kills))
    killed = []
    for moment in moments:
        process = program("send", receiver, alerts=alerts, threads=4, delivery={"timeout": TIMEOUT})
        process.wait_line("ready")
        assert receiver.wait_for(max(moment, receiver.total + 1))
        at = datetime.datetime.now(datetime.UTC)
        process.kill()
        killed.append((at, in_flight(path)))
    process = program("send", receiver, alerts=alerts, threads=4, delivery={"timeout": TIMEOUT})
    process.wait_line("drained")
    assert process.wait() == 0

    window = sum(len(held) for _, held in killed)
    units = {(alert_id, f"c{number}") for alert_id in process.accepted.values() for number in range(CHANNELS)}
    figure("kills", len(killed))
    figure("deliveries", len(units), "", f"== {alerts * CHANNELS}")
    figure("requests", receiver.total)
    figure("lost", len(units - receiver.taken), "", "== 0")
    figure("alerts nobody enqueued", len({unit[0] for unit in receiver.arrivals} - {one for one, _ in units}), "", 0)
    figure("units under a second key", receiver.under_a_second_key, "", "== 0")
    figure("repeated successes", receiver.repeated, "", f"<= {window}")
    figure("in flight at the kills", window)
    figure("half-stored alerts", half_stored(path, CHANNELS), "", "== 0")
    assert integrity(path) == "ok"
    figure("integrity check", "ok")
    figure("recovery, the latest", latest_recovery(path, killed), "s", f"<= {LEASE + 5.0}")


def latest_recovery(path, killed):
    """Seconds until the last of what was in flight at a kill had been taken over."""
    found = {}
    for delivery, began in takeovers(path):
        found.setdefault(delivery, []).append(datetime.datetime.fromisoformat(began))
    waits = []
    for at, held in killed:
        for delivery in held:
            after = [began for began in found.get(delivery, []) if began > at]
            assert after, "what was in flight at a kill was not taken over"
            waits.append((min(after) - at).total_seconds())
    return max(waits, default=0.0)


@pytest.fixture(scope="module")
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def prepared(receiver, tmp_path_factory):
    """Put into a folder what a role begins with; the settings for its program."""
    source = tmp_path_factory.mktemp("filled") / "tocsin.db"
    settings = {"do": "put", "store": f"sqlite:///{source}", "url": receiver.url, "alerts": SMALL}
    subprocess.run([sys.executable, str(PROGRAM), json.dumps(settings)], check=True, capture_output=True, timeout=60)

    def prepare(role, folder):
        for file in folder.glob("tocsin.db*"):
            file.unlink()
        if role == "working":
            (folder / "tocsin.db").write_bytes(source.read_bytes())
        receiver.forget()
        return {"alerts": SMALL if role == "enqueuing" else 0}

    return prepare


@pytest.fixture(scope="module")
def calls_of(receiver, prepared, tmp_path_factory):
    """How often one thread at most makes each system call in a run that nothing disturbs."""
    known = {}

    def count(role):
        if role not in known:
            folder = tmp_path_factory.mktemp("reference")
            settings = prepared(role, folder) | {
                "do": "send",
                "store": f"sqlite:///{folder / 'tocsin.db'}",
                "url": receiver.url,
            }
            trace = folder / "trace"
            command = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", str(trace), f"--trace={','.join(CALLS)}"]
            command += [sys.executable, str(PROGRAM), json.dumps(settings)]
            subprocess.run(command, check=True, capture_output=True, timeout=120)
            seen = collections.Counter(re.findall(r"^(\d+) +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE))
            known[role] = {call: max((n for (_, c), n in seen.items() if c == call), default=0) for call in CALLS}
        return known[role]

    return count


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("role", ["enqueuing", "working"])
def test_kill_at_a_system_call(
    role, call, scale, figure, strace, receiver, program, deliver_rest, calls_of, prepared, path
):
    most = calls_of(role)[call]
    moments = range(1, most + 1) if scale > 1 else sample(most, 2)
    deaths, wrong = 0, collections.Counter()
    window = repeated = 0
    for moment in moments:
        settings = prepared(role, path.parent)
        process = program("send", receiver, before=strace(call, f"signal=KILL:when={moment}"), **settings)
        deaths += process.wait() != 0
        window += inspect(path, wrong)
        rest = deliver_rest(receiver, **settings)
        wrong["changed"] += sum(rest.accepted[number] != alert_id for number, alert_id in process.accepted.items())
        stored = {alert_id for (alert_id,) in query(path, "SELECT id FROM tocsin_alerts")}
        wrong["doubled"] += len(stored) - SMALL + len(receiver.titles) - len(set(receiver.titles.values()))
        wrong["lost"] += sum((one, f"c{n}") not in receiver.taken for one in stored for n in range(CHANNELS))
        wrong["second key"] += receiver.under_a_second_key
        repeated += receiver.repeated
    figure("calls of a thread, at most", most, "", ">= 1")
    figure("runs", len(moments))
    figure("killed", deaths, "", ">= 1")
    figure("lost", wrong["lost"], "", "== 0")
    figure("files with damage", wrong["damaged"], "", "== 0")
    figure("half-stored alerts", wrong["half"], "", "== 0")
    figure("accepted alerts that a repeat under the key did not find", wrong["changed"], "", "== 0")
    figure("alerts stored twice", wrong["doubled"], "", "== 0")
    figure("units under a second key", wrong["second key"], "", "== 0")
    figure("in flight at the kills", window)
    figure("repeated successes", repeated, "", f"<= {window}")


def inspect(path, wrong):
    """Look at what a kill left of the store; how many deliveries were in flight."""
    if not path.exists() or not path.stat().st_size:
        return 0
    wrong["damaged"] += integrity(path) != "ok"
    if not query(path, "SELECT 1 FROM sqlite_master WHERE name = 'tocsin_alerts'"):
        return 0
    wrong["half"] += half_stored(path, CHANNELS)
    return len(in_flight(path))


def sample(most, count):
    """The first moment and some later ones; how many there are differs a little from run to run."""
    rng = random.Random(most)
    later = range(2, max(2, most * 3 // 4) + 1)
    return sorted({1, *rng.sample(later, min(count - 1, len(later)))}) if most > 1 else [1]
