"""The built-in channels: the contract, and what each does besides."""

import errno
import io
import json
import os
import re
import stat
import sys

import pytest

from tocsin import Alert, ClientError, DeliveryError, ErrorKind, NotificationConfig, NotificationService, Outcome
from tocsin.builtin import ConsoleChannel, FileChannel, MemoryChannel, NullChannel
from tocsin.rendering import plain_text
from tocsin.testing import ChannelContract

BLOCK_END = re.compile(r"(?<=\nAlert \w{32})\n\n")


class TestConsole(ChannelContract):
    channel_class = ConsoleChannel
    settings = {"stream": "stdout"}  # noqa: RUF012 -- a constant
    without_recipients = True

    @pytest.fixture(autouse=True)
    def _screen(self, capfd):
        self.capfd, self.printed = capfd, ""

    def texts(self, channel):
        self.printed += self.capfd.readouterr().out
        return [block for block in BLOCK_END.split(self.printed) if block]


class TestFile(ChannelContract):
    channel_class = FileChannel
    without_recipients = True

    @pytest.fixture
    def channel_settings(self, tmp_path):
        return {"path": str(tmp_path / "alerts.jsonl"), "fsync": True}

    def texts(self, channel):
        lines = channel.path.read_text(encoding="utf-8").splitlines() if channel.path.exists() else []
        return [plain_text(Alert.from_json(line)) for line in lines]


class TestMemory(ChannelContract):
    channel_class = MemoryChannel
    settings = {"limit": 50}  # noqa: RUF012 -- a constant
    without_recipients = True

    def texts(self, channel):
        return [plain_text(alert) for alert in channel.messages]


class TestNull(ChannelContract):
    channel_class = NullChannel
    without_recipients = True


@pytest.fixture
def alert():
    return Alert(title="Disk full", message="/var is at 98 %", priority="HIGH")


@pytest.fixture
def sent_through():
    """Send an alert through a channel of one service; gives the one result."""

    def send(channel, alert):
        config = NotificationConfig.from_mapping({"delivery": {"max_retries": 0}})
        with NotificationService(config) as service:
            service.add_channel("x", channel)
            return service.send_notification(alert).results["x"].recipients[0]

    return send


def test_all_four_are_installed_with_the_core():
    tables = {"console": {}, "file": {"path": "alerts.jsonl"}, "memory": {}, "null": {}}

    with NotificationService(NotificationConfig.from_mapping({"channels": tables}), strict=True) as service:
        assert list(service.channels) == list(tables)


@pytest.mark.parametrize(("stream", "shown"), [("stdout", "out"), ("stderr", "err")])
def test_the_console_prints_one_block_on_the_stream_it_was_told(sent_through, alert, capsys, stream, shown):
    sent_through(ConsoleChannel(stream=stream), alert)
    printed = capsys.readouterr()

    assert getattr(printed, shown) == printed.out + printed.err == f"{plain_text(alert)}\n\n"


def test_the_console_takes_an_open_stream(sent_through, alert):
    stream = io.StringIO()
    sent_through(ConsoleChannel(stream=stream), alert)

    assert stream.getvalue().startswith("🟠 Disk full\n\n/var is at 98 %")


def test_what_the_console_cannot_show_is_a_question_mark(sent_through, alert):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    result = sent_through(ConsoleChannel(stream=stream), alert)

    assert result.success
    assert stream.buffer.getvalue().startswith(b"? Disk full")


@pytest.mark.parametrize("gone", [None, "closed"])
def test_a_console_that_is_gone_fails_the_delivery(sent_through, alert, monkeypatch, gone):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stdout", stream if gone else None)
    channel = ConsoleChannel()
    result = sent_through(channel, alert)

    assert (result.error_kind, result.state) == (ClientError.kind, "failed")
    assert channel.health().state == "failing"


def test_a_stream_is_one_of_two_words_or_can_be_written_to():
    for wrong in ("stdin", 1, None):
        with pytest.raises(ValueError, match="must be stdout or stderr"):
            ConsoleChannel(stream=wrong)


def test_the_memory_keeps_the_latest(sent_through):
    channel = MemoryChannel(limit=2)
    for title in "abc":
        sent_through(channel, Alert(title=title, message=""))

    assert [alert.title for alert in channel.messages] == ["b", "c"]
    channel.clear()
    assert channel.messages == ()


def test_a_line_of_the_file_is_the_whole_alert(sent_through, alert, tmp_path):
    path = tmp_path / "alerts.jsonl"
    for _ in range(2):
        assert sent_through(FileChannel(path=path), alert).success
    lines = path.read_text(encoding="utf-8").splitlines()

    assert [Alert.from_json(line) for line in lines] == [alert, alert]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_the_file_is_its_owners_alone(sent_through, alert, tmp_path):
    sent_through(FileChannel(path=tmp_path / "alerts.jsonl"), alert)

    assert stat.S_IMODE((tmp_path / "alerts.jsonl").stat().st_mode) == 0o600


def test_a_file_that_was_moved_away_is_made_anew(sent_through, alert, tmp_path):
    channel = FileChannel(path=tmp_path / "alerts.jsonl")
    sent_through(channel, alert)
    channel.path.rename(tmp_path / "alerts.1")
    sent_through(channel, alert)

    assert len(channel.path.read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.parametrize("path", ["missing/alerts.jsonl", "."])
def test_a_path_that_cannot_be_written_is_a_fault_of_the_configuration(sent_through, alert, tmp_path, path):
    channel = FileChannel(path=tmp_path / path)
    result = sent_through(channel, alert)

    assert result.error_kind is ErrorKind.CONFIG
    assert str(tmp_path) not in result.error
    assert channel.health().state == "failing"


def test_health_makes_no_file(tmp_path):
    channel = FileChannel(path=tmp_path / "alerts.jsonl")

    assert channel.health().state == "ok"
    assert not channel.path.exists()


def test_what_a_full_disk_leaves_of_a_line_spoils_only_that_line(sent_through, alert, tmp_path, monkeypatch):
    """The disk takes 20 bytes and refuses the rest; then there is room again."""
    channel = FileChannel(path=tmp_path / "alerts.jsonl")
    answers = [20, OSError(errno.ENOSPC, "No space left on device")]
    write = os.write

    def full(descriptor, data):
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return write(descriptor, data[:answer])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        result = sent_through(channel, alert)
    assert (result.error_kind, result.attempts[0].outcome) == (ErrorKind.SERVER, Outcome.RETRY)
    for _ in range(2):
        assert sent_through(channel, alert).success

    torn, *whole = channel.path.read_text(encoding="utf-8").splitlines()
    assert len(torn) == 20
    assert [json.loads(line)["title"] for line in whole] == ["Disk full", "Disk full"]


def test_a_line_that_may_not_be_on_the_disk_is_unknown(alert, tmp_path, monkeypatch):
    def broken(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(DeliveryError, match="may not be on the disk") as caught:
        FileChannel(path=tmp_path / "alerts.jsonl", fsync=True).send(alert)

    assert caught.value.outcome is Outcome.UNKNOWN


def test_a_place_without_a_disk_needs_no_waiting(alert, tmp_path, monkeypatch):
    def pointless(descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", pointless)

    assert FileChannel(path=tmp_path / "alerts.jsonl", fsync=True).send(alert).state == "delivered"
