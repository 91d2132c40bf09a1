"""The SMTP sink: STARTTLS, one transaction after the other, and the marks of what was taken.

``python -m benchmarks.sinks.mail CERTIFICATE.pem`` (key and chain).
"""

import asyncio
import email
import email.policy
import socket
import ssl
import sys

from benchmarks.marks import DIGITS, PREFIX

from .orders import run

_DOT = b"\r\n.\r\n"
_SIMPLE = {
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
    b"NOOP": b"250 2.0.0 Ok\r\n",
}


class State:
    """What arrived."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.mails, self.connections = [], 0

    def carry_out(self, order):
        if "reset" in order:
            self.reset(**order["reset"])
        marks = [found for mail in self.mails if (found := _mark_of(mail)) is not None]
        return {
            "distinct": len(set(marks)),
            "requests": len(self.mails),
            "connections": self.connections,
            "marks": marks if order.get("marks") else None,
        }


def _mark_of(mail):
    subject = str(email.message_from_bytes(mail, policy=email.policy.default)["Subject"])
    at = subject.find(PREFIX)
    return subject[at : at + len(PREFIX) + DIGITS] if at >= 0 else None


class Conversation(asyncio.Protocol):
    """One connection."""

    def __init__(self, state, context, loop):
        self._state, self._context, self._loop = state, context, loop
        self._rest = b""
        self._in_data = self._secured = False
        self._upgrading = None

    def connection_made(self, transport):
        self._transport = transport
        if self._upgrading is None:
            self._state.connections += 1
            transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data):
        self._rest += data
        while True:
            end = self._rest.find(_DOT if self._in_data else b"\r\n")
            if end < 0:
                return
            taken, self._rest = self._rest[:end], self._rest[end + (5 if self._in_data else 2) :]
            if self._in_data:
                self._in_data = False
                self._state.mails.append(taken)
                self._transport.write(b"250 2.0.0 Ok: queued as %08X\r\n" % len(self._state.mails))
            else:
                self._command(taken[:4].upper())

    def _command(self, verb):
        if verb in _SIMPLE:
            self._transport.write(_SIMPLE[verb])
        elif verb in (b"EHLO", b"HELO"):
            offer = b"" if self._secured else b"250-STARTTLS\r\n"
            self._transport.write(b"250-sink\r\n" + offer + b"250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 10240000\r\n")
        elif verb == b"DATA":
            self._in_data = True
            self._transport.write(b"354 Go on\r\n")
        elif verb == b"STAR":
            self._transport.write(b"220 2.0.0 Ready\r\n")
            self._transport.pause_reading()  # what comes next is TLS, and not ours to read
            self._upgrading = self._loop.create_task(self._upgrade())
        elif verb == b"QUIT":
            self._transport.write(b"221 2.0.0 Bye\r\n")
            self._transport.close()
        else:
            self._transport.write(b"502 5.5.1 No\r\n")

    async def _upgrade(self):
        try:
            self._transport = await self._loop.start_tls(self._transport, self, self._context, server_side=True)
            self._secured = True
        except (OSError, ssl.SSLError):
            self._transport.abort()


async def serve(loop):
    state = State()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    await loop.create_server(lambda: Conversation(state, context, loop), sock=listener, backlog=256)
    return {"port": listener.getsockname()[1]}, state.carry_out


if __name__ == "__main__":
    run(serve)
