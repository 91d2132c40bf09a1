"""How fast a sink is by itself: asked by raw sockets, so that no client's own cost is in it."""

import socket
import ssl
import time

from .figures import Sample

__all__ = ["ceilings"]

_BODY = b'{"title": "QZ00000000", "message": "' + b"x" * 300 + b'"}'


def ceilings(bench):
    """Requests a second by the way of asking."""
    http, https = (bench.http.facts[scheme].rpartition(":")[2] for scheme in ("http", "https"))
    context = ssl.create_default_context(cafile=bench.authorities)
    count = bench.size(5000)
    return {
        "one after the other, HTTP": _sample(bench, http, None, count, 1),
        "one after the other, HTTPS": _sample(bench, https, context, count, 1),
        "100 in a write, HTTP": _sample(bench, http, None, count * 10, 100),
    }


def _sample(bench, port, context, count, batch):
    rates = []
    for _ in range(bench.rounds):
        with socket.create_connection(("127.0.0.1", int(port))) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock = context.wrap_socket(plain, server_hostname="127.0.0.1") if context else plain
            rates.append(_rate(sock, count, batch))
            sock.close()
    return Sample(rates)


def _rate(sock, count, batch):
    head = b"POST /ceiling HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(_BODY)
    requests = (head + _BODY) * batch
    sock.sendall(head + _BODY)
    length = len(sock.recv(65536))
    begun = time.perf_counter()
    for _ in range(count // batch):
        sock.sendall(requests)
        left = length * batch
        while left:
            left -= len(sock.recv(65536))
    return count / (time.perf_counter() - begun)
