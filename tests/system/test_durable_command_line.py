"""The durable commands as an operator has them: real processes on one SQLite file, signals, and workers that die."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and terminals of Unix")
WAIT = 60.0

CHANNEL = '''
"""A channel that writes a line for each message, and can be told to be slow, to fail or to hang."""

import os
import time

import attrs

from tocsin import Capabilities, Receipt, Recipient, ServerError, hookimpl
from tocsin.settings import setting


@attrs.define(eq=False, kw_only=True)
class Post:
    capabilities = Capabilities(rate_limit=0)
    mode: str = attrs.field(default="ok", metadata=setting("POST_MODE", "How it goes"))
    recipients = (Recipient.of("alice@example.com"),)

    @hookimpl
    def send(self, alert, recipient, context):
        self.note(f"began {alert.title} {context.key}")
        if self.mode == "hang":
            while True:
                time.sleep(3600)
        if self.mode == "down":
            raise ServerError("the post office is closed", status_code=503)
        if self.mode == "slow":
            time.sleep(0.1)
        self.note(f"ended {alert.title} {context.key}")
        return Receipt(provider_id=alert.title)

    def note(self, line):
        with open("post.txt", "a", encoding="utf-8") as file:
            file.write(f"{line}\\n")
'''


@pytest.fixture
def folder(tmp_path, tmp_path_factory):
    """A folder with a store and one channel, `post`, in its configuration."""
    (tmp_path / "tocsin.toml").write_text(
        '[store]\nurl = "sqlite:///tocsin.db"\n\n'
        '[delivery]\nretry_delay = 0.05\nbackoff = "constant"\ntimeout = 2\ndeadline = 3\n\n[channels.post]\n'
    )
    return tmp_path


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    packages = tmp_path_factory.mktemp("packages")
    (packages / "post_of_the_tests.py").write_text(CHANNEL)
    info = packages / "tocsin_post-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tocsin-post\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tocsin.channels]\npost = post_of_the_tests:Post\n")
    return packages


@pytest.fixture
def environment(packages):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN_", "NOTIFICATION_"))}
    path = os.pathsep.join(filter(None, (str(packages), os.environ.get("PYTHONPATH"))))
    return kept | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", "TERM": "xterm", "POST_MODE": "ok"}


@pytest.fixture
def start(folder, environment):
    """Start the program in the folder: ``start("worker", mode="slow")``; killed at the end of the test."""
    with contextlib.ExitStack() as stack:

        def start(*args, mode="ok", **kwargs):
            pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
            command = [sys.executable, "-m", "tocsin", *args]
            process = subprocess.Popen(
                command, cwd=folder, env=environment | {"POST_MODE": mode}, **pipes | kwargs
            )  # fmt: skip
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


@pytest.fixture
def tocsin(start):
    """Run the program to its end."""

    def run(*args, **kwargs):
        process = start(*args, **kwargs)
        stdout, stderr = process.communicate(timeout=WAIT)
        return subprocess.CompletedProcess(args, process.returncode, stdout, stderr)

    return run


@pytest.fixture
def keep(tocsin, folder):
    """Keep so many alerts, ``t1``, ``t2``…, in the store."""

    def keep(count=1):
        (folder / "lines").write_text("".join(f'{{"title": "t{n}"}}\n' for n in range(1, count + 1)))
        result = tocsin("send", "--durable", "--no-wait", "--jsonl", "lines", "--key", "run")
        assert result.returncode == 0, result.stderr

    return keep


@pytest.fixture
def posted(folder):
    """The titles that the channel has begun or ended with."""

    def posted(word="ended"):
        path = folder / "post.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.split()[1] for line in lines if line.startswith(word)]

    return posted


def until(condition):
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def states(tocsin):
    found = json.loads(tocsin("deliveries", "list", "--limit", "1000", "--json").stdout)
    return {one["alert_id"]: one["state"] for one in found}


def test_what_one_process_keeps_another_delivers(tocsin, posted):
    kept = tocsin("send", "Disk full", "--durable", "--no-wait", "--json")

    assert kept.returncode == 0
    assert json.loads(kept.stdout)["kept"] is True
    assert posted("began") == []

    worker = tocsin("worker", "--once")

    assert worker.returncode == 0
    assert posted() == ["Disk"]
    assert "Delivering through post from sqlite:///tocsin.db." in worker.stderr
    assert worker.stderr.splitlines()[-1] == "1 delivered · exit 0"
    assert "\x1b" not in worker.stderr


def test_a_key_that_is_known_sends_nothing_from_any_process(tocsin, posted):
    first = json.loads(tocsin("send", "a", "--durable", "--key", "k", "--json").stdout)
    again = json.loads(tocsin("send", "b", "--durable", "--key", "k", "--json").stdout)

    assert (first["known"], again["known"]) == (False, True)
    assert first["alert_id"] == again["alert_id"]
    assert posted("began") == ["a"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_told_to_stop_finishes_what_it_has_begun(start, tocsin, keep, posted, number):
    keep(200)
    worker = start("worker", mode="slow")
    until(lambda: len(posted()) >= 5)
    worker.send_signal(number)
    _, stderr = worker.communicate(timeout=WAIT)

    assert worker.returncode == 0, stderr
    assert "Stopping: finishing what has begun, up to 10 s" in stderr
    assert sorted(posted("began")) == sorted(posted())
    assert len(posted()) < 200
    assert set(states(tocsin).values()) == {"accepted", "pending"}

    assert tocsin("worker", "--once").returncode == 0
    assert sorted(posted()) == sorted(f"t{n}" for n in range(1, 201))


def test_a_hung_plugin_does_not_hold_up_the_end(start, tocsin, keep, posted, folder):
    text = (folder / "tocsin.toml").read_text()
    (folder / "tocsin.toml").write_text(text.replace("timeout = 2", "timeout = 600"))
    keep(50)
    worker = start("worker", "--grace", "1", mode="hang")
    until(lambda: posted("began"))
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    _, stderr = worker.communicate(timeout=WAIT)

    assert worker.returncode == 75
    assert time.monotonic() - began < 15
    assert "Not everything was finished in time" in stderr
    found = list(states(tocsin).values())
    assert 0 < found.count("in_flight") == len(posted("began"))
    assert found.count("pending") == 50 - found.count("in_flight")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_ends_it_at_once(start, keep, posted, number, code):
    keep()
    worker = start("worker", "--grace", "600", mode="hang")
    until(lambda: posted("began"))
    worker.send_signal(number)
    until(lambda: "Stopping" in worker.stderr.readline())
    worker.send_signal(number)

    assert worker.wait(WAIT) == code
    assert f"exit {code}" in worker.stderr.read()


def test_what_a_killed_worker_had_is_delivered_by_another_under_the_same_key(start, tocsin, keep, posted, folder):
    keep(3)
    worker = start("worker", mode="hang")
    until(lambda: len(posted("began")) == 3)
    worker.kill()
    worker.wait(WAIT)

    assert set(states(tocsin).values()) == {"in_flight"}
    other = start("worker")
    until(lambda: len(posted()) == 3)
    other.send_signal(signal.SIGTERM)

    assert other.wait(WAIT) == 0
    lines = [line.split()[1:] for line in (folder / "post.txt").read_text().splitlines()]
    assert len({tuple(line) for line in lines}) == 3
    assert set(states(tocsin).values()) == {"accepted"}


def test_what_does_not_arrive_is_kept_and_arrives_with_a_worker(tocsin, posted):
    sent = tocsin("send", "late", "--durable", mode="down")

    assert sent.returncode == 75
    assert "it is kept, and tocsin worker goes on" in sent.stderr
    until(lambda: tocsin("worker", "--once").returncode == 0 and posted() == ["late"])
    assert list(states(tocsin).values()) == ["accepted"]


def test_a_decision_is_carried_out_and_on_record(tocsin, keep, posted, folder):
    keep(2)
    cancelled = tocsin("deliveries", "cancel", "--state", "pending", "--yes", "--reason", "maintenance")
    assert cancelled.returncode == 0, cancelled.stderr
    tocsin("worker", "--once")
    assert posted("began") == []

    alert_id = next(iter(states(tocsin)))
    text = tocsin("deliveries", "show", alert_id).stdout
    assert ": maintenance" in text
    assert "alice@" not in text
    assert tocsin("deliveries", "replay", alert_id).returncode == 0
    tocsin("worker", "--once")
    assert len(posted()) == 1

    with contextlib.closing(sqlite3.connect(folder / "tocsin.db")) as connection:
        rows = connection.execute("SELECT action, subject, actor FROM tocsin_audit ORDER BY id").fetchall()
    assert [row[0] for row in rows] == ["cancel", "cancel", "replay"]
    assert rows[-1][1].startswith(f"{alert_id} post ")
    assert all("@" in row[2] for row in rows)


def test_tail_follows_what_another_process_does(start, tocsin, keep):
    keep()
    tail = start("deliveries", "tail", "--json")
    assert json.loads(tail.stdout.readline())["state"] == "pending"
    tocsin("worker", "--once")

    seen = []
    until(lambda: seen.append(json.loads(tail.stdout.readline())["state"]) or seen[-1] == "accepted")
    tail.send_signal(signal.SIGINT)
    assert tail.wait(WAIT) == 130


def test_the_store_says_how_it_stands(tocsin, keep, folder):
    keep(3)
    stats = json.loads(tocsin("store", "stats", "--json").stdout)

    assert stats["alerts"] == 3
    assert stats["deliveries"] == {"post": {"pending": 3}}
    assert tocsin("store", "prune").returncode == 0
    assert tocsin("store", "upgrade").returncode == 0
    checked = tocsin("store", "check", "--json")
    assert (checked.returncode, json.loads(checked.stdout)["problems"]) == (0, [])


def test_a_damaged_file_is_salvaged_by_hand(tocsin, keep, folder):
    keep(3)
    (folder / "tocsin.db").rename(folder / "old.db")
    for name in ("tocsin.db-wal", "tocsin.db-shm"):
        if (folder / name).exists():
            (folder / name).rename(folder / name.replace("tocsin", "old"))
    rescued = tocsin("store", "salvage", "old.db", "--json")

    assert rescued.returncode == 0, rescued.stderr
    assert list(states(tocsin).values()) == ["pending"] * 3


def test_a_store_that_cannot_be_opened_is_an_error_with_its_own_code(tocsin, folder):
    (folder / "tocsin.db").mkdir()
    result = tocsin("send", "t", "--durable")

    assert result.returncode == 74
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr


def test_a_worker_on_a_terminal_keeps_one_line_up_to_date(start, keep, posted):
    keep(5)
    ours, theirs = pty.openpty()
    worker = start("worker", mode="slow", stderr=theirs)
    os.close(theirs)
    until(lambda: len(posted()) == 5)
    text = b""
    end = time.monotonic() + WAIT
    painted = select.poll()  # select refuses descriptors above 1,023, which a long test run reaches
    painted.register(ours, select.POLLIN)
    while b"5 delivered" not in text and time.monotonic() < end:
        if painted.poll(200):
            text += os.read(ours, 65536)
    worker.send_signal(signal.SIGTERM)
    with contextlib.suppress(OSError):  # Linux says that the other end of a terminal is gone with EIO
        while part := os.read(ours, 65536):
            text += part
    os.close(ours)

    assert worker.wait(WAIT) == 0
    assert re.search(rb"\r\x1b\[K\S+ delivering \xc2\xb7 5 delivered", text)
    assert text.rstrip().endswith("5 delivered · exit 0".encode())


@pytest.mark.parametrize("args", [["deliveries"], ["deliveries", "list"], ["store", "check"], ["worker"], ["send"]])
def test_help_needs_no_database_and_no_channel(environment, folder, args):
    code = (
        "import sys\nfrom tocsin.cli import main\n"
        f"main([*{args!r}, '--help'], standalone_mode=False)\n"
        "print('LOADED', *sorted({'sqlalchemy', 'alembic', 'tocsin.service', 'post_of_the_tests'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], env=environment, cwd=folder, capture_output=True, text=True)

    assert result.stdout.splitlines()[-1] == "LOADED"
    assert not (folder / "tocsin.db").exists()
