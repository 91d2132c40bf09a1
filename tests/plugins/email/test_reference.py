"""The same mail through the standard library: the same words on the wire, the same header and the same content."""

import re
import smtplib
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import Header, decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, compat32, default
from email.utils import parseaddr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import Alert
from tocsin.rendering import headline
from tocsin_email.addresses import Mailbox, to_mailbox
from tocsin_email.format import FULL, PLAIN, Letter, _text, mail_for, message_id
from tocsin_email.markup import page_for

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


CRLF = "\r\n"
OWN = (
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Tocsin-Priority",
    "X-Tocsin-Type",
    "X-Tocsin-Status",
)
LETTER = Letter(
    sender=to_mailbox("a@example.com"), to=to_mailbox("b@example.com"), key="k", now=datetime(2026, 11, 23, tzinfo=UTC)
)
PIECES = st.one_of(
    st.characters(),  # with controls and lone surrogates
    st.text(min_size=60, max_size=200, alphabet="x="),
    st.sampled_from(["\r\n", "\r", "\n.\n", " \n", "\t\n", "\x0b", "\x1c", "\x85", "\u2028", "=?utf-8?q?a=0ABcc:_x?="]),
    st.sampled_from(
        [
            "\U0001f469\u200d\U0001f469\u200d\U0001f467",
            "\u05e9\u05dc\u05d5\u05dd",
            "\u202e",
            "e\u0301",
            "\nFrom x",
            "\r\nBcc: x",
        ]
    ),
)
TEXTS = st.lists(PIECES, max_size=30).map("".join)


def mailbox(name):
    """One with this name, if it can have it; "=?" is left out, which the standard library decodes into new headers."""
    try:
        return to_mailbox(f"{name.replace('=?', '')} <ops@example.com>")
    except ValueError:
        return Mailbox("ops", "example.com")


LETTERS = st.builds(
    Letter,
    sender=TEXTS.map(mailbox),
    to=st.text(max_size=100).map(mailbox),
    key=st.text(min_size=1, max_size=80),
    now=st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)),
    plain=st.booleans(),
    repeated=st.booleans(),
)
ALERTS = st.builds(
    Alert,
    title=TEXTS.map(lambda text: f"x{text}"[:100]),  # no subject is cut
    message=TEXTS,
    data=st.dictionaries(TEXTS, TEXTS, max_size=3),
    alert_id=TEXTS.map(lambda text: f"x{text}"[:200]),
)


@settings(max_examples=200)
@given(alert=ALERTS, letter=LETTERS)
def test_any_mail_says_what_the_standard_library_makes_of_the_same_values(alert, letter):
    check_against_the_standard_library(alert, letter)


@pytest.mark.parametrize("message", ["x\u00e9 " * 40_000, "\n" * 70_000, "x" * 262_144], ids=["words", "lines", "long"])
def test_a_large_mail_does_too(message):
    check_against_the_standard_library(Alert(title="t", message=message), LETTER)


def check_against_the_standard_library(alert, letter):
    raw, reference = mail_for(alert, letter), in_the_standard_library(alert, letter)
    ours, theirs = (message_from_bytes(mail, policy=default) for mail in (raw, reference))

    assert contents(ours) == contents(theirs)
    assert sorted(ours) == sorted([*theirs, *OWN])
    assert ours["Date"].datetime == theirs["Date"].datetime
    assert ours["MIME-Version"] == theirs["MIME-Version"]
    assert shown(raw, "Subject") == shown(reference, "Subject")
    # Not compared with the reference, which loses spaces where it folds a long name.
    assert shown(raw, "From") == (letter.sender.name, letter.sender.address)
    assert shown(raw, "To") == (letter.to.name, letter.to.address)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert max(map(len, raw.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76, "RFC 2045, section 6.7"


def in_the_standard_library(alert, letter):
    """``EmailMessage``, but for the subject: words that look encoded would be decoded where they are set as a value."""
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    for name, box in ("From", letter.sender), ("To", letter.to):
        mail[name] = Address(box.name, addr_spec=box.address)
    mail["Date"], mail["Message-ID"] = letter.now, message_id(letter.key, letter.sender.domain)
    text = _text(alert, PLAIN if letter.plain else FULL, letter.repeated)
    mail.set_content(text, cte=encoding(text))
    if not letter.plain:
        page = page_for(alert, repeated=letter.repeated)
        mail.add_alternative(page, subtype="html", cte=encoding(page))
    subject = headline(alert, repeated=letter.repeated)
    return f"Subject: {Header(subject, 'utf-8').encode(linesep=CRLF)}{CRLF}".encode() + mail.as_bytes()


def encoding(text):
    return "quoted-printable" if len(text) <= 65_536 else "base64"


def contents(mail):
    parts = [one for one in mail.walk() if not one.is_multipart()]
    return [mail.get_content_type()] + [
        (one["Content-Type"], one["Content-Transfer-Encoding"], one.get_content()) for one in parts
    ]


def shown(raw, name):
    """Text and address as a reader shows them; ``default`` leaves a space between two encoded words of a name."""
    value = message_from_bytes(raw, policy=compat32)[name].replace(CRLF, "")
    text, address = (value, "") if name == "Subject" else parseaddr(value)
    return str(make_header(decode_header(text))), address
