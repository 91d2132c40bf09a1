"""What is said on the wire, and what happens where the server says something else or nothing."""

import smtplib
import socket

import pytest

from tocsin import (
    Alert,
    AuthError,
    ChannelConfigError,
    ClientError,
    ConnectionFailed,
    DeliveryError,
    DeliveryTimeout,
    InvalidRecipient,
    Outcome,
    PayloadError,
    RateLimited,
    ServerError,
    TlsError,
)
from tocsin_email.connection import Connection

LOGIN = {"username": "alerts", "password": "secret"}
BEFORE_THE_DOT = ["GREETING", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"]


def test_a_conversation_has_no_superfluous_step(scripted, channel_to, send):
    server = scripted()
    send(channel_to(server, **LOGIN))

    assert server.verbs() == ["EHLO", "AUTH", "MAIL", "RCPT", "DATA"]


def test_the_size_of_the_mail_is_announced(scripted, channel_to, send):
    server = scripted()
    send(channel_to(server))
    (mail,) = [command for command in server.commands if command.upper().startswith("MAIL")]

    assert mail.startswith("MAIL FROM:<a@example.com> SIZE=")


@pytest.mark.parametrize("offer", [b"", b"\r\n250-SIZE", b"\r\n250-SIZE 0", b"\r\n250-SIZE x"])
def test_a_server_without_a_limit_takes_any_size(offer, scripted, channel_to, send):
    server = scripted(EHLO=b"250-mail" + offer + b"\r\n250 HELP")

    assert send(channel_to(server)).provider_id == "ABC123"


def test_no_name_is_looked_up_for_the_greeting(scripted, channel_to, send, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "container")
    monkeypatch.setattr(socket, "getfqdn", lambda *_: pytest.fail("a look-up cannot be interrupted"))
    server = scripted()
    send(channel_to(server))

    assert server.commands[0].split() == ["ehlo", "[127.0.0.1]"]


@pytest.mark.parametrize(("settings", "name"), [({}, "app.example.com"), ({"ehlo_name": "a.example"}, "a.example")])
def test_the_full_name_of_this_host_is_used_or_another(settings, name, scripted, channel_to, send, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "app.example.com")
    server = scripted()
    send(channel_to(server, **settings))

    assert server.commands[0].split() == ["ehlo", name]


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ({"GREETING": b"421 Too many connections"}, ServerError),
        ({"GREETING": b"554 5.7.1 Blocked"}, ClientError),
        ({"EHLO": b"550 Invalid name"}, ClientError),
        ({"AUTH": b"454 4.7.0 Temporary failure"}, ServerError),
        ({"AUTH": b"535 5.7.8 No"}, AuthError),
        ({"MAIL": b"530 5.7.0 Log in first"}, AuthError),
        ({"MAIL": b"550 5.7.1 Sender refused"}, ChannelConfigError),
        ({"MAIL": b"552 5.3.4 Too big"}, PayloadError),
        ({"RCPT": b"450 4.7.1 Greylisted"}, RateLimited),
        ({"RCPT": b"550 5.1.1 Unknown"}, InvalidRecipient),
        ({"RCPT": b"550-5.1.1 The account\r\n550-5.1.1 does not\r\n550 5.1.1 exist"}, InvalidRecipient),
        ({"DATA": b"451 4.3.0 Not now"}, ServerError),
        ({"DATA": b"554 5.5.1 No"}, PayloadError),
        ({"MESSAGE": b"451 4.3.0 Not now"}, ServerError),
        ({"MESSAGE": b"554 5.7.1 Spam"}, PayloadError),
    ],
)
def test_an_answer_counts_at_its_stage(replies, error, scripted, channel_to, send):
    with pytest.raises(error) as caught:
        send(channel_to(scripted(**replies), **LOGIN))

    assert type(caught.value) is error
    assert caught.value.status_code == int(next(iter(replies.values()))[:3])


@pytest.mark.parametrize("reply", [b"251 2.1.5 Forwarded", b"252 2.0.0 Cannot verify"])
def test_any_positive_answer_to_the_recipient_is_positive(reply, scripted, channel_to, send):
    assert send(channel_to(scripted(RCPT=reply))).provider_id


@pytest.mark.parametrize("stage", BEFORE_THE_DOT)
def test_a_connection_that_ends_before_the_dot_is_safe_to_repeat(stage, scripted, channel_to, send):
    server = scripted(**{stage: scripted.CLOSE})
    with pytest.raises(ConnectionFailed, match=r"closed the connection$|reset by the receiver$") as caught:
        send(channel_to(server, **LOGIN))

    assert caught.value.outcome is Outcome.RETRY
    assert server.connections == 1


