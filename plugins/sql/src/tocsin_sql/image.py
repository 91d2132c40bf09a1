"""A damaged database file as its pages, with what was committed to the write-ahead log laid over them.

It is read by hand and not by SQLite, which gives up a table where an inner page of it is broken. The format is
https://www.sqlite.org/fileformat2.html; nothing is written, and nothing is locked.
"""

from __future__ import annotations

import functools
import pathlib
import struct
from collections.abc import Iterator
from typing import BinaryIO

__all__ = ["Image"]

_MAGIC = b"SQLite format 3\0"
_USUAL = 4_096
"""Bytes of a page where neither the file nor its log says so: SQLite's own default."""
_AT_HAND = 16
"""Pages: those between a page and the ones that it leads to."""
_SIZES = {1 << power for power in range(9, 17)}
_ENCODINGS = {2: "utf-16-le", 3: "utf-16-be"}
_LOG_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
"""In which order of bytes the log's checksums are taken."""
_LOG_HEADER, _FRAME_HEADER = 32, 24


class Image:
    """The pages of a database, numbered from 1.

    Args:
        path: of the file; its log is looked for beside it.

    Attributes:
        size: bytes of a page.
        usable: bytes of a page that hold something; extensions may keep the rest.
        count: pages.
        encoding: of texts.
        page: gives the bytes of a page; none where there is no such page, or the disk does not give it.

    Raises:
        OSError: there is no such file, or it may not be read.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self._log = _Log(pathlib.Path(f"{path}-wal"))
        self._file = path.open("rb")
        header = self._log.head(100) or _read(self._file, 0, 100)
        self.has_header = header[:16] == _MAGIC and _page_size(header) in _SIZES
        self.size = _page_size(header) if self.has_header else self._log.page_size or _USUAL
        self.usable = self.size - (header[20] if self.has_header else 0)
        self.encoding = _ENCODINGS.get(header[59] if self.has_header else 1, "utf-8")
        self.count = self._log.count or path.stat().st_size // self.size
        self._header = header
        self.page = functools.lru_cache(_AT_HAND)(self._page)

    def close(self) -> None:
        """Let go of the files."""
        self._file.close()
        self._log.close()

    def _page(self, number: int) -> bytes:
        if not 1 <= number <= self.count:
            return b""
        page = self._log.page(number)
        if page is None:
            page = _read(self._file, (number - 1) * self.size, self.size)
        return page if len(page) == self.size else b""

    def free(self) -> Iterator[int]:
        """The pages that are in no use, as far as their list can be followed; what stands on them was deleted."""
        if not self.has_header:
            return
        (trunk,) = struct.unpack_from(">I", self._header, 32)
        seen: set[int] = set()
        while trunk not in seen and (page := self.page(trunk)):
            seen.add(trunk)
            yield trunk
            following, leaves = struct.unpack_from(">II", page)
            if leaves <= self.usable // 4 - 2:
                yield from struct.unpack_from(f">{leaves}I", page, 8)
            trunk = following


class _Log:
    """The frames of a write-ahead log that were committed: as far as its chain of checksums holds."""

    def __init__(self, path: pathlib.Path) -> None:
        self.page_size = self.count = 0
        self._at: dict[int, int] = {}
        try:
            self._file: BinaryIO | None = path.open("rb")
        except OSError:
            self._file = None
            return
        self._begin(_read(self._file, 0, _LOG_HEADER))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def head(self, size: int) -> bytes:
        """The beginning of the first page, where it is in the log."""
        return (self.page(1) or b"")[:size]

    def page(self, number: int) -> bytes | None:
        """The newest of a page; None where it is not in the log."""
        if self._file is None or number not in self._at:
            return None
        return _read(self._file, self._at[number], self.page_size)

    def _begin(self, header: bytes) -> None:
        if len(header) < _LOG_HEADER:
            return
        magic, _, size = struct.unpack_from(">III", header)
        order = _LOG_MAGIC.get(magic)
        if order is None or size not in _SIZES:
            return
        sums = _checksum((0, 0), header[:24], order)
        if sums == struct.unpack_from(">II", header, 24):
            self.page_size = size
            self._follow(header[16:24], sums, order)

    def _follow(self, salt: bytes, sums: tuple[int, int], order: str) -> None:
        begun: dict[int, int] = {}
        assert self._file is not None
        at = _LOG_HEADER
        while len(frame := _read(self._file, at, _FRAME_HEADER + self.page_size)) == _FRAME_HEADER + self.page_size:
            number, count = struct.unpack_from(">II", frame)
            sums = _checksum(_checksum(sums, frame[:8], order), frame[_FRAME_HEADER:], order)
            if frame[8:16] != salt or sums != struct.unpack_from(">II", frame, 16):
                return
            begun[number] = at + _FRAME_HEADER
            at += len(frame)
            if count:  # the frame that commits
                self._at |= begun
                self.count, begun = count, {}


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    try:
        file.seek(at)
        return file.read(size)
    except OSError:  # a sector that the disk does not give
        return b""


def _page_size(header: bytes) -> int:
    (size,) = struct.unpack_from(">H", header, 16)
    return 65_536 if size == 1 else int(size)


def _checksum(sums: tuple[int, int], data: bytes, order: str) -> tuple[int, int]:
    """https://www.sqlite.org/fileformat2.html, "Checksum Algorithm"."""
    one, two = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two
