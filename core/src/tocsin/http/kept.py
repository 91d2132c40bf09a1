"""One exchange on a connection that is open already, without the layers that decide what is decided by then.

The first exchange with a host goes through requests as usual: it resolves, connects, verifies, and leaves a connection
in the pool. On that one the next request is a single write, and a plain answer is read here. Whatever is not plain
(chunked, without a length, long, an interim status, half a head) is handed to ``http.client`` with what was read of it.
"""

from __future__ import annotations

import http.client
import io
import queue
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
from requests import PreparedRequest
from requests.exceptions import InvalidHeader
from requests.utils import check_header_validity
from urllib3.connectionpool import HTTPConnectionPool

from tocsin.http.response import HttpResponse

__all__ = ["BODY_LIMIT", "Answer", "Headers", "Target", "exchange"]

BODY_LIMIT = 65_536
_FIELDS = re.compile(r"(?:[^:\s][^:\r\n]*: (?:\S[^\r\n]*)?\r\n)*")
"""Fields of a request as they are sent; each value as requests wants it."""
_OTHERS = (
    r"(?:\r\n(?:(?!content-length|transfer-encoding|connection|[ \t])[^\r\n]+"
    r"|connection:[ \t]*keep-alive[ \t]*))*"
)
_PLAIN = re.compile(
    r"HTTP/1\.1 (?!204|304)([2-5]\d\d)(?: [^\r\n]*)?"
    rf"{_OTHERS}\r\ncontent-length:[ \t]*(\d{{1,5}})[ \t]*{_OTHERS}\r\n\r\n".encode(),
    re.IGNORECASE,
)
"""A whole head with a status that has a body, one length, and nothing else that says how the answer is to be read.

Each line is ended by CR LF and none is continued: others than these the standard library divides in its own way.
No line fits two branches, so that it takes no longer than the head is long; possessive marks would say so, and match
wrongly before Python 3.11.5 (https://github.com/python/cpython/issues/106052).
"""


class Headers(Mapping[str, str]):
    """Header fields by name in any case, parsed where somebody asks; fields of one name are joined by commas."""

    def __init__(self, head: bytes) -> None:
        self._head = head
        self._fields: dict[str, tuple[str, str]] | None = None

    def _parsed(self) -> dict[str, tuple[str, str]]:
        if self._fields is None:
            self._fields = {}
            for line in self._head.decode("latin-1").split("\r\n")[1:]:
                name, colon, value = line.partition(":")
                if colon:
                    key, value = name.strip().lower(), value.strip()
                    known = self._fields.get(key)
                    self._fields[key] = (name.strip(), f"{known[1]}, {value}" if known else value)
        return self._fields

    def __getitem__(self, name: str) -> str:
        return self._parsed()[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self._parsed().values()])

    def __len__(self) -> int:
        return len(self._parsed())


