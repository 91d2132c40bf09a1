"""Channels without a provider: to the console, to a file, into memory, to nowhere.

They are of this process, have no recipients of their own and need no package. Switch one on like any other channel, as
``[channels.file]`` with ``path = "alerts.jsonl"``, or add one: ``service.add_channel("kept", MemoryChannel())``.
"""

from __future__ import annotations

import errno
import os
import sys
from collections import deque
from pathlib import Path
from typing import Any, TextIO

import attrs

from tocsin.alert import Alert
from tocsin.converters import in_range, to_boolean, to_integer, to_text
from tocsin.errors import ChannelConfigError, ClientError, DeliveryError, Outcome, ServerError
from tocsin.forking import new_lock
from tocsin.hookspecs import Capabilities, SendContext, hookimpl
from tocsin.receipt import Health, Receipt, ReceiptState
from tocsin.rendering import plain_text
from tocsin.settings import setting

__all__ = ["ConsoleChannel", "FileChannel", "MemoryChannel", "NullChannel"]

_DELIVERED = Receipt(ReceiptState.DELIVERED)
_LINE_ENDS = {0x2028: r"\u2028", 0x2029: r"\u2029"}
_OWNER_ONLY = 0o600
"""Alerts can be confidential; make the file yourself where others are to read it."""
_WRONG_PATH = {errno.EACCES, errno.EISDIR, errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EPERM, errno.EROFS}


def _to_stream(value: str | TextIO) -> str | TextIO:
    """``stdout``, ``stderr``, or a text stream."""
    if hasattr(value, "write"):
        return value
    word = to_text(value) if isinstance(value, str) else ""
    if word not in ("stdout", "stderr"):
        raise ValueError("must be stdout or stderr, or in Python an open text stream")
    return word


@attrs.define(eq=False, kw_only=True)
class ConsoleChannel:
    """Prints each alert as one block of plain text; blocks of several threads do not mix.

    Attributes:
        stream: ``stdout`` or ``stderr``, looked up at each alert; or an open text stream.
    """

    capabilities = Capabilities()
    api_version = 1

    stream: str | TextIO = attrs.field(
        default="stdout",
        converter=_to_stream,
        repr=False,
        metadata=setting("CONSOLE_STREAM", "Where alerts are printed: stdout or stderr"),
    )
    _lock: Any = attrs.field(init=False, repr=False, factory=new_lock)

    @hookimpl
    def send(self, alert: Alert, context: SendContext) -> Receipt:
        """Print the alert, with ``?`` for what the stream cannot show.

        Raises:
            ClientError: the stream is gone or closed.
        """
        stream = self._open()
        if stream is None:
            raise ClientError("this process has no such stream")
        encoding = getattr(stream, "encoding", None) or "utf-8"
        block = plain_text(alert, repeated=context.repeated).encode(encoding, "replace").decode(encoding)
        try:
            with self._lock:
                stream.write(f"{block}\n\n")
                stream.flush()
        except (OSError, ValueError) as error:  # ValueError: the stream was closed
            failure = ClientError(f"the stream cannot be written to ({type(error).__name__})")
        else:
            return _DELIVERED
        raise failure

    @hookimpl
    def health(self) -> Health:
        """Whether the stream is there and open."""
        stream = self._open()
        if stream is None or getattr(stream, "closed", False):
            return Health.failing("the stream is closed")
        return Health.ok()

    def _open(self) -> TextIO | None:
        if not isinstance(self.stream, str):
            return self.stream
        return sys.stderr if self.stream == "stderr" else sys.stdout


@attrs.define(eq=False, kw_only=True)
class MemoryChannel:
    """Keeps the latest alerts, for tests and for a page of one's own.

    Attributes:
        limit: how many; the oldest goes first.
    """

    capabilities = Capabilities()
    api_version = 1

    limit: int = attrs.field(
        default=1_000,
        converter=to_integer,
        validator=in_range(1, 1_000_000),
        metadata=setting("MEMORY_LIMIT", "How many alerts are kept, 1 to 1000000"),
    )
    _alerts: deque[Alert] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._alerts = deque(maxlen=self.limit)

    @property
    def messages(self) -> tuple[Alert, ...]:
        """The kept alerts, oldest first."""
        return tuple(self._alerts.copy())

    def clear(self) -> None:
        """Forget them."""
        self._alerts.clear()

    @hookimpl
    def send(self, alert: Alert) -> Receipt:
        """Keep the alert."""
        self._alerts.append(alert)
        return _DELIVERED

    @hookimpl
    def health(self) -> Health:
        """Always ok."""
        return Health.ok(kept=len(self._alerts))