@pytest.mark.parametrize("how", ["HANG", "DRIP"])
@pytest.mark.parametrize("stage", [*BEFORE_THE_DOT, "MESSAGE"])
def test_a_server_that_hangs_or_drips_is_ended_at_the_deadline(stage, how, scripted, channel_to, send):
    server = scripted(**{stage: getattr(scripted, how)})
    with pytest.raises(DeliveryTimeout, match=r"no answer within 0\.4 s") as caught:
        send(channel_to(server, **LOGIN), within=0.4)

    assert caught.value.outcome is (Outcome.UNKNOWN if stage == "MESSAGE" else Outcome.RETRY)


@pytest.mark.parametrize("how", ["HANG", "DRIP"])
def test_a_tls_handshake_that_hangs_is_ended_at_the_deadline(how, scripted, channel_to, send):
    starttls = scripted(EHLO=b"250-mail\r\n250 STARTTLS", STARTTLS=b"220 Go", TLS=getattr(scripted, how))
    with pytest.raises(DeliveryTimeout) as caught:
        send(channel_to(starttls, tls="starttls"), within=0.4)

    assert caught.value.outcome is Outcome.RETRY


def test_a_kept_connection_is_under_the_deadline_of_the_next_mail_too(scripted, channel_to, send):
    server = scripted(RCPT=[b"250 Ok", scripted.HANG])
    channel = channel_to(server)
    send(channel)

    with pytest.raises(DeliveryTimeout) as caught:
        send(channel, within=0.4)
    assert caught.value.outcome is Outcome.RETRY
    assert server.connections == 1


@pytest.mark.parametrize("stage", BEFORE_THE_DOT)
@pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad", b"\x00\xff", b"99 low", b"250 " + b"x" * 9000, b"", b"250x"])
def test_what_is_no_smtp_before_the_dot_is_a_fault_of_the_server(stage, reply, scripted, channel_to, send):
    with pytest.raises(ServerError, match="no SMTP server"):
        send(channel_to(scripted(**{stage: reply}), **LOGIN))


def test_a_reply_without_end_is_given_up(scripted, channel_to, send):
    endless = b"\r\n".join([b"250-" + b"x" * 1000] * 100)
    with pytest.raises(ServerError, match="no SMTP server"):
        send(channel_to(scripted(EHLO=endless)))


@pytest.mark.parametrize("reply", [b"354 Go on", b"\x00", b"HTTP/1.1 200 OK"])
def test_after_the_dot_what_cannot_be_judged_is_unknown(reply, scripted, channel_to, send):
    with pytest.raises(DeliveryTimeout) as caught:
        send(channel_to(scripted(MESSAGE=reply)))

    assert caught.value.outcome is Outcome.UNKNOWN


def test_a_reply_out_of_turn_is_no_success(scripted, channel_to, send):
    with pytest.raises(ServerError):
        send(channel_to(scripted(DATA=b"250 Ok")))


@pytest.mark.parametrize(
    ("reply", "error"),
    [(b"454 4.7.0 Not now", TlsError), (b"554 5.7.3 No", TlsError), (b"250 Ok", ServerError), (b"354 Ok", ServerError)],
)
def test_starttls_that_is_offered_and_refused_ends_the_attempt(reply, error, scripted, channel_to, send):
    server = scripted(EHLO=b"250-mail\r\n250 STARTTLS", STARTTLS=reply)
    with pytest.raises(error):
        send(channel_to(server, tls="starttls", **LOGIN))

    assert server.verbs() == ["EHLO", "STARTTLS"]


def test_what_was_said_in_clear_text_before_tls_is_not_believed_after_it(scripted, channel_to, send):
    """The STARTTLS injection: an answer that waits in the buffer must not be read as one that came over TLS."""
    server = scripted(EHLO=b"250-mail\r\n250 STARTTLS", STARTTLS=b"220 Go\r\n250-mail\r\n250 AUTH PLAIN")
    with pytest.raises((TlsError, ConnectionFailed)):
        send(channel_to(server, tls="starttls", **LOGIN), within=1.0)

    assert "AUTH" not in server.verbs()


@pytest.mark.parametrize("offer", [b"250 mail", b"250-mail\r\n250 AUTH GSSAPI NTLM"])
def test_a_server_without_a_known_login_is_an_auth_error(offer, scripted, channel_to, send):
    server = scripted(EHLO=offer)
    with pytest.raises(AuthError, match="offers no login with PLAIN or LOGIN"):
        send(channel_to(server, **LOGIN))

    assert server.verbs() == ["EHLO"]


def test_another_mechanism_is_tried_only_where_the_first_is_not_known(scripted, channel_to, send):
    server = scripted(AUTH=[b"504 5.5.4 Unrecognized", b"334 VXNlcg==", b"235 Ok"], **{"YWXLCNRZ": b"334 UGFzcw=="})
    server.replies["C2VJCMV0"] = [b"235 2.7.0 Ok"]
    send(channel_to(server, **LOGIN))

    assert server.commands[1:5] == ["AUTH PLAIN AGFsZXJ0cwBzZWNyZXQ=", "AUTH LOGIN", "YWxlcnRz", "c2VjcmV0"]


