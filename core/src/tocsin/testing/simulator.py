"""What every simulator of a provider can do: listen, hand out settings, fail on request, show what arrived."""

from __future__ import annotations

import abc
import threading
from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

import attrs

__all__ = ["Answer", "Fault", "FaultKind", "Received", "Request", "Simulator"]


class FaultKind(StrEnum):
    """What a simulator can be told to do to the next message instead of taking it."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    UNAUTHORIZED = "unauthorized"
    REFUSED_RECIPIENT = "refused_recipient"
    REFUSED_PAYLOAD = "refused_payload"
    STATUS = "status"
    LIE = "lie"
    RESET = "reset"
    LOST_ANSWER = "lost_answer"
    HALF_ANSWER = "half_answer"
    HANG = "hang"
    DRIP = "drip"
    OVERSIZE = "oversize"
    GARBAGE = "garbage"


@attrs.frozen
class Fault:
    """One fault, for the next message or for the next one to a given address.

    Attributes:
        kind: ``rate_limited``, ``server_error``, ``unauthorized``, ``refused_recipient`` and ``refused_payload`` are
            answered as the provider documents; ``status`` answers a bare HTTP (or SMTP) status; ``lie`` is the
            provider's success code around a failure, where it has one; ``reset`` drops the connection before the
            message is taken, ``lost_answer`` after it was taken; ``half_answer`` ends within the answer of a message
            that was taken; ``hang`` never answers and ``drip`` answers one byte at a time; ``oversize`` answers 200
            with 8 MiB; ``garbage`` answers bytes that mean nothing.
        retry_after: for ``rate_limited`` (and ``server_error``, where documented): seconds, or the header's very text.
        status: for ``status``.
        address: only messages to this address.
        times: how many messages it hits; 0 for all of them.
    """

    kind: FaultKind = attrs.field(converter=FaultKind)
    retry_after: float | str | None = None
    status: int = 503
    address: str | None = None
    times: int = 1


@attrs.frozen
class Received:
    """One message that the provider took, as a person or a program would find it there.

    Attributes:
        address: of the recipient.
        text: what a person reads, whole, in plain words.
        key: the idempotency key, where the wire format carries one.
        provider_id: what the simulator called it.
        raw: the request as the provider's documentation describes it (decoded JSON, form or mail).
    """

    address: str
    text: str
    key: str | None = None
    provider_id: str | None = None
    raw: Any = None


@attrs.frozen
class Request:
    """One HTTP request that arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@attrs.frozen
class Answer:
    """One HTTP answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict)


class Simulator(abc.ABC):
    """A provider on a loopback port; a context manager. Its methods are safe from any thread."""

    #: How many recipients :meth:`settings` configures.
    RECIPIENTS = 2

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: deque[Fault] = deque()
        self._received: list[Received] = []
        self.calls = 0
        """How many requests arrived, refused ones and health checks included."""

    @abc.abstractmethod
    def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""

    @abc.abstractmethod
    def close(self) -> None:
        """Stop listening and drop every connection."""

    @abc.abstractmethod
    def settings(self) -> dict[str, Any]:
        """Settings of a channel that delivers here to two recipients, with credentials that work."""

    def addresses(self) -> list[str]:
        """The recipients' addresses in the order of :meth:`settings`, as :class:`Received` names them."""
        raise NotImplementedError

    def fail(self, *faults: Fault | FaultKind | str, **fields: Any) -> None:
        """Let the next messages meet these faults, in this order; ``fields`` go to those named by kind."""
        made = [fault if isinstance(fault, Fault) else Fault(FaultKind(fault), **fields) for fault in faults]
        with self._lock:
            self._faults.extend(made)

    def heal(self) -> None:
        """Forget the faults that have not been met."""
        with self._lock:
            self._faults.clear()

    def received(self, address: str | None = None) -> list[Received]:
        """The messages that were taken, oldest first; those to one address where it is given."""
        with self._lock:
            return [message for message in self._received if address in (None, message.address)]

    def take(self, message: Received) -> None:
        """Record a message as taken."""
        with self._lock:
            self._received.append(message)

    def next_fault(self, address: str) -> Fault | None:
        """The fault that a message to this address meets, used up."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.address in (None, address):
                    del self._faults[index]
                    if fault.times != 1:
                        self._faults.insert(index, attrs.evolve(fault, times=max(0, fault.times - 1)))
                    return fault
        return None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