def _to_path(value: str | os.PathLike[str]) -> Path:
    return Path(to_text(os.fspath(value) if isinstance(value, os.PathLike) else value))


@attrs.define(eq=False, kw_only=True)
class FileChannel:
    r"""Appends each alert to a file as one line of JSON, which ``Alert.from_json`` reads.

    The file is opened for each alert, so that it can be moved away and rotated. It is made with access for its owner
    alone. Lines of several processes do not mix on a local file system, since each is one appending write.

    Attributes:
        path: of the file; its folder must exist.
        fsync: wait until the line is on the disk.
    """

    capabilities = Capabilities(formats=("json",))
    api_version = 1

    path: Path = attrs.field(
        converter=_to_path, metadata=setting("FILE_PATH", "File that alerts are appended to, one line of JSON each")
    )
    fsync: bool = attrs.field(
        default=False,
        converter=to_boolean,
        metadata=setting("FILE_FSYNC", "Wait until each line is on the disk, not only with the operating system"),
    )
    _lock: Any = attrs.field(init=False, repr=False, factory=new_lock)
    _torn: bool = attrs.field(init=False, repr=False, default=False)

    @hookimpl
    def send(self, alert: Alert) -> Receipt:
        """Append one line.

        Raises:
            ChannelConfigError: the path cannot be written to.
            ServerError: the disk is full or broken; unknown where the line was written and may not be on the disk.
        """
        # Unicode's line ends, which many a reader splits at, are escaped: a line is then one for everybody.
        line = f"{alert.to_json().translate(_LINE_ENDS)}\n".encode()
        try:
            with self._lock:
                self._append(line)
        except OSError as error:
            failure = _failure(error)
        else:
            return _DELIVERED
        raise failure

    @hookimpl
    def health(self) -> Health:
        """Whether the file, or else its folder, may be written to; makes no file."""
        if self.path.is_dir():
            return Health.failing("the path is a folder")
        place = self.path if self.path.exists() else self.path.parent
        return Health.ok() if os.access(place, os.W_OK) else Health.failing("the file cannot be written")

    def _append(self, line: bytes) -> None:
        flags = os.O_APPEND | os.O_CREAT | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self.path, flags, _OWNER_ONLY)
        try:
            self._write(descriptor, b"\n" + line if self._torn else line)
            if self.fsync:
                _sync(descriptor)
        finally:
            os.close(descriptor)

    def _write(self, descriptor: int, rest: bytes) -> None:
        """Write all of it; what a full disk leaves of a line is ended before the next one."""
        size = len(rest)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError:
            self._torn = self._torn or len(rest) < size
            raise
        self._torn = False


class _NotSynced(OSError):
    pass


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a pipe or a terminal has no disk to wait for
            raise _NotSynced(error.errno, "") from None


def _failure(error: OSError) -> DeliveryError:
    """The failure without the path."""
    words = os.strerror(error.errno) if error.errno else type(error).__name__
    if isinstance(error, _NotSynced):
        return ServerError(f"the line was written and may not be on the disk: {words}", outcome=Outcome.UNKNOWN)
    if error.errno in _WRONG_PATH:
        return ChannelConfigError(f"the file cannot be written: {words}", hint="Correct path, or its permissions.")
    return ServerError(f"the file cannot be written: {words}")


@attrs.define(eq=False, kw_only=True)
class NullChannel:
    """Takes every alert and does nothing with it: a route to silence, and for measurements."""

    capabilities = Capabilities()
    api_version = 1

    @hookimpl
    def send(self) -> Receipt:
        """Take it."""
        return Receipt()

    @hookimpl
    def health(self) -> Health:
        """Always ok."""
        return Health.ok()
