"""The layer between requests and the sockets: connections that obey the deadline and know what has been sent."""

from __future__ import annotations

import functools
import logging
import queue
import select
import socket
import threading
from typing import Any

import attrs
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from tocsin.deadline import Deadline, current
from tocsin.dialing import dial
from tocsin.guard import AddressGuard
from tocsin.http.kept import Answer

__all__ = ["Adapter", "Exchange", "Places"]


@attrs.define(eq=False)
class Exchange:
    """One request and its answer; in force in this thread inside ``with``.

    Attributes:
        sent: True from the first byte of the request on; before it, a failure is safe to repeat.
        twins: duplicates of sockets that were closed while the answer is still being read.
    """

    sent: bool = False
    twins: list[socket.socket] = attrs.field(factory=list)

    def __enter__(self) -> Exchange:
        _local.exchange = self
        return self

    def __exit__(self, *exc_info: object) -> None:
        _local.exchange = None
        for twin in self.twins:
            twin.close()


class _Local(threading.local):
    exchange: Exchange | None = None


_local = _Local()


class _Silence(logging.Filter):
    """urllib3 logs each request's path at DEBUG, and paths are secrets here; other users' lines pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        return _local.exchange is None


logging.getLogger("urllib3.connectionpool").addFilter(_Silence())


class Places:
    """What a pool keeps for its host: connections, and None for each that it may still open; last in, first out.

    It stands in for ``queue.LifoQueue``, which is made for threads that wait. Nobody waits for a connection here: one
    that is missing is opened, and closed where it finds no place.

    Args:
        maxsize: how many; threads that come at the same moment may leave a few more.
    """

    def __init__(self, maxsize: int) -> None:
        self._size = maxsize
        self._places: list[Any] = []

    def get(self, block: bool = False, timeout: float | None = None) -> Any:
        """A connection, or None.

        Raises:
            queue.Empty: there is neither.
        """
        try:
            return self._places.pop()
        except IndexError:
            raise queue.Empty from None

    def put(self, connection: Any, block: bool = False, timeout: float | None = None) -> None:
        """Keep a connection, or the place for one.

        Raises:
            queue.Full: there is no place for it.
        """
        if len(self._places) >= self._size:
            raise queue.Full
        self._places.append(connection)

    def qsize(self) -> int:
        """How many are kept."""
        return len(self._places)


class _Watched(HTTPConnection):
    """A connection whose socket the deadline in force can shut, through a duplicate that TLS does not touch."""

    response_class = Answer
    _twin: socket.socket | None = None
    _news: Any = None
    """Asks the system whether something has come; made once, where the system can."""
    _connecting = False

    def __init__(self, *args: Any, guard: AddressGuard | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._guarded = {} if guard is None else {"check": guard.check}

    def _new_conn(self) -> socket.socket:
        options = self.socket_options or ()
        try:
            return dial(self.host, self.port, options=options, on_open=self._keep_twin, **self._guarded)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "timed out") from error
        except (OSError, UnicodeError) as error:
            raise NewConnectionError(self, type(error).__name__) from error

    def _keep_twin(self, sock: socket.socket) -> None:
        self._drop_twin()
        self._twin = sock.dup()
        if hasattr(select, "poll"):
            self._news = select.poll()
            self._news.register(self._twin, select.POLLIN)
        self._watch()

    def _watch(self) -> None:
        deadline = current()
        if deadline is not None and self._twin is not None:
            deadline.watch(self._twin)

    @property
    def is_connected(self) -> bool:
        """Whether the connection is open and quiet: what comes unasked is its end, or belongs to no request."""
        if self.sock is None or self._news is None:
            return super().is_connected
        return not self._news.poll(0)

    def prepare(self, deadline: Deadline) -> None:
        """Have the deadline shut the open socket.

        A timeout of its own would cost a poll before each read and write, and the interpreter's lock with each; only
        where the deadline is not in force, so that nothing shuts the socket, it has one.
        """
        if deadline is current() and self._twin is not None:
            deadline.watch(self._twin)
            timeout = None
        else:
            timeout = deadline.remaining() + 1.0
        if self.sock is not None and self.sock.gettimeout() != timeout:
            self.sock.settimeout(timeout)

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._watch()
        super().request(*args, **kwargs)

    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
        if _local.exchange is not None and not self._connecting:
            _local.exchange.sent = True
        super().send(data)

    def close(self) -> None:
        super().close()
        self._drop_twin()

    def _drop_twin(self) -> None:
        twin, self._twin, self._news = self._twin, None, None
        if twin is None:
            return
        if _local.exchange is not None:  # an answer without a length is read after its connection was closed
            _local.exchange.twins.append(twin)
        else:
            twin.close()


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched
    QueueCls = Places  # type: ignore[assignment] # all that a pool calls is there


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls
    QueueCls = Places  # type: ignore[assignment] # all that a pool calls is there


class Adapter(HTTPAdapter):
    """Pools of watched connections, without urllib3's own retries.

    Args:
        size: connections kept for each host.
        guard: judges the addresses of every connection.
    """

    def __init__(self, size: int, guard: AddressGuard | None = None) -> None:
        # What a pool does not know itself it passes on to its connections.
        self._pools = {"http": functools.partial(_Pool, guard=guard), "https": functools.partial(_TlsPool, guard=guard)}
        super().__init__(pool_connections=size, pool_maxsize=size, max_retries=0, pool_block=False)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool manager with watched connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: Any, **proxy_kwargs: Any) -> Any:
        """The same for a proxy; SOCKS proxies bring connections of their own."""
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        if not str(proxy).lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools
        return manager