def test_a_refused_password_is_not_tried_again_in_another_way(scripted, channel_to, send):
    server = scripted(AUTH=b"535 5.7.8 No")
    with pytest.raises(AuthError):
        send(channel_to(server, **LOGIN))

    assert server.verbs() == ["EHLO", "AUTH"]


def test_a_login_that_ends_nowhere_is_no_success(scripted, channel_to, send):
    server = scripted(AUTH=b"334 ")
    with pytest.raises(ServerError, match="lost its place"):
        send(channel_to(server, **LOGIN))


def interrupted(*_):
    raise KeyboardInterrupt


def test_an_interrupted_mail_costs_its_connection(scripted, channel_to, send, monkeypatch):
    server = scripted()
    channel = channel_to(server)
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "deliver", interrupted)
        with pytest.raises(KeyboardInterrupt):
            send(channel)
    send(channel)

    assert server.connections == 2


def test_a_password_beyond_ascii_is_sent_in_utf_8(scripted, channel_to, send):
    server = scripted()
    send(channel_to(server, username="alerts", password="pässword"))

    assert server.commands[1] == "AUTH PLAIN AGFsZXJ0cwBww6Rzc3dvcmQ="


@pytest.mark.parametrize("gone", ["CLOSE", b"421 4.4.2 Timeout"])
def test_a_kept_connection_that_is_dead_before_the_sender_is_taken_is_replaced_once(gone, scripted, channel_to, send):
    reply = getattr(scripted, gone) if isinstance(gone, str) else gone
    server = scripted(MAIL=[b"250 Ok", reply, b"250 Ok"])
    channel = channel_to(server)
    send(channel)

    assert send(channel).provider_id
    assert server.connections == 2


def test_a_kept_connection_that_dies_later_is_not_replaced_by_the_channel(scripted, channel_to, send):
    server = scripted(RCPT=[b"250 Ok", scripted.CLOSE])
    channel = channel_to(server)
    send(channel)

    with pytest.raises(ConnectionFailed):
        send(channel)
    assert server.connections == 1


def test_a_new_connection_that_is_refused_is_not_tried_again(scripted, channel_to, send):
    server = scripted(MAIL=b"421 4.3.2 Too many messages")
    with pytest.raises(ServerError):
        send(channel_to(server))

    assert server.connections == 1


def test_after_a_refusal_the_transaction_is_reset(scripted, channel_to, send):
    server = scripted(RCPT=[b"550 5.1.1 Unknown", b"250 Ok"])
    channel = channel_to(server)
    with pytest.raises(InvalidRecipient):
        send(channel)
    send(channel)

    assert server.verbs() == ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA"]


def test_lines_that_start_with_a_dot_are_stuffed_and_lines_end_in_crlf(scripted, channel_to, send, monkeypatch):
    sent = []
    original = smtplib.SMTP.send
    monkeypatch.setattr(smtplib.SMTP, "send", lambda self, data: (sent.append(data), original(self, data))[1])
    send(channel_to(scripted()), Alert(title="t", message=".\n..\n.x"))  # a lone dot is written as =2E already
    (message,) = [data for data in sent if isinstance(data, bytes) and data.startswith(b"Date:")]

    assert b"\r\n=2E\r\n...\r\n..x\r\n" in message
    assert message.endswith(b"\r\n.\r\n")
    assert message.count(b"\r\n.\r\n") == 1


def test_a_port_where_nobody_listens_is_a_failed_connection(channel_to, send):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    channel = channel_to(host="127.0.0.1", port=port, from_email="a@example.com", to=["b@example.com"])

    with pytest.raises(ConnectionFailed, match="connection refused") as caught:
        send(channel)
    assert caught.value.outcome is Outcome.RETRY


@pytest.mark.parametrize(
    ("replies", "error"),
    [({"NOOP": b"421 Bye"}, ServerError), ({"AUTH": b"535 No"}, AuthError), ({"EHLO": b"550 No"}, ClientError)],
)
def test_health_says_what_is_wrong(replies, error, scripted, channel_to, probe):
    with pytest.raises(error):
        probe(channel_to(scripted(**replies), **LOGIN))


@pytest.mark.parametrize("how", ["CLOSE", "HANG"])
def test_health_ends_at_the_deadline(how, scripted, channel_to, probe):
    with pytest.raises(DeliveryError):
        probe(channel_to(scripted(NOOP=getattr(scripted, how))), within=0.4)


def test_health_leaves_politely(scripted, channel_to, probe):
    server = scripted()
    probe(channel_to(server, **LOGIN))
    server.close()

    assert [*server.verbs(), server.commands[-1]] == ["EHLO", "AUTH", "NOOP", "QUIT"]
