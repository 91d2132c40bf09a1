"""Extensions of SMTP are used where the server offers them, and only there."""

import pytest

from tocsin import Alert, DeliveryError, InvalidRecipient, PayloadError
from tocsin_email.addresses import to_mailbox
from tocsin_email.format import mail_for
from tocsin_email.transaction import Mail, most_mails, recipient_parameters, sender_parameters

MAIL = Mail(sender="a@example.com", to="b@example.com", content=b"x" * 1000, envelope_id="0123abcd")
UTF8 = Mail(sender="a@example.com", to="jürgen@example.com", content=b"x", utf8=True)


@pytest.mark.parametrize("limit", ["1000", "1001", "0", "", "x"])
def test_a_mail_that_is_as_large_as_the_server_takes_is_announced_with_its_size(limit):
    assert sender_parameters({"size": limit}, MAIL) == " SIZE=1000"


def test_a_mail_of_one_byte_more_than_the_server_takes_is_refused():
    with pytest.raises(PayloadError, match=r"^the mail has 1,000 bytes, the server takes at most 999$"):
        sender_parameters({"size": "999"}, MAIL)


def test_the_size_that_counts_is_that_of_the_message_without_dot_stuffing(scripted, channel_to, send, context):
    alert = Alert(title="t", message=".x\n" * 50, alert_id="a", created_at="2026-11-23T09:30:00+00:00")
    server = scripted()
    channel = channel_to(server)
    send(channel, alert, key="k" * 32)
    letter = channel._letter(channel.recipients[0], context(key="k" * 32))
    (command,) = [command for command in server.commands if command.startswith("MAIL")]

    assert command.endswith(f" SIZE={len(mail_for(alert, letter))}")
    assert mail_for(alert, letter).count(b"\r\n.") >= 50


def test_a_mail_that_is_too_large_is_refused_before_anything_of_it_is_said(scripted, channel_to, send):
    server = scripted(EHLO=b"250-mail\r\n250 SIZE 1000")
    with pytest.raises(PayloadError, match="takes at most 1,000"):
        send(channel_to(server))

    assert server.verbs() == ["EHLO"]


def test_a_server_without_extensions_gets_no_parameters():
    assert sender_parameters({}, MAIL) == ""
    assert recipient_parameters({}) == ""


def test_a_server_with_dsn_is_asked_for_a_bounce_that_names_the_alert_and_holds_nothing_of_it():
    assert sender_parameters({"dsn": ""}, MAIL) == " RET=HDRS ENVID=0123abcd"
    assert recipient_parameters({"dsn": ""}) == " NOTIFY=FAILURE,DELAY"


def test_the_envelopes_id_is_the_local_part_of_the_message_id(scripted, channel_to, send):
    server = scripted(EHLO=b"250-mail\r\n250 DSN")
    receipt = send(channel_to(server), key="strange key+=")
    mail, rcpt = (command for command in server.commands if command[:4] in ("MAIL", "RCPT"))
    envelope_id = mail.rpartition("ENVID=")[2]

    assert receipt.details["message_id"] == f"<{envelope_id}@example.com>"
    assert len(envelope_id) <= 100
    assert rcpt == "RCPT TO:<b@example.com> NOTIFY=FAILURE,DELAY"


def test_an_address_beyond_ascii_is_announced_with_smtputf8_and_8bitmime():
    assert sender_parameters({"smtputf8": "", "8bitmime": ""}, UTF8) == " BODY=8BITMIME SMTPUTF8"
    with pytest.raises(InvalidRecipient, match="SMTPUTF8"):
        sender_parameters({"8bitmime": ""}, UTF8)


def test_an_address_with_another_script_in_its_domain_needs_no_smtputf8():
    assert not to_mailbox("ops@bücher.example").needs_utf8


@pytest.mark.parametrize(
    ("offered", "most"),
    [
        ({}, float("inf")),
        ({"limits": ""}, float("inf")),
        ({"limits": "RCPTMAX=20"}, float("inf")),
        ({"limits": "RCPTMAX=20 MailMax=7"}, 7),
        ({"limits": "MAILMAX=0"}, float("inf")),
        ({"limits": "MAILMAX=x"}, float("inf")),
    ],
)
def test_the_limit_of_mails_for_a_connection_is_read_from_limits(offered, most):
    assert most_mails(offered) == most


def test_a_connection_that_took_as_many_mails_as_the_server_allows_is_not_used_again(scripted, channel_to, send):
    server = scripted(EHLO=b"250-mail\r\n250 LIMITS MAILMAX=2")
    channel = channel_to(server)
    for _ in range(5):
        send(channel)

    assert server.connections == 3


def test_a_refused_mail_counts_among_those_a_connection_takes(scripted, channel_to, send):
    server = scripted(EHLO=b"250-mail\r\n250 LIMITS MAILMAX=2", RCPT=[b"450 Busy", b"250 Ok"])
    channel = channel_to(server)
    with pytest.raises(DeliveryError):
        send(channel)
    send(channel)
    send(channel)

    assert server.connections == 2


@pytest.mark.parametrize("reply", [b"500 What?", b"502 5.5.1 Not implemented"])
def test_an_old_relay_that_knows_no_ehlo_is_greeted_with_helo(reply, scripted, channel_to, send):
    server = scripted(EHLO=reply)

    assert send(channel_to(server)).provider_id
    assert server.verbs() == ["EHLO", "HELO", "MAIL", "RCPT", "DATA"]


def test_a_server_that_refuses_this_host_is_not_asked_again_with_helo(scripted, channel_to, send):
    server = scripted(EHLO=b"550 Go away")
    with pytest.raises(DeliveryError):
        send(channel_to(server))

    assert server.verbs() == ["EHLO"]
