"""The simulator's side of a conversation: what aiosmtpd leaves to its users, and the faults."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import struct
import threading
import warnings
from base64 import b64decode
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING, Any

from tocsin.testing import Fault, FaultKind, Received

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # aiosmtpd 1.4.6 uses what newer Pythons give up
    from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

if TYPE_CHECKING:
    from tocsin_email.simulator import EmailSimulator

__all__ = ["PASSWORD", "THREAD", "TOKEN", "USERNAME", "Conversation"]

THREAD = "email-simulator"
USERNAME, PASSWORD, TOKEN = "alerts", "correct horse battery staple", "ya29.token"
_ONCE = ("From", "To", "Date", "Message-ID", "Subject", "MIME-Version")
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_AT_RCPT = {
    FaultKind.RATE_LIMITED: "450 4.7.1 Too many messages, try again later",
    FaultKind.SERVER_ERROR: "451 4.3.0 Temporary lookup failure",
    FaultKind.UNAUTHORIZED: "530 5.7.0 Authentication required",
    FaultKind.REFUSED_RECIPIENT: "550 5.1.1 User unknown",
}
"""There is no way in SMTP to say how long to wait."""
_AT_DOT = {
    FaultKind.REFUSED_PAYLOAD: "554 5.6.0 Message content rejected",
    FaultKind.LIE: "550 5.1.1 User unknown",  # taken at RCPT, refused when everything is through
    FaultKind.GARBAGE: "\0<html>{",
    FaultKind.OVERSIZE: "250 " + "x" * (8 << 20),
}


class _Silence(logging.Filter):
    """aiosmtpd logs commands, with addresses; other users' lines pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        return threading.current_thread().name != THREAD


logging.getLogger("mail.log").addFilter(_Silence())


class Conversation(SMTP):
    """One connection; registers itself, so that it can be dropped."""

    def __init__(self, simulator: EmailSimulator, **options: Any) -> None:
        self._simulator = simulator
        handler = _Handler(simulator)
        super().__init__(handler, authenticator=handler.authenticate, **options)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called for a new connection, and once more when it has TLS."""
        super().connection_made(transport)
        self._simulator.opened(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Called at the end."""
        super().connection_lost(error)
        self._simulator.ended(self)


class _Handler:
    """What the server answers. Names and arguments of the methods are aiosmtpd's."""

    def __init__(self, simulator: EmailSimulator) -> None:
        self._simulator = simulator
        self._fault: Fault | None = None

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        given = (login.login.decode(errors="replace"), login.password.decode(errors="replace"))
        return self._judge(given == (USERNAME, PASSWORD))

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 -- aiosmtpd's form
        given = b64decode(args[1]) if len(args) > 1 else await server.challenge_auth("")
        result = self._judge(given == f"user={USERNAME}\1auth=Bearer {TOKEN}\1\1".encode())
        if not result.success:
            await server.challenge_auth('{"status":"400","schemes":"Bearer"}')
        return result

    def _judge(self, correct: bool) -> AuthResult:
        if correct and not self._simulator.refuses_login():
            return AuthResult(success=True)
        self._simulator.count()
        return AuthResult(success=False, handled=False)  # 535 5.7.8

    async def handle_NOOP(self, server: SMTP, session: Session, envelope: Envelope, arg: str) -> str:  # noqa: N802 -- aiosmtpd's form
        self._simulator.count()
        return "250 2.0.0 Ok"

    async def handle_MAIL(  # noqa: N802 -- aiosmtpd's form
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._simulator.login and not session.authenticated:
            self._simulator.count()
            return "530 5.7.0 Authentication required"
        if self._simulator.login_is_revoked():
            await server.push("421 4.7.0 Session no longer valid, log in again")
            raise asyncio.CancelledError  # ends the conversation
        self._simulator.count()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's form
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._fault = fault = self._simulator.next_fault(address)
        kind = fault.kind if fault is not None else None
        if fault is not None and kind is FaultKind.STATUS:
            return f"{fault.status} As told"
        if kind is FaultKind.RESET:
            _reset(server)
        if kind in _AT_RCPT:
            return _AT_RCPT[kind]
        if address not in self._simulator.mailboxes:
            return _AT_RCPT[FaultKind.REFUSED_RECIPIENT]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's form
        content = envelope.original_content or b""
        kind, self._fault = self._fault and self._fault.kind, None
        refusal = _complaint(content, envelope) or (_AT_DOT.get(kind) if kind else None)
        if refusal is not None:
            return refusal
        if kind is FaultKind.HANG:
            await asyncio.Event().wait()
        answer = f"250 2.0.0 Ok: queued as {self._take(content, envelope)}"
        if kind is FaultKind.LOST_ANSWER:
            _reset(server)
        if kind in (FaultKind.HALF_ANSWER, FaultKind.DRIP):
            await _dawdle(server, answer, kind)
        return answer

    def _take(self, content: bytes, envelope: Envelope) -> str:
        mail = _parsed(content)
        key = mail["Message-ID"].strip("<>").partition("@")[0]
        queue_id = f"4{len(self._simulator.received()):07X}{key[:2].upper()}"
        for address in envelope.rcpt_tos:
            self._simulator.take(Received(address, _visible(mail), key, queue_id, mail))
        return queue_id


def _complaint(content: bytes, envelope: Envelope) -> str | None:
    """What a careful server refuses: bare line ends (SMTP smuggling), missing or doubled headers, 8-bit unannounced."""
    if _BARE.search(content):
        return "550 5.6.11 Bare line feeds are illegal"
    if not content.isascii() and "BODY=8BITMIME" not in envelope.mail_options:
        return "554 5.6.1 Eight-bit data not announced"
    mail = _parsed(content)
    if any(len(mail.get_all(name, [])) != 1 for name in _ONCE):
        return "550 5.7.1 Messages missing a valid header are not accepted"
    if [box.addr_spec for box in mail["From"].addresses] != [envelope.mail_from]:
        return "550 5.7.1 Sender and From differ"
    return None


def _parsed(content: bytes) -> EmailMessage:
    # From text, because with SMTPUTF8 headers are in UTF-8, which the parser for bytes does not read.
    return message_from_string(content.decode("utf-8", "replace"), policy=default)


def _visible(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    text = body.get_content() if body is not None else ""
    return f"{mail['Subject']}\n\n{text}".replace("\r\n", "\n")


async def _dawdle(server: SMTP, answer: str, kind: FaultKind) -> None:
    """Half of the answer and the end, or one byte after the other."""
    assert isinstance(server.transport, asyncio.WriteTransport)
    if kind is FaultKind.HALF_ANSWER:
        server.transport.write(answer[: len(answer) // 2].encode())
        raise asyncio.CancelledError
    for byte in answer.ljust(600).encode():
        server.transport.write(bytes([byte]))
        await asyncio.sleep(0.1)


def _reset(server: SMTP) -> None:
    """End the connection with a reset instead of a close."""
    assert isinstance(server.transport, asyncio.WriteTransport)
    sock = server.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.transport.abort()
    raise asyncio.CancelledError
