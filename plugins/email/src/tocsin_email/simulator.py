"""A mail server on loopback: SMTP with STARTTLS, AUTH, SIZE and SMTPUTF8, and a mailbox for each known recipient.

It needs the extra ``tocsin-email[simulator]``. Its certificate comes from an authority of its own, made at the start.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import trustme

from tocsin.testing import FaultKind, Simulator
from tocsin_email.mailserver import PASSWORD, THREAD, TOKEN, USERNAME, Conversation

__all__ = ["EmailSimulator"]


class EmailSimulator(Simulator):
    """A mail server that takes mails for two mailboxes, from one account.

    Args:
        tls: as the channel's setting.
        login: AUTH is offered and required.
        smtputf8: addresses beyond ASCII are taken.
        size: most bytes of a message; Postfix's default.
        mailboxes: who is known here.
        names: what the certificate is for.
        client_certificate: only clients that show a certificate get in.
    """

    def __init__(
        self,
        *,
        tls: str = "starttls",
        login: bool = True,
        smtputf8: bool = True,
        size: int = 10_240_000,
        mailboxes: Iterable[str] = ("ops@example.com", "desk@example.com"),
        names: Iterable[str] = ("127.0.0.1", "localhost"),
        client_certificate: bool = False,
    ) -> None:
        super().__init__()
        self.client_certificate = client_certificate
        self.tls, self.login, self.smtputf8, self.size = tls, login, smtputf8, size
        self.mailboxes, self._names = tuple(mailboxes), tuple(names)
        self.connections = 0
        """How many connections were opened."""
        self._port = 0

    def start(self) -> None:
        """Listen on a free port of 127.0.0.1, with a new certificate."""
        authority = trustme.CA()
        self._folder = tempfile.TemporaryDirectory(prefix="tocsin-email-")
        self._ca_file = Path(self._folder.name) / "ca.pem"
        authority.cert_pem.write_to_path(str(self._ca_file))
        self._tls_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*self._names).configure_cert(self._tls_context)
        self._client_file = Path(self._folder.name) / "client.pem"
        if self.client_certificate:
            authority.issue_cert("client.example.com").private_key_and_cert_chain_pem.write_to_path(self._client_file)
            authority.configure_trust(self._tls_context)
            self._tls_context.verify_mode = ssl.CERT_REQUIRED
        # The protocol is named because asyncio sets TCP_NODELAY only then; without it each login takes 40 ms longer.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        self._port = listener.getsockname()[1]
        self._open: set[Conversation] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(listener),), name=THREAD, daemon=True)
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        """Stop listening, drop every connection and remove the authority's file."""
        if self._port:
            self._port = 0
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._folder.cleanup()

    def hang_up(self) -> None:
        """Drop every connection, as a server does with idle ones; returns when it is done."""
        asyncio.run_coroutine_threadsafe(self._drop(), self._loop).result()

    def settings(self) -> dict[str, Any]:
        """Settings of a channel that delivers to all mailboxes."""
        account = {"username": USERNAME, "password": PASSWORD} if self.login else {}
        return {
            "host": "127.0.0.1",
            "port": self._port,
            "from_email": "Tocsin <alerts@example.com>",
            "to": list(self.mailboxes),
            "tls": self.tls,
            "ca_file": str(self._ca_file),
            **account,
            **({"client_cert_file": str(self._client_file)} if self.client_certificate else {}),
        }

    @property
    def token(self) -> str:
        """An access token that XOAUTH2 takes in place of the password."""
        return TOKEN

    def addresses(self) -> list[str]:
        """The mailboxes."""
        return list(self.mailboxes)

    def count(self) -> None:
        """One more attempt, mail or probe, has reached the server."""
        with self._lock:
            self.calls += 1

    def login_is_revoked(self) -> bool:
        """The next fault, whoever it is for, is a refused login."""
        with self._lock:
            first = next((fault for fault in self._faults if fault.address is None), None)
            return self.login and first is not None and first.kind is FaultKind.UNAUTHORIZED

    def refuses_login(self) -> bool:
        """The same, and that fault is used up."""
        return self.login_is_revoked() and self.next_fault("") is not None

    def opened(self, conversation: Conversation) -> None:
        """A connection was made, or has TLS now."""
        self.connections += conversation not in self._open
        self._open.add(conversation)

    def ended(self, conversation: Conversation) -> None:
        """A connection was lost."""
        self._open.discard(conversation)

    async def _serve(self, listener: socket.socket) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(lambda loop, context: None)  # clients go away: part of the game
        context = self._tls_context if self.tls == "implicit" else None
        server = await self._loop.create_server(self._conversation, sock=listener, ssl=context)
        self._ready.set()
        await self._stop.wait()
        server.close()
        await self._drop()

    def _conversation(self) -> Conversation:
        starttls = self.tls == "starttls"
        return Conversation(
            self,
            data_size_limit=self.size,
            enable_SMTPUTF8=self.smtputf8,
            hostname="mail.example.com",
            ident="ESMTP",
            tls_context=self._tls_context if starttls else None,
            require_starttls=starttls,
            auth_require_tls=starttls,
            auth_exclude_mechanism=None if self.login else ("LOGIN", "PLAIN", "XOAUTH2"),
            loop=self._loop,
        )

    async def _drop(self) -> None:
        for conversation in tuple(self._open):
            if isinstance(conversation.transport, asyncio.WriteTransport):
                conversation.transport.abort()
        for _ in range(1000):
            if not self._open:
                break
            await asyncio.sleep(0.001)
