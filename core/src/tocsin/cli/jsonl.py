"""``tocsin send --jsonl``: a stream of alerts, one JSON object on each line."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import attrs
import click

from tocsin.alert import Alert
from tocsin.cli.exits import Exit, combined
from tocsin.cli.failure import error_dict, told
from tocsin.cli.outcome import show_report
from tocsin.cli.progress import Progress
from tocsin.cli.readiness import exit_code, make_ready
from tocsin.errors import AlertError, QueueFull, TocsinError
from tocsin.store import MemoryStore
from tocsin.values import parse_json

if TYPE_CHECKING:
    from tocsin.cli.session import Session
    from tocsin.report import DeliveryReport
    from tocsin.service import NotificationService

__all__ = ["open_lines", "read_lines", "send_lines", "to_alert"]

_LONGEST_LINE = 8 << 20
"""Bytes; an alert of the largest message and data, escaped, is shorter."""
_WINDOW = 512
"""Alerts that may be on their way at once; reading waits beyond it."""


def send_lines(session: Session, path: str, defaults: dict[str, Any], *, dry_run: bool) -> int:
    """Send each line as an alert.

    Args:
        session: of this command.
        path: a file, or ``-`` for standard input.
        defaults: fields that a line leaves out.
        dry_run: show what would be sent instead.

    Returns:
        The exit code over all lines.
    """
    with open_lines(path) as source, session.service(store=MemoryStore()) as service:
        make_ready(service, defaults.get("channels", ()), session.terminal)
        stream = _Stream(service, session, defaults)
        return stream.show(source) if dry_run else stream.send(source)


def open_lines(path: str) -> IO[bytes]:
    """The file, or standard input for ``-``."""
    try:
        return click.open_file(path, "rb")
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from None


def read_lines(source: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Number and bytes of each line that is not blank; None for one that is too long to be an alert."""
    number = 0
    while line := source.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := source.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield number, None
        elif line.strip():
            yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def to_alert(line: bytes | None, defaults: dict[str, Any]) -> Alert:
    """The alert of a line.

    Args:
    line: as :func:`read_lines` gave it.
    defaults: fields that it leaves out.

    Raises:
    AlertError: it is none.
    """
    if line is None:
        raise AlertError(f"the line is longer than {_LONGEST_LINE >> 20} MiB")
    try:
        fields = parse_json(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise AlertError("the line is not UTF-8 text") from None
    if not isinstance(fields, dict):
        raise AlertError('the line must hold a JSON object, like {"title": "Disk full"}')
    if "type" in fields and "alert_type" not in fields:  # the word of routes and of --type
        fields["alert_type"] = fields.pop("type")
    return Alert.from_dict({"message": "", **defaults, **fields})


@attrs.frozen
class _Ended:
    """A line and what became of it."""

    number: int
    alert: Alert | None = None
    report: DeliveryReport | None = None
    error: TocsinError | None = None


class _Stream:
    """Reads ahead within a window; another thread tells each result as soon as it is there."""

    def __init__(self, service: NotificationService, session: Session, defaults: dict[str, Any]) -> None:
        self._service = service
        self._session = session
        self._terminal = session.terminal
        self._defaults = defaults
        self._room = threading.Semaphore(_WINDOW)
        self._ended: queue.SimpleQueue[_Ended | None] = queue.SimpleQueue()
        self._codes: list[int] = []
        self._broken: BaseException | None = None

    def send(self, source: IO[bytes]) -> int:
        """Send every line and wait for the last report."""
        teller = threading.Thread(target=self._tell_all, name="tocsin-results", daemon=True)
        teller.start()
        try:
            self._read(source)
        finally:
            self._ended.put(None)
            teller.join()
        if self._broken is not None:
            raise self._broken
        return combined(self._codes)

    def _read(self, source: IO[bytes]) -> None:
        for number, line in read_lines(source):
            self._room.acquire()
            if self._broken is not None:
                return
            self._begin(number, line)
        for _ in range(_WINDOW):
            self._room.acquire()

    def show(self, source: IO[bytes]) -> int:
        """Show what every line would send."""
        from tocsin.cli.dry_run import show_requests

        for number, line in read_lines(source):
            try:
                self._codes.append(
                    show_requests(self._service, to_alert(line, self._defaults), self._session, line=number)
                )
            except AlertError as error:
                self._tell(_Ended(number, error=error))
        self._terminal.say("Nothing was sent.")
        return combined(self._codes)

    def _begin(self, number: int, line: bytes | None) -> None:
        try:
            alert = to_alert(line, self._defaults)
            handle = self._enqueue(alert)
        except TocsinError as error:
            self._ended.put(_Ended(number, error=error))
            return
        handle.add_done_callback(lambda report: self._ended.put(_Ended(number, alert, report)))

    def _enqueue(self, alert: Alert) -> Any:
        while True:
            try:
                return self._service.enqueue(alert)
            except QueueFull as full:
                threading.Event().wait(full.retry_after)

    def _tell_all(self) -> None:
        with Progress(self._terminal) as progress:
            while (ended := self._ended.get()) is not None:
                try:
                    if self._broken is None:
                        self._tell(ended)
                        progress.count(good=self._codes[-1] == Exit.DELIVERED)
                except Exception as error:  # the reader of stdout went away; the main thread ends the command
                    self._broken = error
                finally:
                    self._room.release()

    def _tell(self, ended: _Ended) -> None:
        if ended.error is not None or ended.report is None or ended.alert is None:
            self._tell_bad(ended)
            return
        report = ended.report
        self._codes.append(exit_code(self._service, ended.alert, report))
        if self._session.as_json:
            self._terminal.json({"line": ended.number, **report.to_dict()}, lines=True)
        if not report.results:
            self._terminal.fail(f"line {ended.number}: {self._terminal.mark('warn')} {report.suppressed}")
        elif not report.is_complete or self._terminal.verbosity > 0:
            show_report(report, self._terminal, prefix=f"line {ended.number}: ")

    def _tell_bad(self, ended: _Ended) -> None:
        error = ended.error or AlertError("the line has no report")
        self._codes.append(Exit.USAGE if isinstance(error, AlertError) else Exit.NOTHING)
        if self._session.as_json:
            self._terminal.json({"line": ended.number, "error": error_dict(error)}, lines=True)
        self._terminal.fail(f"line {ended.number}: {self._terminal.mark('bad')} {told(error)}")
