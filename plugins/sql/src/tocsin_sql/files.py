"""The files of an SQLite database: where they lie, who has them open, and what was lost of the log."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sqlite3
import struct
from collections.abc import Iterator

from tocsin import StoreError
from tocsin_sql.migrations import NEWEST, VERSION_TABLE

__all__ = ["alone_in", "check_place", "file_system", "in_use_here", "is_newer", "missing_frames", "version_in"]

_DESCRIPTORS = "/dev/fd"
_MOUNTS = pathlib.Path("/proc/self/mountinfo")
_NETWORK = {"9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"}
_WAL_HEADER, _FRAME_HEADER = 32, 24
_INDEX, _COPIED, _COPIED_END = 136, 96, 100
"""Bytes of the index that are read; where the number of pages that were copied back stands in them."""
_LOOKS = 3


@contextlib.contextmanager
def alone_in(folder: pathlib.Path) -> Iterator[None]:
    """One process at a time repairs files in a folder; the lock ends with the process that has it."""
    try:
        import fcntl
    except ImportError:  # Windows: an open file can neither be deleted nor replaced there
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def file_system(path: pathlib.Path, mounts: pathlib.Path = _MOUNTS) -> str:
    """The type of the file system that a path lies on; empty where the system does not say."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found = (0, "")
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, types = before.split(), after.split()
        if len(fields) > 4 and types and path.is_relative_to(point := pathlib.Path(fields[4].replace("\\040", " "))):
            found = max(found, (len(point.parts), types[0]))
    return found[1]


def check_place(path: pathlib.Path, mounts: pathlib.Path = _MOUNTS) -> None:
    """Refuse a place where SQLite cannot keep its promises (https://www.sqlite.org/wal.html, "Overview").

    Raises:
        StoreError: there is no such folder, or it lies on a network file system.
    """
    if not path.parent.is_dir():
        raise StoreError(f"there is no folder {path.parent}; make it, or name another file")
    kind = file_system(path.parent.resolve(), mounts)
    if kind in _NETWORK or kind.startswith("fuse.sshfs"):
        words = f"{path} lies on a network file system ({kind}), where SQLite's locks do not hold"
        raise StoreError(f"{words}; use a local disk, or PostgreSQL")


def version_in(path: pathlib.Path) -> str | None:
    """The version of a database that may be damaged; None where it cannot be read."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608 -- a constant
    except sqlite3.Error:
        return None
    return None if row is None else str(row[0])


def is_newer(path: pathlib.Path) -> bool:
    """Whether a newer program made it."""
    version = version_in(path)
    return version is not None and version > NEWEST


def missing_frames(path: pathlib.Path) -> int:
    """Pages that were committed to the write-ahead log and stand neither there nor in the database.

    The index beside the log says how far it was committed and how much of it had been copied back; after a crash of
    the program, though not of the machine, it is still there (https://www.sqlite.org/walformat.html, "The WAL-Index").
    Another process may begin the log anew meanwhile: it changes the index before it cuts the log, so that what was read
    counts only where the index is the same afterwards.
    """
    if in_use_here(path):
        return 0
    with contextlib.suppress(OSError, struct.error):
        for _ in range(_LOOKS):
            index = _head(f"{path}-shm", _INDEX)
            log = _log(pathlib.Path(f"{path}-wal"))
            if _head(f"{path}-shm", _INDEX)[:_COPIED_END] == index[:_COPIED_END]:
                return _missing(index, *log)
    return 0  # somebody is at work with it, who sees to it


def _missing(index: bytes, size: int, head: bytes) -> int:
    """What an index and the log beside it, of this size and beginning, say together."""
    committed, page, salt = _header(index)
    if committed == 0 or (head and head[16:24] != salt):
        return 0
    (copied,) = struct.unpack_from("=I", index, _COPIED)
    there = max(0, size - _WAL_HEADER) // (_FRAME_HEADER + page)
    return max(0, committed - max(there, int(copied)))


def _log(path: pathlib.Path) -> tuple[int, bytes]:
    return (path.stat().st_size, _head(path, _WAL_HEADER)) if path.exists() else (0, b"")


def _head(path: str | pathlib.Path, size: int) -> bytes:
    with open(path, "rb") as file:
        return file.read(size)


def in_use_here(path: pathlib.Path) -> bool:
    """Whether this process may have the database open already.

    Then no file of it may be opened and closed by hand: that would give up the locks that SQLite holds
    (https://www.sqlite.org/howtocorrupt.html, "Posix advisory locks canceled").
    """
    ours = set(filter(None, (_identity(f"{path}{end}") for end in ("", "-wal", "-shm"))))
    try:
        return any(_identity(int(number)) in ours for number in os.listdir(_DESCRIPTORS))
    except OSError:
        return True


def _identity(file: str | int) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _header(index: bytes) -> tuple[int, int, bytes]:
    """Committed frames, page size and salt, of an index whose two copies of its header agree."""
    if len(index) < 136 or index[:48] != index[48:96] or not index[12]:
        return 0, 0, b""
    (page,) = struct.unpack_from("=H", index, 14)
    (committed,) = struct.unpack_from("=I", index, 16)
    return committed, 65_536 if page == 1 else page, index[32:40]
