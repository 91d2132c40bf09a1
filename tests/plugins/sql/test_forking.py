"""A store that was open when its process forked: parent and child go on with it, or the child is told why it cannot."""

import contextlib
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading

import pytest

from tocsin import Alert, NotificationConfig, NotificationService
from tocsin_sql import SqlStore, forking

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]
ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
DAEMON = """
    import os, sys
    from tocsin import Alert, NotificationConfig, NotificationService
    from tocsin_sql import SqlStore

    service = NotificationService(NotificationConfig(), store=SqlStore(url="sqlite:///" + sys.argv[1]))
    service.add_channel("x", lambda alert: None)
    service.send_notification(Alert(title="t", message="m"))
    if os.fork():
        os._exit(0)
    os.setsid()
    for line in sys.stdin:
        print(service.enqueue(Alert(title="t", message="m")).alert_id, flush=True)
"""


def an_alert():
    return Alert(title="t", message="m")


@pytest.fixture
def service(path):
    service = NotificationService(NotificationConfig(), store=SqlStore(url=f"sqlite:///{path}"))
    service.add_channel("x", lambda alert: None)
    assert service.send_notification(an_alert()).is_complete
    yield service
    service.close(5)


class Child:
    """A forked child that answers each question with what the work returned, or raised."""

    def __init__(self, work):
        asks, self._asked = os.pipe()
        self._answers, answers = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._asked)
            signal.alarm(30)
            try:
                while os.read(asks, 1):
                    os.write(answers, f"{_outcome(work)}\n".encode())
            finally:
                os._exit(0)
        os.close(asks)
        os.close(answers)
        self._lines = os.fdopen(self._answers)

    def ask(self):
        os.write(self._asked, b"?")
        return self._lines.readline().strip()

    def end(self):
        os.close(self._asked)
        self._lines.close()
        os.waitpid(self._pid, 0)


def _outcome(work):
    try:
        return work()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.fixture
def fork():
    with contextlib.ExitStack() as stack:

        def make(work):
            child = Child(work)
            stack.callback(child.end)
            return child

        yield make


def stored(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT id FROM tocsin_alerts")}


def elsewhere(path):
    """Another process opens the file and closes it: the last one to do so ends the write-ahead log."""
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM tocsin_alerts'); c.close()"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


@pytest.mark.parametrize("closes", [True, False])
def test_what_a_child_accepted_is_there_though_others_end_the_log(service, fork, path, closes):
    child = fork(lambda: service.send_notification(an_alert()).alert_id)
    accepted = [child.ask()]
    if closes:
        assert service.close(5)
    elsewhere(path)
    accepted += [child.ask() for _ in range(3)]

    assert set(accepted) <= stored(path)
    assert len(stored(path)) == 5


def test_a_daemon_whose_parent_has_ended_loses_nothing(path):
    daemon = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(DAEMON), str(path)],
        env=ENV,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert daemon.wait(30) == 0
    accepted = []
    for _ in range(4):
        daemon.stdin.write("\n")
        accepted.append(daemon.stdout.readline().strip())
        elsewhere(path)
    daemon.stdin.close()
    assert daemon.stdout.read() == ""
    daemon.stdout.close()

    assert all(accepted)
    assert set(accepted) < stored(path)


def test_each_child_gets_through_while_four_threads_write(service, fork, path):
    stop, accepted = threading.Event(), []

    def write():
        while not stop.is_set():
            accepted.append(service.enqueue(an_alert()).alert_id)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        answers = [fork(lambda: service.enqueue(an_alert()).alert_id).ask() for _ in range(15)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    print(f"15 forks beside four threads that had {len(accepted)} alerts accepted")
    assert {*answers, *accepted} <= stored(path)


def test_a_process_of_multiprocessing_writes(service, path):
    def work(answers):
        answers.send(service.send_notification(an_alert()).alert_id)

    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=work, args=(there,))
    process.start()

    assert here.poll(30)
    assert here.recv() in stored(path)
    process.join()
    here.close()
    there.close()


def test_a_child_is_refused_where_the_application_has_the_file_open(service, fork, path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT count(*) FROM tocsin_alerts").fetchall()
        child = fork(lambda: service.enqueue(an_alert()).alert_id)
        answers = [child.ask(), child.ask()]

    assert set(answers) == {answers[0]}
    assert answers[0].startswith("StoreError: ")
    assert "open from before it was forked" in answers[0]
    assert "after the fork" in answers[0]
    assert service.send_notification(an_alert()).is_complete


def test_a_child_is_refused_where_a_transaction_did_not_end_in_time(service, fork, monkeypatch):
    monkeypatch.setattr(forking, "_PATIENCE", 0.1)
    inside, go = threading.Event(), threading.Event()
    store = service._dispatcher._store

    def work(_):
        inside.set()
        go.wait()

    thread = threading.Thread(target=lambda: store._writer.call(work))
    thread.start()
    inside.wait()
    child = fork(lambda: service.enqueue(an_alert()).alert_id)
    answer = child.ask()
    go.set()
    thread.join()

    assert "open from before it was forked" in answer
    assert service.send_notification(an_alert()).is_complete


def test_a_read_that_is_under_way_is_waited_for(service, fork):
    inside, go = threading.Event(), threading.Event()
    store = service._dispatcher._store

    def question(_):
        inside.set()
        go.wait()

    thread = threading.Thread(target=lambda: store._glance(question))
    thread.start()
    inside.wait()
    threading.Timer(0.05, go.set).start()
    answer = fork(lambda: service.send_notification(an_alert()).is_complete).ask()
    thread.join()

    assert answer == "True"


def test_a_file_that_is_deleted_after_a_fork_is_put_back(service, fork, path):
    assert fork(lambda: service.send_notification(an_alert()).is_complete).ask() == "True"
    assert service.send_notification(an_alert()).is_complete
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink()
    assert service.send_notification(an_alert()).is_complete

    assert len(stored(path)) == 4


def test_a_store_that_was_closed_before_the_fork_is_opened_by_the_child(make_store, fork):
    before = NotificationService(NotificationConfig(), store=make_store())
    assert before.close(5)

    def work():
        service = NotificationService(NotificationConfig(), store=make_store())
        service.add_channel("x", lambda alert: None)
        return service.send_notification(an_alert()).is_complete

    assert fork(work).ask() == "True"


def test_another_file_that_the_application_has_open_does_not_matter(make_store, fork, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "another.db")) as connection:
        connection.execute("CREATE TABLE t (c)")
        service = NotificationService(NotificationConfig(), store=make_store())
        service.add_channel("x", lambda alert: None)
        assert fork(lambda: service.send_notification(an_alert()).is_complete).ask() == "True"
        service.close(5)
