"""A provider that speaks HTTP, with the faults that every HTTP server can have."""

from __future__ import annotations

import abc
import contextlib
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from tocsin.testing.simulator import Answer, Fault, FaultKind, Received, Request, Simulator

__all__ = ["HttpSimulator"]

_OVERSIZE = 8 << 20


class HttpSimulator(Simulator):
    """A provider on a loopback port; subclasses say what its API answers."""

    def __init__(self) -> None:
        super().__init__()
        self._server: _Server | None = None
        self.requests: list[Request] = []

    @property
    def url(self) -> str:
        """``http://127.0.0.1:<port>``, without a slash at its end."""
        if self._server is None:
            raise RuntimeError("the simulator is not started; use it in a with block")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @abc.abstractmethod
    def message(self, request: Request) -> Received | None:
        """The message that a request carries; None for every other call (health, look-ups)."""

    @abc.abstractmethod
    def accept(self, request: Request, message: Received) -> Answer:
        """The provider's answer to a message; records it with :meth:`take`, under the id that the answer gives it."""

    @abc.abstractmethod
    def refuse(self, fault: Fault, request: Request, message: Received) -> Answer:
        """The provider's answer for one of the documented faults.

        These are rate_limited, server_error, unauthorized, refused_recipient, refused_payload and lie.
        """

    def other(self, request: Request) -> Answer:
        """The answer to a call that carries no message, like a health check."""
        return Answer(404)

    def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.002,), name="simulator", daemon=True).start()

    def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.stop()

    def respond(self, request: Request) -> tuple[Answer, FaultKind | None]:
        """The answer to a request, and the fault of the wire that it meets, if any."""
        with self._lock:
            self.calls += 1
            self.requests.append(request)
        message = self.message(request)
        if message is None:
            return self.other(request), None
        fault = self.next_fault(message.address)
        if fault is None:
            answer = self.accept(request, message)
            return answer, None
        match fault.kind:
            case FaultKind.STATUS:
                headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
                return Answer(fault.status, b"", headers), None
            case FaultKind.GARBAGE:
                return Answer(200, b"\x00\xff<html>{"), None
            case FaultKind.OVERSIZE:
                return Answer(200, b"x" * _OVERSIZE), None
            case FaultKind.RESET | FaultKind.HANG:
                return Answer(), fault.kind
            case FaultKind.LOST_ANSWER | FaultKind.HALF_ANSWER | FaultKind.DRIP:
                return self.accept(request, message), fault.kind
        return self.refuse(fault, request, message), None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that goes away is part of the game."""

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._open_lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    simulator: ClassVar[HttpSimulator]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what arrived is in ``received``."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        request = Request(
            self.command, parts.path, dict(parse_qsl(parts.query)), dict(self.headers.items()), self.rfile.read(length)
        )
        answer, wire = self.simulator.respond(request)
        if wire in (FaultKind.RESET, FaultKind.LOST_ANSWER):
            self._reset()
        elif wire is FaultKind.HANG:
            self.close_connection = True
            self.server.stopping.wait(60)
        else:
            self._write(answer, wire)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815 -- the names are http.server's

    def _write(self, answer: Answer, wire: FaultKind | None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) + (64 if wire is FaultKind.HALF_ANSWER else 0)))
        self.end_headers()
        if wire is FaultKind.DRIP:
            self._drip(answer.body)
            return
        self.wfile.write(answer.body)
        self.wfile.flush()
        if wire is FaultKind.HALF_ANSWER:
            self._reset()

    def _drip(self, body: bytes) -> None:
        self.wfile.flush()
        for byte in body.ljust(600):
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.server.stopping.wait(0.1):
                return

    def _reset(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


def _handler(simulator: HttpSimulator) -> type[_Handler]:
    return type("Handler", (_Handler,), {"simulator": simulator})
