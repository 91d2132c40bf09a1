"""The same mail through the standard library: the same words on the wire, and the same header."""

import re
import smtplib
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest

from tocsin import Alert
from tocsin_email.format import mail_for

ALERT = Alert(
    title="Disk 🔴 full at <host>",
    message=".\n..\nFrom here\n" + "x" * 3000,
    priority="CRITICAL",
    data={"percent": 98},
    dedup_key="disk-1",
)
OFFERS = {
    "plain": b"250-mail\r\n250 HELP",
    "size": b"250-mail\r\n250 SIZE 100000",
    "auth": b"250-mail\r\n250-SIZE 100000\r\n250 AUTH PLAIN",
    "utf8": b"250-mail\r\n250-SIZE 100000\r\n250-8BITMIME\r\n250 SMTPUTF8",
}


@pytest.fixture
def said(monkeypatch):
    """All that clients sent, as bytes."""
    pieces = []
    original = smtplib.SMTP.send

    def send(self, piece):
        pieces.append(piece.encode(self.command_encoding) if isinstance(piece, str) else piece)
        return original(self, piece)

    monkeypatch.setattr(smtplib.SMTP, "send", send)
    return pieces


def normalised(pieces):
    """Verbs and parameters in upper case; the order of parameters is free (RFC 5321, section 4.1.1.11)."""
    lines = []
    for piece in pieces:
        if piece.startswith(b"Date:"):
            lines.append(piece)
        else:
            verb, _, rest = piece.strip().partition(b" ")
            path, *parameters = rest.split(b" ")
            path = re.sub(rb"(?i)^(from|to):", lambda match: match[0].upper(), path)
            lines.append((verb.upper(), path, sorted(parameter.upper() for parameter in parameters)))
    return [line for line in lines if line[0] != b"QUIT"]


@pytest.mark.parametrize("offer", OFFERS)
def test_the_conversation_is_that_of_the_standard_library(offer, scripted, channel_to, send, context, said):
    server = scripted(EHLO=OFFERS[offer])
    account = {"username": "alerts", "password": "secret"} if offer == "auth" else {}
    to = "jürgen@example.com" if offer == "utf8" else "b@example.com"
    channel = channel_to(server, to=[to], ehlo_name="app.example.com", **account)
    send(channel, ALERT, key="k" * 32)
    ours = list(said)
    said.clear()

    (date,) = (re.match(rb"Date: ([^\r]*)", piece)[1] for piece in ours if piece.startswith(b"Date:"))
    letter = channel._letter(channel.recipients[0], context(key="k" * 32))
    content = re.sub(rb"^Date: [^\r]*", b"Date: " + date, mail_for(ALERT, letter))
    with smtplib.SMTP("127.0.0.1", server.port, local_hostname="app.example.com", timeout=5) as client:
        if account:
            client.ehlo()
            client.user, client.password = account.values()
            client.auth("plain", client.auth_plain)
        options = ["BODY=8BITMIME", "SMTPUTF8"] if offer == "utf8" else []
        client.sendmail("a@example.com", [to], content, options)

    assert normalised(ours) == normalised(said)


def test_the_header_says_what_the_standard_library_makes_of_the_same_values(channel_to, context):
    channel = channel_to(host="mail.example.com", from_email="Töcsin <a@example.com>", to=["Doe, Jane <b@example.com>"])
    letter = channel._letter(channel.recipients[0], context(key="k" * 32))
    mail = message_from_bytes(mail_for(ALERT, letter), policy=default)
    reference = EmailMessage(policy=SMTP)
    reference["From"] = "Töcsin <a@example.com>"
    reference["To"] = '"Doe, Jane" <b@example.com>'
    reference["Subject"] = f"🔴 {ALERT.title}"
    reference["Date"] = letter.now
    reference["Message-ID"] = f"<{'k' * 32}@example.com>"
    again = message_from_bytes(reference.as_bytes(), policy=default)

    assert {name: mail[name] for name in again if name != "MIME-Version"} == dict(again.items())
    assert mail["To"].addresses == again["To"].addresses
    assert mail["Date"].datetime == again["Date"].datetime
