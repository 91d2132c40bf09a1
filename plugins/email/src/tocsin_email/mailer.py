"""Sends mails over kept connections, and says in the core's words what went wrong."""

from __future__ import annotations

import smtplib
import ssl

from tocsin import ConnectionFailed, DeliveryError, DeliveryTimeout, Outcome, ServerError, TlsError
from tocsin.deadline import Deadline
from tocsin.dialing import chain, words_for
from tocsin_email.connection import Connection, Endpoint
from tocsin_email.errors import Stage
from tocsin_email.pool import Pool
from tocsin_email.reply import BadReply
from tocsin_email.transaction import Mail

__all__ = ["Mailer"]

_MOMENT = 0.02
_SILENT = 'A server that says nothing at first may expect TLS at once: set tls = "implicit" (port 465).'
_CERTIFICATE = "Where the server wants to see a certificate, set client_cert_file and client_key_file."
_NO_SMTP = "Check host and port: something else than a mail server answers there."


class Mailer:
    """The way to one server, for any number of threads: each mail has a connection to itself."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.pool = Pool()

    def send(self, mail: Mail, deadline: Deadline) -> bytes:
        """Deliver one mail.

        A kept connection that turns out dead before the server has taken the sender is replaced, once.

        Returns:
            The text of the server's answer.

        Raises:
            DeliveryError: why the server did not take it, or may not have.
        """
        kept = self.pool.take()
        if kept is not None:
            kept.resume(deadline)
            try:
                return self._deliver(kept, mail, deadline)
            except DeliveryError:
                if kept.is_open or kept.stage is not Stage.MAIL or _is_over(deadline):
                    raise
        return self._deliver(self._open(deadline), mail, deadline)

    def check(self, deadline: Deadline) -> str:
        """Connect, log in, ask with NOOP, and leave.

        Returns:
            The version of TLS, empty for none.
        """
        connection = self._open(deadline)
        try:
            connection.ask()
            return connection.tls_version
        except OSError as error:
            failure = _translate(error, connection, deadline)
        finally:
            connection.leave()
        raise failure

    def close(self) -> None:
        """Close what is kept; mails under way end as they would."""
        self.pool.close()

    def _open(self, deadline: Deadline) -> Connection:
        connection = Connection(self._endpoint)
        try:
            connection.open()
        except OSError as error:
            connection.close()
            failure = _translate(error, connection, deadline)
        except BaseException:
            connection.leave()
            raise
        else:
            return connection
        raise failure

    def _deliver(self, connection: Connection, mail: Mail, deadline: Deadline) -> bytes:
        try:
            text = connection.deliver(mail)
        except OSError as error:
            connection.close()
            failure = _translate(error, connection, deadline)
        except DeliveryError:
            self._keep(connection, deadline)  # refused in good order: the next mail may go the same way
            raise
        except BaseException:
            connection.close()
            raise
        else:
            self._keep(connection, deadline)
            return text
        raise failure

    def _keep(self, connection: Connection, deadline: Deadline) -> None:
        if deadline.expired:
            connection.close()
        elif connection.is_used_up:
            connection.leave()
        self.pool.give(connection)


def _translate(error: OSError, connection: Connection, deadline: Deadline) -> DeliveryError:
    """The failure in words; the deadline's flag comes first, because a connection that it cut looks broken."""
    sent = connection.sent
    outcome = Outcome.UNKNOWN if sent else Outcome.RETRY
    after = "; the message had been sent" if sent else ""
    failures = [cause for cause in chain(error) if isinstance(cause, OSError)]
    causes = [cause for cause in failures if not isinstance(cause, smtplib.SMTPException)]
    over = _is_over(deadline)
    if over or any(isinstance(cause, TimeoutError) for cause in causes):
        words = f"no answer within {deadline.seconds:.3g} s" if over else "the connection timed out"
        hint = _SILENT if connection.stage is Stage.GREETING and connection.connected else None
        return DeliveryTimeout(f"{words}{after}", outcome=outcome, hint=hint)
    if isinstance(error, BadReply):
        if sent:
            return DeliveryTimeout("the answer to the message was no SMTP reply")
        return ServerError("what answers is no SMTP server", hint=_NO_SMTP)
    if not sent and (alert := _tls_alert(causes)):
        hint = _CERTIFICATE if alert.endswith(("certificate required", "handshake failure")) else None
        return TlsError(f"the server ended TLS: {alert}", hint=hint)
    if connection.handshaking and (words := _tls_words(causes)):
        return TlsError(f"no trusted TLS connection: {words}")
    causes = [cause for cause in causes if not isinstance(cause, ssl.SSLError)]
    words = words_for(causes[0]) if causes else "the server closed the connection"
    # Some servers hang up without an alert where they miss a certificate, or before it could be read.
    hint = _CERTIFICATE if connection.secured and connection.stage in (Stage.GREETING, Stage.EHLO) else None
    return ConnectionFailed(f"{words}{after}", outcome=outcome, hint=hint)


def _is_over(deadline: Deadline) -> bool:
    # The socket's own timeout ends at the same moment, and may be noticed a little before the deadline's.
    return deadline.expired or deadline.remaining() < _MOMENT


def _tls_alert(causes: list[OSError]) -> str:
    """The alert with which the server ended TLS, like "certificate required"; empty for none.

    With TLS 1.3 a server judges the client's certificate only after the handshake, so the alert can come at any time.
    """
    for cause in causes:
        reason = (cause.reason or "") if isinstance(cause, ssl.SSLError) else ""
        words = reason.partition("_ALERT_")[2]
        if words:
            return words.lower().replace("_", " ")
    return ""


def _tls_words(causes: list[OSError]) -> str:
    """Why TLS failed; empty where it did not, or where the connection was merely cut."""
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message or "the certificate is not trusted"
    cut = any(isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError) for cause in causes)
    spoken = any(isinstance(cause, ssl.SSLError) for cause in causes)
    return "the server does not speak TLS as expected" if spoken and not cut else ""
