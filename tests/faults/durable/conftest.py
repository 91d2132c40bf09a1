"""Receivers, programs and files for the rows about the durable store."""

import contextlib
import shutil

import pytest

from .processes import Process
from .receiver import Receiver


@pytest.fixture
def make_receiver():
    """Start a receiver: ``make_receiver(MIXED, seed=1)``."""
    with contextlib.ExitStack() as stack:

        def start(*args, **kwargs):
            receiver = Receiver(*args, **kwargs)
            stack.callback(receiver.close)
            return receiver

        yield start


@pytest.fixture
def path(tmp_path):
    """Where the store's file is."""
    return tmp_path / "tocsin.db"


@pytest.fixture
def program(path):
    """Start the application on the test's store: ``program("send", receiver, alerts=20)``."""
    with contextlib.ExitStack() as stack:

        def start(do, receiver, before=(), store=None, **settings):
            url = store or f"sqlite:///{path}"
            process = Process.program(before, do=do, url=receiver.url, store=url, **settings)
            stack.callback(process.close)
            return process

        yield start


@pytest.fixture
def strace():
    """Inject into a system call: ``strace("fdatasync", "signal=KILL:when=3")``, what to run a program with."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("needs strace: apt-get install strace")

    def inject(call, what):
        # Not with --seccomp-bpf: strace 6.1 then counts the calls wrongly.
        return [found, "-f", "-qq", "-o", "/dev/null", f"--trace={call}", f"--inject={call}:{what}"]

    return inject


@pytest.fixture
def deliver_rest(program, path):
    """Have everything delivered by a fresh worker for whom every lease is over: ``deliver_rest(receiver)``."""

    def run(receiver, **settings):
        process = program("send", receiver, **{"shift": 120.0} | settings)
        process.wait_line("drained")
        assert process.wait() == 0, process.errors
        return process

    return run