@attrs.frozen(eq=False)
class Target:
    """Where requests to one URL go, once requests has found out.

    Attributes:
        pool: of the connections to its host.
        path: as it is written in the request line.
        common: lines of header fields that are the same each time, by name in lower case.
    """

    pool: HTTPConnectionPool
    path: bytes
    common: Mapping[str, bytes]
    _heads: dict[tuple[str, ...], bytes] = attrs.field(factory=dict, init=False)  # few: a channel sets the same fields

    @classmethod
    def of(cls, prepared: PreparedRequest, pool: Any, common: Mapping[str, Any]) -> Target:
        """The target that a prepared request names.

        Args:
            prepared: by requests, which has normalised its URL.
            pool: the one it went through.
            common: header fields of the session.
        """
        fields = {"Host": str(prepared.url).split("/", 3)[2].split("?")[0], **common}
        lines = {name.lower(): f"{name}: {value}\r\n".encode("latin-1") for name, value in fields.items()}
        return cls(pool, prepared.path_url.encode("ascii"), lines)

    def borrow(self) -> Any | None:
        """An open connection that its server has not closed, or None; give it back with :meth:`give_back`."""
        places = self.pool.pool
        try:
            connection = None if places is None else places.get(block=False)
        except queue.Empty:
            return None
        if connection is not None and connection.sock is not None:
            if connection.is_connected:
                return connection
            connection.close()
        self.give_back(connection)
        return None

    def give_back(self, connection: Any) -> None:
        """Put a connection (or the place for one) into the pool."""
        places = self.pool.pool
        try:
            if places is None:
                raise queue.Full
            places.put(connection, block=False)
        except queue.Full:
            if connection is not None:
                connection.close()

    def request(self, method: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        """The bytes of a request.

        Raises:
            InvalidHeader: a name or a value of a field cannot be sent.
        """
        head = self._heads.get((method, *headers))
        if head is None:
            head = self._heads[method, *headers] = self._head(method, headers)
        try:
            fields = "".join([name + ": " + value + "\r\n" for name, value in headers.items()])
        except TypeError:
            raise InvalidHeader("a value of a header field is no string") from None
        if _FIELDS.fullmatch(fields) is None or fields.count("\n") != len(headers):
            raise InvalidHeader("a value of a header field cannot be sent")
        length = b"Content-Length: %d\r\n" % len(body or b"") if body is not None or method != "GET" else b""
        return b"".join((head, fields.encode("latin-1"), length, b"\r\n", body or b""))

    def _head(self, method: str, headers: Iterable[str]) -> bytes:
        """The request line, and the common fields that the request does not set itself."""
        for name in headers:
            check_header_validity((name, ""))
        own = {name.lower() for name in headers}
        line = method.encode("ascii") + b" " + self.path + b" HTTP/1.1\r\n"
        return b"".join((line, *(field for name, field in self.common.items() if name not in own)))


def exchange(sock: socket.socket, request: bytes, method: str) -> tuple[HttpResponse, bool]:
    """Send a request and read its answer, to its bound.

    Returns:
        The answer, and whether the connection can be used again.
    """
    sock.sendall(request)
    data = sock.recv(BODY_LIMIT)
    if not data:
        raise http.client.RemoteDisconnected("closed without an answer")
    plain = _PLAIN.match(data)
    if method == "HEAD" or plain is None or (length := int(plain[2])) > BODY_LIMIT:
        return _read(_Replay(data, sock), method)
    status, headers, body = int(plain[1]), Headers(plain[0]), data[plain.end() :]
    while len(body) < length:
        try:
            more = sock.recv(BODY_LIMIT)
        except OSError:  # cut off, by whomever: the status was there
            more = b""
        if not more:
            return HttpResponse(status, headers, body, complete=False), False
        body += more
    return HttpResponse(status, headers, body[:length]), len(body) == length


class _Replay(io.RawIOBase):
    """A socket from which some bytes were read already, as ``http.client`` wants to read it."""

    def __init__(self, data: bytes, sock: socket.socket) -> None:
        self._data = memoryview(data)
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        """The one file that the answer is read from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Bytes read before, then the socket's."""
        if not self._data:
            return self._sock.recv_into(buffer)
        count = min(len(buffer), len(self._data))
        buffer[:count] = self._data[:count]
        self._data = self._data[count:]
        return count


class Answer(http.client.HTTPResponse):
    """The final answer: interim ones that come before it are passed over, of which ``http.client`` knows 100 only.

    Else the connection would be kept, and the final answer taken for that to the next request.
    """

    def begin(self) -> None:
        """Read the head.

        Raises:
            http.client.HTTPException: the server changed to another protocol, which nobody asked for.
        """
        super().begin()
        while 100 < self.status < 200:
            if self.status == http.client.SWITCHING_PROTOCOLS:
                raise http.client.HTTPException("another protocol, unasked")
            self.headers: Any = None
            super().begin()


def _read(replay: _Replay, method: str) -> tuple[HttpResponse, bool]:
    answer = Answer(replay, method=method)  # type: ignore[arg-type] # it calls makefile, nothing else
    answer.begin()
    if len(set(answer.headers.get_all("content-length", []))) > 1:
        raise http.client.HTTPException("an answer of several lengths")
    headers = Headers(b"\r\n" + "\r\n".join(f"{n}: {v}" for n, v in answer.getheaders()).encode("latin-1", "replace"))
    body, complete = b"", True
    try:
        while len(body) <= BODY_LIMIT and (chunk := answer.read(BODY_LIMIT + 1 - len(body))):
            body += chunk
    except (http.client.HTTPException, OSError, ValueError):
        complete = False
    complete = complete and len(body) <= BODY_LIMIT and not answer.length
    keep = complete and not answer.will_close
    return HttpResponse(answer.status, headers, body[:BODY_LIMIT], complete), keep
