"""PostgreSQL restarted under load: what was accepted arrives, and whoever is told no is told so by type."""

import contextlib
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time

import pytest

from tocsin import Alert, NotificationConfig, NotificationService, Receipt, Recipient, StoreError, hookimpl
from tocsin_sql import SqlStore

ALERTS, RESTARTS = 300, 3


class Server:
    """A PostgreSQL of this test's own, that it may stop."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
        self.bin = found[-1].parent if found else pathlib.Path(shutil.which("pg_ctl") or "pg_ctl").parent
        self._run("initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres", "--no-sync")
        self.start()

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-o", options, "-w", "start")

    def stop(self, mode):
        self._run("pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "stop")

    def _run(self, name, *arguments):
        as_user = ["runuser", "-u", "postgres", "--"] if pathlib.Path(self.folder).owner() == "postgres" else []
        subprocess.run([*as_user, self.bin / name, *arguments], check=True, stdout=subprocess.DEVNULL, timeout=60)


@pytest.fixture
def server():
    # Not in pytest's folder, which only its owner may enter.
    with tempfile.TemporaryDirectory(prefix="tocsin-postgresql-") as name:
        folder = pathlib.Path(name)
        with contextlib.suppress(LookupError, PermissionError):  # the server refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
        server = Server(folder, free_port())
        yield server
        with contextlib.suppress(subprocess.CalledProcessError):
            server.stop("immediate")


def free_port():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Channel:
    """Takes everything, and writes down what."""

    recipients = (Recipient.of("only"),)

    def __init__(self):
        self.taken = []

    @hookimpl
    def send(self, alert, recipient, context):
        time.sleep(0.005)
        self.taken.append((alert.alert_id, context.key))
        return Receipt()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_under_load(mode, server):
    url = f"postgresql://postgres@127.0.0.1:{server.port}/postgres"
    store = SqlStore(url=url)
    store.upgrade()
    store.close()
    channel, accepted, refused = Channel(), [], []
    config = NotificationConfig.from_mapping({"delivery": {"timeout": 5.0, "retry_delay": 0.05}})
    with NotificationService(config, store=SqlStore(url=url)) as service:
        service.add_channel("a", channel)
        service.work()
        sender = threading.Thread(target=enqueue, args=(service, accepted, refused))
        sender.start()
        for number in range(1, RESTARTS + 1):
            until(lambda number=number: len(accepted) >= number * ALERTS // (RESTARTS + 2))
            server.stop(mode)
            server.start()
        sender.join(120)
        until(lambda: waiting(service) == 0)
        states = {str(one.state) for one in service.store.select(limit=10_000)}
    print(f"{mode}: accepted {len(accepted)}, refused and repeated {len(refused)}, sent {len(channel.taken)}")
    assert not sender.is_alive()
    assert len(accepted) == ALERTS == len(set(accepted))
    assert set(accepted) == {alert_id for alert_id, _ in channel.taken}
    assert len(channel.taken) == ALERTS
    assert states == {"accepted"}


def enqueue(service, accepted, refused):
    for number in range(ALERTS):
        while True:
            try:
                handle = service.enqueue(Alert(title=f"n{number}", message="x"), key=f"k{number}")
            except StoreError as error:
                refused.append(error)
                time.sleep(0.1)
            else:
                accepted.append(handle.alert_id)
                break


def waiting(service):
    with contextlib.suppress(StoreError):
        return service.store.waiting()
    return None


def until(holds, seconds=120.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
