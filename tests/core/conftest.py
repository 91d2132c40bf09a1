"""Receivers that misbehave on the wire, and small builders."""

import contextlib
import socket
import struct
import threading

import pytest

from tocsin import Alert, NotificationConfig, NotificationService
from tocsin.testing import FakeClock


class Receiver:
    """A TCP server on loopback that runs one behaviour for every connection."""

    def __init__(self, behave):
        self._behave = behave
        self._sockets = []
        self.stopping = threading.Event()
        self.requests = []
        self.hung_up = threading.Semaphore(0)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self._sockets.append(connection)
            threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection):
        with contextlib.suppress(OSError), connection:
            self._behave(self, connection)
        self.hung_up.release()

    def request(self, connection):
        """Read one whole request; None once the client has gone."""
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = connection.recv(65536)
            if not chunk:
                return None
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(v) for n, _, v in (x.partition(b":") for x in head.lower().split(b"\r\n")) if n == b"content-length"),
            0,
        )
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append((head, body))
        return body

    def close(self):
        self.stopping.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def reset(self, connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


@pytest.fixture
def receiver():
    """Start a receiver with a behaviour: ``receiver(lambda server, connection: …)``."""
    with contextlib.ExitStack() as stack:

        def start(behave):
            server = Receiver(behave)
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture
def answering(receiver):
    """A receiver that answers every request of a kept connection with the same bytes."""

    def start(answer):
        def behave(server, connection):
            while server.request(connection) is not None:
                connection.sendall(answer)

        return receiver(behave)

    return start


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def make_service(clock):
    """A service on the fake clock, with delivery settings as keywords and channels by name."""
    with contextlib.ExitStack() as stack:

        def make(channels=(), *, processors=(), observers=(), routes=(), **delivery):
            config = NotificationConfig.from_mapping({"delivery": delivery, "routes": list(routes)})
            service = NotificationService(config, processors=processors, observers=observers, clock=clock)
            stack.callback(service.close, 0.0)
            for name, channel in dict(channels).items():
                service.add_channel(name, channel)
            return service

        yield make


@pytest.fixture
def alert():
    return Alert(title="Position Risk Exceeded", message="6.5 % is above 5.0 %", priority="HIGH", alert_type="RISK")
