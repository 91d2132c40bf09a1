"""A mail server that says what a script tells it to."""

import threading

from .tcp import Server

__all__ = ["CLOSE", "DRIP", "HANG", "MailServer"]

CLOSE, DRIP, HANG = object(), object(), object()


class MailServer:
    """Answers each command with the reply given for its verb, or the usual one.

    A reply is the bytes of its lines, CLOSE, DRIP, HANG, or a function of the command's line that gives one of these;
    a list gives one after the other, the last again and again. GREETING stands for the first line, MESSAGE for what
    follows the dot. With ``tls`` the server offers STARTTLS, unless EHLO says otherwise, and keeps it.

    Attributes:
        commands: (line, whether TLS was in force), over all connections.
        mails: what was taken: (recipients, content).
    """

    USUAL = {  # noqa: RUF012 -- a constant
        "GREETING": b"220 mail.example.com ESMTP",
        "EHLO": b"250-mail.example.com\r\n250-SIZE 1000000\r\n250 AUTH PLAIN LOGIN",
        "AUTH": b"235 2.7.0 Ok",
        "STARTTLS": b"220 2.0.0 Go on",
        "DATA": b"354 Go on",
        "MESSAGE": b"250 2.0.0 Ok: queued as ABC123",
        "QUIT": b"221 Bye",
    }

    def __init__(self, tls=None, **replies):
        self._lock = threading.Lock()
        self._tls = tls
        self.commands = []
        self.mails = []
        self.behave(**replies)
        self.server = Server(self._converse)
        self.port = self.server.port
        self.close = self.server.close

    def behave(self, **replies):
        """What is answered from now on."""
        with self._lock:
            self._replies = {
                verb: list(reply) if isinstance(reply, list) else [reply] for verb, reply in replies.items()
            }

    def verbs(self):
        """The verbs of all commands but QUIT, in their order."""
        return [verb for line, _ in self.commands if (verb := (line.split() or [""])[0].upper()) != "QUIT"]

    def _converse(self, connection):
        secure, recipients = False, []
        going, said = self._answer(connection, "GREETING", "")
        while going and (line := connection.read_until(b"\r\n")) is not None:
            words = line.decode("latin-1").strip()
            verb = (words.upper().split() or [""])[0]
            with self._lock:
                self.commands.append((words, secure))
            going, said = self._answer(connection, verb, words)
            if verb == "STARTTLS" and said.startswith(b"220") and self._tls is not None:
                connection.secure(self._tls)
                secure = True
            elif verb == "RCPT" and said.startswith(b"25"):
                recipients.append(words[8:].partition(" ")[0].strip("<>"))
            elif verb == "DATA" and said.startswith(b"354"):
                content = connection.read_until(b"\r\n.\r\n")
                going, said = (False, b"") if content is None else self._answer(connection, "MESSAGE", words)
                if said.startswith(b"250"):
                    with self._lock:
                        self.mails.append((recipients, content))
                recipients = []
            going = going and verb != "QUIT"

    def _answer(self, connection, verb, words):
        with self._lock:
            replies = self._replies.get(verb) or [self._usual(verb)]
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if callable(reply):
            reply = reply(words)
        if reply is CLOSE:
            return False, b""
        if reply is HANG:
            connection.wait()
            return False, b""
        if reply is DRIP:
            connection.send(b"250-")
            connection.drip(b"x" * 5000)
            return False, b""
        connection.send(reply + b"\r\n")
        return True, reply

    def _usual(self, verb):
        if verb == "EHLO" and self._tls is not None:
            return self.USUAL["EHLO"].replace(b"250-SIZE", b"250-STARTTLS\r\n250-SIZE")
        return self.USUAL.get(verb, b"250 2.0.0 Ok")
