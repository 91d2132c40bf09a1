"""A mail server that takes mails, one that says what a test tells it to, and calls as the core makes them."""

import contextlib
import socket
import threading
import uuid
from datetime import UTC, datetime

import pytest

from tocsin import Alert, SendContext
from tocsin.deadline import Deadline
from tocsin_email import EmailChannel
from tocsin_email.simulator import EmailSimulator

CLOSE, HANG, DRIP = object(), object(), object()


class ScriptedServer:
    """Answers each command with the reply given for its verb, or the usual one.

    A reply may be CLOSE, HANG or DRIP; a list gives one reply after the other, the last one again and again. TLS is
    what comes after STARTTLS was granted.
    """

    USUAL = {  # noqa: RUF012 -- a constant
        "GREETING": b"220 mail.example.com ESMTP",
        "EHLO": b"250-mail.example.com\r\n250-SIZE 100000\r\n250 AUTH PLAIN LOGIN",
        "AUTH": b"235 2.7.0 Ok",
        "DATA": b"354 Go on",
        "MESSAGE": b"250 2.0.0 Ok: queued as ABC123",
        "QUIT": b"221 Bye",
    }

    def __init__(self, **replies):
        self.replies = {verb: [reply] if not isinstance(reply, list) else reply for verb, reply in replies.items()}
        self.commands = []
        self.connections = 0
        self.reached = threading.Event()
        """Set where it hangs."""
        self._stopping = threading.Event()
        self._threads = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)

    def verbs(self):
        """What was asked for, but for the QUIT that nobody waits for."""
        verbs = [(command.split() or [""])[0].upper() for command in self.commands]
        return [verb for verb in verbs if verb != "QUIT"]

    def close(self):
        self._stopping.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _start(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            sock, _ = self._listener.accept()
            if self._stopping.is_set():
                sock.close()
                return
            self.connections += 1
            self._start(self._converse, sock)

    def _converse(self, sock):
        with sock, sock.makefile("rb") as lines, contextlib.suppress(OSError):
            going = self._answer(sock, "GREETING")
            while going and (line := lines.readline()):
                self.commands.append(line.decode("latin-1").strip())
                verb = (line.split() or [b""])[0].decode("latin-1").upper()
                going = self._answer(sock, verb)
                if verb == "STARTTLS" and "TLS" in self.replies:
                    going = self._answer(sock, "TLS")
                if verb == "DATA" and self.last.startswith(b"354"):
                    while lines.readline() not in (b".\r\n", b""):
                        pass
                    going = self._answer(sock, "MESSAGE")
                going = going and verb != "QUIT"

    def _answer(self, sock, verb):
        replies = self.replies.get(verb, [self.USUAL.get(verb, b"250 Ok")])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        self.last = reply if isinstance(reply, bytes) else b""
        if reply is CLOSE:
            return False
        if reply is HANG:
            self.reached.set()
            self._stopping.wait(10)
            return False
        if reply is DRIP:
            sock.sendall(b"\x16\x03\x03\x3f\xff" if verb == "TLS" else b"250-")  # a handshake record of 16 kB
            while not self._stopping.wait(0.02):
                sock.sendall(b"x")
            return False
        sock.sendall(reply + b"\r\n")
        return True


@pytest.fixture
def scripted():
    """Start scripted servers: ``scripted(RCPT=b"550 5.1.1 No")``."""
    with contextlib.ExitStack() as stack:

        def start(**replies):
            server = ScriptedServer(**replies)
            stack.callback(server.close)
            return server

        start.CLOSE, start.HANG, start.DRIP = CLOSE, HANG, DRIP
        yield start


@pytest.fixture
def simulator():
    """A started simulator with its defaults."""
    with EmailSimulator() as running:
        yield running


@pytest.fixture
def channel_to():
    """Make channels, to a server or with settings of their own, that are closed after the test."""
    with contextlib.ExitStack() as stack:

        def make(server=None, **settings):
            if isinstance(server, ScriptedServer):
                plain = {"host": "127.0.0.1", "port": server.port, "tls": "none"}
                settings = plain | {"from_email": "a@example.com", "to": ["b@example.com"]} | settings
            elif server is not None:
                settings = server.settings() | settings
            channel = EmailChannel(**settings)
            stack.callback(channel.close)
            return channel

        yield make


@pytest.fixture
def channel(simulator, channel_to):
    """A channel that delivers to the simulator."""
    return channel_to(simulator)


@pytest.fixture
def context():
    """Make a context as the core does."""

    def make(deadline=None, **values):
        values.setdefault("key", uuid.uuid4().hex)
        return SendContext(deadline=deadline or Deadline(5.0), now=datetime.now(UTC), **values)

    return make


@pytest.fixture
def send(context):
    """Send one alert, to the first recipient, under a deadline, as the core does."""

    def call(channel, alert=None, to=0, within=5.0, **values):
        alert = alert or Alert(title="Disk full", message="/var is at 98 %")
        with Deadline(within) as deadline:
            return channel.send(alert, channel.recipients[to], context(deadline, **values))

    return call


@pytest.fixture
def probe(context):
    """Ask a channel for its health under a deadline."""

    def call(channel, within=5.0):
        with Deadline(within) as deadline:
            return channel.health(context(deadline))

    return call
