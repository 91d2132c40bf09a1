"""One conversation with a mail server, under the deadline in force."""

from __future__ import annotations

import contextlib
import os
import re
import smtplib
import socket
import ssl

import attrs

from tocsin import Secret, TlsError
from tocsin.deadline import Deadline, current
from tocsin.dialing import dial
from tocsin.forking import forget_in_child
from tocsin_email.errors import Stage, failure_for
from tocsin_email.login import log_in
from tocsin_email.reply import BadReply, read_reply
from tocsin_email.transaction import Mail, most_mails, recipient_parameters, sender_parameters

__all__ = ["Connection", "Endpoint"]

_OPTIONS = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
_HOST_NAME = re.compile(r"(?=.{1,255}$)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_LINE_START_DOT = re.compile(rb"(?m)^\.")


@attrs.frozen
class Endpoint:
    """Where mails go, and how to get in.

    Attributes:
        host, port: of the server.
        tls: ``starttls``, ``implicit`` or ``none``.
        context: of TLS.
        username, password: for AUTH; both or neither.
        mechanisms: of AUTH, first choice first.
        ehlo_name: how to introduce ourselves; None for this host's full name, or its address where it has none.
    """

    host: str
    port: int
    tls: str
    context: ssl.SSLContext = attrs.field(repr=False)
    username: str | None = attrs.field(default=None, repr=False)
    password: Secret | None = None
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    ehlo_name: str | None = None


class Connection(smtplib.SMTP):
    """A connection that the deadline can end at any point, and that knows how far it came.

    Attributes:
        stage: what the last command was for; says what a failure means.
        sent: the final dot of the last message has left; from then on the message may have been taken.
        connected: there was a connection.
        handshaking: TLS is being negotiated.
        secured: TLS is in force.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(local_hostname=endpoint.ehlo_name or "localhost")  # a name: without one, it would be looked up
        self.endpoint = endpoint
        self.stage = Stage.GREETING
        self.sent = False
        self.handshaking = self.secured = self.connected = False
        self._host = (
            endpoint.host
        )  # what the certificate is checked against; set by smtplib only where it connects itself
        self._clean = True
        self._mails = 0
        self._twin: socket.socket | None = None
        forget_in_child(self)

    @property
    def is_open(self) -> bool:
        """Nothing has ended it yet, as far as is known here."""
        return self.sock is not None

    @property
    def is_used_up(self) -> bool:
        """The server takes no more mails on this connection, as it said (RFC 9422)."""
        return self._mails >= most_mails(self.esmtp_features)

    @property
    def tls_version(self) -> str:
        """``TLSv1.3``; empty where the connection is in clear text."""
        return (isinstance(self.sock, ssl.SSLSocket) and self.sock.version()) or ""

    def open(self) -> None:
        """Connect, and go on until mails are taken: EHLO, TLS, EHLO again, AUTH.

        Raises:
            DeliveryError: the server refused something.
            OSError: the connection failed or broke.
        """
        self.stage = Stage.GREETING
        self._expect(2, self.connect(self.endpoint.host, self.endpoint.port))
        if self.endpoint.ehlo_name is None and self.sock is not None:
            self.local_hostname = _own_name(self.sock)
        self._greet()
        if self.endpoint.tls == "starttls":
            self._start_tls()
            self._greet()
        if self.endpoint.username is not None and self.endpoint.password is not None:
            self.stage = Stage.AUTH
            log_in(self, self.endpoint.username, self.endpoint.password, self.endpoint.mechanisms)

    def resume(self, deadline: Deadline) -> None:
        """Put a kept connection under the deadline of another attempt."""
        if self._twin is not None and self.sock is not None:
            deadline.watch(self._twin)
            self.sock.settimeout(max(0.001, deadline.remaining()))

    def deliver(self, mail: Mail) -> bytes:
        """One transaction.

        Returns:
            The text of the server's answer to the message.

        Raises:
            DeliveryError: the server refused it.
            OSError: the connection broke; :attr:`stage` and :attr:`sent` say when.
        """
        self.stage, self.sent = Stage.MAIL, False
        self._mails += 1
        self._begin(mail)
        self.stage = Stage.RCPT
        self._expect(2, self.docmd("RCPT", f"TO:<{mail.to}>{recipient_parameters(self.esmtp_features)}"))
        self.stage = Stage.DATA
        self._expect(3, self.docmd("DATA"))
        self.stage = Stage.MESSAGE
        # In one piece: where this fails, the dot at its end has not left, so the server cannot have taken the message.
        self.send(_LINE_START_DOT.sub(b"..", mail.content) + b".\r\n")
        self.sent = True
        text = self._expect(2, self.getreply())
        self._clean = True
        return text

    def ask(self) -> None:
        """NOOP: the server answers, and would take a mail."""
        self.stage = Stage.MAIL
        self._expect(2, self.noop())

    def leave(self) -> None:
        """Say QUIT without waiting for the answer, and close."""
        try:
            if self.sock is not None:
                self.sock.settimeout(0)
                self.sock.send(b"QUIT\r\n")
        except OSError:
            pass  # it is closed in any case
        self.close()

    def close(self) -> None:
        """Close the socket and its duplicate."""
        super().close()
        twin, self._twin = self._twin, None
        if twin is not None:
            twin.close()

    def forget(self) -> None:
        """Let go of the sockets without a word and without a lock: in a forked child they are the parent's.

        Otherwise the server would see the connection open for as long as the child lives, and a word of the child would
        stand in the middle of the parent's conversation.
        """
        for sock in (self.sock, self._twin):
            if sock is not None:
                with contextlib.suppress(OSError):
                    os.close(sock.detach())
        self.sock = self._twin = None

    def getreply(self) -> tuple[int, bytes]:
        """The code and text of a reply, at most 64 kB.

        Raises:
            SMTPServerDisconnected: the connection ended before the reply did.
            BadReply: it is none.
            OSError: reading failed.
        """
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        if self.file is None:
            self.file = self.sock.makefile("rb")
        try:
            return read_reply(self.file.readline)
        except OSError:
            self.close()
            raise

    def _get_socket(self, host: str, port: int, timeout: object) -> socket.socket:
        """Called by ``connect``: a socket under the deadline, with TLS where it comes first."""
        sock = dial(host, port, options=_OPTIONS, on_open=self._keep_twin)
        if self.endpoint.tls == "implicit":
            self.handshaking = True
            sock = self.endpoint.context.wrap_socket(sock, server_hostname=self._host)
            self.handshaking, self.secured = False, True
        self.connected = True
        return sock

    def _keep_twin(self, sock: socket.socket) -> None:
        """TLS takes the socket's descriptor over; the duplicate stays what the deadline can shut."""
        if self._twin is not None:
            self._twin.close()
        self._twin = sock.dup()
        deadline = current()
        if deadline is not None:
            deadline.watch(self._twin)

    def _expect(self, group: int, reply: tuple[int, bytes]) -> bytes:
        """The text of a reply of the expected group (2 done, 3 go on)."""
        code, text = reply
        if code // 100 == group:
            return text
        if code == 421:
            self.close()
        if code >= 400:
            raise failure_for(self.stage, code, text)
        self.close()
        raise BadReply("a reply out of turn")

    def _greet(self) -> None:
        self.stage = Stage.EHLO
        reply = self.ehlo()
        if reply[0] in (500, 502) and self.endpoint.tls == "none":
            reply = self.helo()  # RFC 5321, section 3.2: an old relay that knows no extensions
        self._expect(2, reply)

    def _start_tls(self) -> None:
        self.stage = Stage.STARTTLS
        if not self.has_extn("starttls"):
            raise TlsError(
                "the server offers no STARTTLS; nothing was sent in clear text",
                hint='Use tls = "implicit" (port 465), or tls = "none" for a relay that is to be trusted without.',
            )
        try:
            self.handshaking = True
            self.starttls(context=self.endpoint.context)
            self.handshaking, self.secured = False, True
        except smtplib.SMTPResponseException as error:
            if error.smtp_code >= 400:
                raise failure_for(self.stage, error.smtp_code, error.smtp_error) from None
            raise BadReply("STARTTLS was answered out of turn") from None

    def _begin(self, mail: Mail) -> None:
        """MAIL FROM, after RSET where the last transaction did not end well."""
        parameters = sender_parameters(self.esmtp_features, mail)
        if not self._clean:
            self._expect(2, self.rset())
        self._clean = False
        self.command_encoding = "utf-8" if mail.utf8 else "ascii"
        self._expect(2, self.docmd("MAIL", f"FROM:<{mail.sender}>{parameters}"))


def _own_name(sock: socket.socket) -> str:
    """This host's full name, or its address in brackets (RFC 5321, section 4.1.3); nothing is looked up."""
    name = socket.gethostname()
    if _HOST_NAME.fullmatch(name):
        return name
    address = str(sock.getsockname()[0]).partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
