"""A receiver of HTTP that misbehaves on request, and the ways in which it can.

A behaviour is a function of an :class:`Exchange`; it may read the request, answer, or do neither. What it returns says
whether the connection goes on: True for another request.
"""

import gzip
import threading

from .tcp import Connection, Server

__all__ = ["BEHAVIOURS", "OK", "Exchange", "HttpReceiver", "answer", "answering"]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Exchange:
    """One request on a connection, and whatever is answered."""

    def __init__(self, receiver, connection: Connection):
        self.receiver = receiver
        self.connection = connection

    def head(self):
        """Read the head of the request; None once the client has gone."""
        head = self.connection.read_until(b"\r\n\r\n")
        if head is None:
            return None
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0)
        self._length = length
        return head

    def request(self):
        """Read the whole request; None once the client has gone."""
        head = self.head()
        if head is None:
            return None
        body = self.connection.read(self._length)
        if len(body) < self._length:
            return None
        self.receiver.took(head, body)
        return body


class HttpReceiver:
    """A server on loopback with one behaviour, or a list of them: one for each connection, the last for all others.

    Attributes:
        requests: (head, body) of each request that arrived whole.
    """

    def __init__(self, behaviour=None, tls=None, on_request=None):
        self._lock = threading.Lock()
        self.behave(behaviour or answering(OK))
        self.requests = []
        self._on_request = on_request
        self.server = Server(self._converse, tls)
        self.port = self.server.port
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}/hook"
        self.close = self.server.close

    def behave(self, behaviour):
        """What the next connections meet."""
        with self._lock:
            self._behaviours = list(behaviour) if isinstance(behaviour, list | tuple) else [behaviour]

    def took(self, head, body):
        with self._lock:
            self.requests.append((head, body))
        if self._on_request is not None:
            self._on_request(head, body)

    def _converse(self, connection):
        with self._lock:
            several = len(self._behaviours) > 1
            behaviour = self._behaviours.pop(0) if several else self._behaviours[0]
        exchange = Exchange(self, connection)
        while behaviour(exchange):
            pass


def answering(data):
    """Answer each request with the same bytes and keep the connection."""

    def behave(exchange):
        if exchange.request() is None:
            return False
        exchange.connection.send(data)
        return True

    return behave


def answer(status, body=b"", **headers):
    """The bytes of an answer; header names are written with underscores."""
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def reset_on_accept(exchange):
    exchange.connection.reset()


def reset_after_head(exchange):
    exchange.head()
    exchange.connection.reset()


def reset_after_body(exchange):
    exchange.request()
    exchange.connection.reset()


def reset_mid_answer(exchange):
    exchange.request()
    exchange.connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf")
    exchange.connection.reset()


def reset_mid_head(exchange):
    exchange.request()
    exchange.connection.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    exchange.connection.reset()


def drip_status(exchange):
    """So slowly that the status itself has not arrived when the deadline passes."""
    exchange.request()
    exchange.connection.drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 5000, pause=0.2)


def drip_head(exchange):
    exchange.request()
    exchange.connection.send(b"HTTP/1.1 200 OK\r\n")
    exchange.connection.drip(b"X-Slow: " + b"x" * 5000)


def drip_body(exchange):
    exchange.request()
    exchange.connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    exchange.connection.drip(b"x" * 5000)


def drip_body_without_length(exchange):
    exchange.request()
    exchange.connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    exchange.connection.drip(b"x" * 5000)


def hang(exchange):
    exchange.request()
    exchange.connection.wait()


def hang_before_reading(exchange):
    exchange.connection.wait()


def half_close(exchange):
    exchange.request()
    exchange.connection.half_close()
    exchange.connection.wait(1.0)


def half_close_mid_answer(exchange):
    exchange.request()
    exchange.connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf")
    exchange.connection.half_close()
    exchange.connection.wait(1.0)


def bad_chunk(exchange):
    exchange.request()
    exchange.connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnonsense\r\n")


def cut_chunk(exchange):
    exchange.request()
    exchange.connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nab")


def huge_body(exchange):
    """200 MiB."""
    exchange.request()
    exchange.connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 209715200\r\n\r\n")
    block = b"x" * 65536
    for _ in range(3200):
        exchange.connection.send(block)


_BOMB = gzip.compress(bytes(64 << 20), 9)


def gzip_bomb(exchange):
    """64 kB that unpack to 64 MiB."""
    exchange.request()
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(_BOMB)}\r\n\r\n"
    exchange.connection.send(head.encode() + _BOMB)


def many_headers(exchange):
    exchange.request()
    headers = b"".join(b"X-%d: y\r\n" % number for number in range(500))
    exchange.connection.send(b"HTTP/1.1 200 OK\r\n" + headers + b"Content-Length: 0\r\n\r\n")


def huge_header(exchange):
    exchange.request()
    exchange.connection.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n")


def endless_interim(exchange):
    """100 Continue again and again: a head that never comes."""
    exchange.request()
    while not exchange.connection.wait(0.01):
        exchange.connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")


def two_lengths(exchange):
    exchange.request()
    exchange.connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok")


def no_http(exchange):
    exchange.request()
    exchange.connection.send(b"SMTP ready\r\n\r\n")


def nothing(exchange):
    exchange.request()


def plain_text(exchange):
    """Plain HTTP before anything was asked: what a client of TLS meets on the wrong port."""
    exchange.connection.send(OK)


BEHAVIOURS = {
    behaviour.__name__: behaviour
    for behaviour in (
        reset_on_accept, reset_after_head, reset_after_body, reset_mid_head, reset_mid_answer,
        drip_status, drip_head, drip_body, drip_body_without_length, hang, hang_before_reading,
        half_close, half_close_mid_answer, bad_chunk, cut_chunk, huge_body, gzip_bomb,
        many_headers, huge_header, endless_interim, two_lengths, no_http, nothing,
    )
}  # fmt: skip
