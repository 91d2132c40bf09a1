"""A TCP server whose every connection runs one function; it can be told to stop at any moment."""

import contextlib
import socket
import struct
import threading
import time

__all__ = ["Connection", "Server", "black_hole", "refused_port"]


class Connection:
    """One accepted connection, as a script uses it."""

    def __init__(self, server, sock):
        self.server = server
        self.sock = sock
        self._buffer = b""

    def secure(self, context):
        """Go on in TLS; what came before it is forgotten."""
        self._buffer = b""
        self.sock = context.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        self.sock.do_handshake()

    def read_until(self, end):
        """The bytes up to and with ``end``; None once the client has gone."""
        while end not in self._buffer:
            chunk = self.sock.recv(65536)
            if not chunk:
                return None
            self._buffer += chunk
        found, _, self._buffer = self._buffer.partition(end)
        return found + end

    def read(self, count):
        """That many bytes, or fewer once the client has gone."""
        while len(self._buffer) < count and (chunk := self.sock.recv(65536)):
            self._buffer += chunk
        found, self._buffer = self._buffer[:count], self._buffer[count:]
        return found

    def peek(self):
        """Wait until something has come, and leave it there."""
        if not self._buffer:
            self._buffer = self.sock.recv(65536)

    def send(self, data):
        self.sock.sendall(data)

    def drip(self, data, pause=0.05):
        """Send one byte at a time, until the client or the server ends it."""
        for byte in data:
            self.send(bytes([byte]))
            if self.wait(pause):
                return

    def wait(self, seconds=30.0):
        """Do nothing until the server is closed; True where it was."""
        return self.server.stopping.wait(seconds)

    def reset(self):
        """End it with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # An SSLSocket's detached file would stay open; the descriptor itself is closed.
        self.sock.close()

    def half_close(self):
        """Say that nothing more comes, and keep listening."""
        socket.socket.shutdown(self.sock, socket.SHUT_WR)


class Server:
    """Listens on a free port of 127.0.0.1.

    Args:
        converse: called with each :class:`Connection` in a thread of its own.
        tls: an SSLContext; the conversation begins after the handshake.
    """

    def __init__(self, converse, tls=None):
        self.converse = converse
        self.tls = tls
        self.stopping = threading.Event()
        self.connections = 0
        self.ended = threading.Semaphore(0)
        """Released whenever a conversation is over."""
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="hostile", daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self._handle, args=(sock,), name="hostile", daemon=True).start()

    def _handle(self, sock):
        connection = Connection(self, sock)
        self._open.add(connection)
        try:
            with contextlib.suppress(OSError, ValueError):
                if self.tls is not None:
                    connection.secure(self.tls)
                self.converse(connection)
        finally:
            connection.sock.close()
            self._open.discard(connection)
            self.ended.release()

    def drop(self):
        """End every connection; the number of them."""
        dropped = list(self._open)
        for connection in dropped:
            with contextlib.suppress(OSError, ValueError):
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
        return len(dropped)

    def close(self):
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()
        until = time.monotonic() + 5.0
        while self._open and time.monotonic() < until:
            self.ended.acquire(timeout=0.05)


def refused_port():
    """A port of loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def black_hole():
    """A port that answers no SYN: its queue of connections is full, and nobody takes them out."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield listener.getsockname()[1]
