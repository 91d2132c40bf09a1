"""The HTTP sink, plain and with TLS: reads a request, notes its mark, answers. As little more as can be.

``python -m benchmarks.sinks.http CERTIFICATE.pem`` (key and chain).
"""

import asyncio
import collections
import socket
import ssl
import sys
import time

from benchmarks.marks import DIGITS, PREFIX

from .orders import run

_MARK = PREFIX.encode()
_LENGTH = len(_MARK) + DIGITS
_TAKEN = (200, "ok")


def response(status, body="", **headers):
    """The bytes of an answer."""
    fields = {"Content_Type": "text/plain", "Content_Length": len(body.encode())} | headers
    lines = [f"HTTP/1.1 {status} Sink", *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", body]).encode()


class State:
    """What arrived, and how to answer."""

    def __init__(self):
        self.reset()

    def reset(self, latency=0.0, fail_every=0, status=503, retry_after=None, answers=None):
        self.marks = collections.defaultdict(set)
        self.requests = self.connections = 0
        self.first = self.last = 0.0
        self.latency, self.fail_every = latency, fail_every
        self.failure = response(status, **({} if retry_after is None else {"Retry_After": retry_after}))
        self.taken = response(*_TAKEN)
        answers = answers or {}
        self.answers = {
            path.encode(): response(status, body, Content_Type="application/json")
            for path, (status, body) in answers.items()
        }

    def answer(self, head, body):
        """Count a request, and say what it gets."""
        self.requests += 1
        if self.fail_every and self.requests % self.fail_every == 0:
            return self.failure
        path = head.split(b" ", 2)[1]
        at = body.find(_MARK)
        if at >= 0:
            marks = self.marks[path]
            mark = bytes(body[at : at + _LENGTH])
            if mark not in marks:
                marks.add(mark)
                self.last = time.monotonic()
        return self.answers.get(path.partition(b"?")[0], self.taken) if self.answers else self.taken

    def carry_out(self, order):
        if "reset" in order:
            self.reset(**order["reset"])
        marks = [mark.decode() for found in self.marks.values() for mark in found] if order.get("marks") else None
        return {
            "distinct": sum(map(len, self.marks.values())),
            "requests": self.requests,
            "connections": self.connections,
            "last": self.last,
            "marks": marks,
        }


class Exchange(asyncio.Protocol):
    """One connection, with any number of requests that may follow each other at once."""

    def __init__(self, state, loop):
        self._state, self._loop = state, loop
        self._rest = b""

    def connection_made(self, transport):
        self._transport = transport
        self._state.connections += 1

    def data_received(self, data):
        data = self._rest + data if self._rest else data
        start = 0
        while (end := data.find(b"\r\n\r\n", start)) >= 0:
            head = data[start:end]
            after = end + 4 + _length_of(head)
            if len(data) < after:
                break
            self._answer(self._state.answer(head, data[end + 4 : after]))
            start = after
        self._rest = data[start:] if start else data

    def _answer(self, answer):
        if self._state.latency:
            self._loop.call_later(self._state.latency, self._write, answer)
        else:
            self._transport.write(answer)

    def _write(self, answer):
        if not self._transport.is_closing():
            self._transport.write(answer)


def _length_of(head):
    at = head.find(b"Content-Length:")
    if at < 0:
        head = head.lower()
        at = head.find(b"content-length:")
    return int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def serve(loop):
    state = State()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    ports = {}
    for scheme, tls in (("http", None), ("https", context)):
        # The protocol is named because asyncio sets TCP_NODELAY only then.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        ports[scheme] = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        await loop.create_server(lambda: Exchange(state, loop), sock=listener, ssl=tls, backlog=1024)
    return ports, state.carry_out


if __name__ == "__main__":
    run(serve)
