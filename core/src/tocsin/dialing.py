"""Opening connections under the deadline in force: name resolution and sockets, for HTTP and SMTP alike."""

from __future__ import annotations

import errno
import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from tocsin.deadline import current
from tocsin.forking import forget_in_child

__all__ = ["Resolver", "chain", "dial", "resolver", "words_for"]

_CONNECT_TIMEOUT = 5.0
_DEFAULT_TIMEOUT = 15.0
_SLACK = 1.0
"""Seconds by which a socket's own timeout comes after the deadline, which ends the attempt and says so."""
Address = tuple[Any, ...]


@attrs.define(eq=False)
class _Question:
    host: str
    port: int
    answered: threading.Event = attrs.field(factory=threading.Event)
    addresses: list[tuple[int, Address]] = attrs.field(factory=list)
    error: OSError | UnicodeError | None = None


class Resolver:
    """Looks names up in daemon threads of its own, because ``getaddrinfo`` cannot be interrupted.

    Args:
        threads: how many look-ups may hang at once before further ones wait.
    """

    def __init__(self, threads: int = 4) -> None:
        self._threads = threads
        self.forget()

    def forget(self) -> None:
        """Start anew: a forked child has none of its parent's threads."""
        self._questions: queue.SimpleQueue[_Question] = queue.SimpleQueue()
        self._started = 0
        self._lock = threading.Lock()

    def resolve(self, host: str, port: int, timeout: float) -> list[tuple[int, Address]]:
        """The address families and socket addresses of a host, in the system's order.

        Raises:
            socket.gaierror: the name is not known.
            TimeoutError: no answer in time.
        """
        if _is_numeric(host):
            return _look_up(host, port)
        question = _Question(host, port)
        with self._lock:
            if self._started < self._threads:
                self._started += 1
                threading.Thread(target=self._answer, name="tocsin-resolver", daemon=True).start()
        self._questions.put(question)
        if not question.answered.wait(timeout):
            raise TimeoutError("the name was not resolved in time")
        if isinstance(question.error, UnicodeError):
            raise socket.gaierror(socket.EAI_NONAME, "not a valid host name")
        if question.error is not None:
            raise question.error
        return question.addresses

    def _answer(self) -> None:
        while True:
            question = self._questions.get()
            try:
                question.addresses = _look_up(question.host, question.port)
            except (OSError, UnicodeError) as error:
                question.error = error
            question.answered.set()
            del question


def _look_up(host: str, port: int) -> list[tuple[int, Address]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


resolver = Resolver()
"""The process's resolver."""
forget_in_child(resolver)


def dial(
    host: str,
    port: int,
    *,
    options: Iterable[tuple[int, int, int | bytes]] = (),
    on_open: Callable[[socket.socket], None] = lambda sock: None,
    check: Callable[[str], None] = lambda address: None,
) -> socket.socket:
    """A connected TCP socket; every socket on the way is shut when the deadline in force passes.

    The name is resolved once, and one of the addresses of that answer is connected to.

    Args:
        host: name or address.
        port: port.
        options: socket options to set before connecting.
        on_open: called with each socket before it connects, to keep a duplicate of the one that will be wrapped in TLS.
        check: called with every numeric address of the answer before any is connected to; it raises to refuse them all.

    Raises:
        OSError: with the reason of the last address that was tried.
    """
    deadline = current()
    remaining = deadline.remaining if deadline is not None else lambda: _DEFAULT_TIMEOUT
    failure: OSError = OSError("the name has no address")
    answer = resolver.resolve(host, port, min(_CONNECT_TIMEOUT, remaining()))
    for _, address in answer:
        check(address[0])
    for family, address in answer:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            _connect(sock, address, options, on_open, remaining)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def _connect(
    sock: socket.socket,
    address: Address,
    options: Iterable[tuple[int, int, int | bytes]],
    on_open: Callable[[socket.socket], None],
    remaining: Callable[[], float],
) -> None:
    for level, name, value in options:
        sock.setsockopt(level, name, value)
    on_open(sock)
    sock.settimeout(max(0.001, min(_CONNECT_TIMEOUT, remaining())))
    sock.connect(address)
    sock.settimeout(remaining() + _SLACK)


def words_for(error: BaseException) -> str:
    """What a network failure was, in a few words from its type and number alone; never its text."""
    for cause in chain(error):
        if isinstance(cause, socket.gaierror):
            return "the host name could not be resolved"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, ConnectionResetError | BrokenPipeError):
            return "connection reset by the receiver"
        if isinstance(cause, TimeoutError):
            return "timed out"
        if isinstance(cause, OSError) and cause.errno is not None and type(cause).__module__ == "builtins":
            return f"network error {cause.errno} ({errno.errorcode.get(cause.errno, 'unknown')})"
    return f"connection failed ({type(error).__name__})"


def chain(error: BaseException | None) -> Iterable[BaseException]:
    """The exception and everything it was raised from, carries as an argument or names as its reason."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        cause = waiting.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [cause.__cause__, cause.__context__, *cause.args, getattr(cause, "reason", None)]
