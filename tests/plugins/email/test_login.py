"""Logging in, word for word."""

from base64 import b64decode, b64encode

import pytest

from tocsin import AuthError
from tocsin_email.login import COMMAND_LIMIT
from tocsin_email.simulator import EmailSimulator

ASK = b"334 "
OFFER = b"250-mail\r\n250 AUTH PLAIN LOGIN XOAUTH2"
REFUSED = b"535 5.7.8 Username and Password not accepted"
CHALLENGE = b"334 " + b64encode(b'{"status":"400","schemes":"Bearer","scope":"https://mail.example.com/"}')
OVERHEAD = len(b"user=u\1auth=Bearer \1\1")


def key(line):
    """How the scripted server knows a line that is no command."""
    return line.split()[0].upper() if line else ""


def test_plain_is_said_in_one_line(scripted, channel_to, send):
    server = scripted(EHLO=OFFER)
    send(channel_to(server, auth="plain", username="alerts", password="secret"))
    verb, mechanism, answer = server.commands[1].split()

    assert (verb, mechanism) == ("AUTH", "PLAIN")
    assert b64decode(answer) == b"\0alerts\0secret"


def test_login_is_asked_for_name_and_password_one_after_the_other(scripted, channel_to, send):
    name, password = (b64encode(word).decode() for word in (b"alerts", b"secret"))
    server = scripted(EHLO=OFFER, AUTH=ASK, **{key(name): ASK, key(password): b"235 Ok"})
    send(channel_to(server, auth="login", username="alerts", password="secret"))

    assert server.commands[1:4] == ["AUTH LOGIN", name, password]


def test_xoauth2_is_user_and_bearer_token_between_control_a(scripted, channel_to, send):
    server = scripted(EHLO=OFFER)
    send(channel_to(server, auth="xoauth2", username="u@example.com", password="ya29.token"))
    verb, mechanism, answer = server.commands[1].split()

    assert (verb, mechanism) == ("AUTH", "XOAUTH2")
    assert b64decode(answer) == b"user=u@example.com\1auth=Bearer ya29.token\1\1"


def test_the_reasons_of_a_refused_token_are_answered_with_an_empty_line(scripted, channel_to, send):
    server = scripted(EHLO=OFFER, AUTH=CHALLENGE, **{"": REFUSED})
    with pytest.raises(AuthError) as caught:
        send(channel_to(server, auth="xoauth2", username="u@example.com", password="expired"))

    assert server.commands[2] == ""
    assert (caught.value.status_code, caught.value.provider_code) == (535, "5.7.8")
    assert len([command for command in server.verbs() if command == "AUTH"]) == 1


@pytest.mark.parametrize("over", [0, 1])
def test_a_token_too_long_for_a_command_waits_until_it_is_asked_for(over, scripted, channel_to, send):
    """Base64 takes three bytes at once, so the line grows by four."""
    encoded = (COMMAND_LIMIT - len("AUTH XOAUTH2 \r\n")) // 4 * 3
    token = "t" * (encoded - OVERHEAD + 3 * over)
    answer = b64encode(f"user=u\1auth=Bearer {token}\1\1".encode()).decode()
    server = scripted(EHLO=OFFER, AUTH=ASK if over else b"235 Ok", **{key(answer): b"235 Ok"})
    send(channel_to(server, auth="xoauth2", username="u", password=token))

    assert server.commands[1:3] == (
        ["AUTH XOAUTH2", answer] if over else [f"AUTH XOAUTH2 {answer}", server.commands[2]]
    )
    assert max(len(command) + 2 for command in server.commands if command.startswith("AUTH")) <= COMMAND_LIMIT


def test_a_refused_long_token_is_told_apart_from_the_question_for_it(scripted, channel_to, send):
    token = "t" * 2000
    answer = b64encode(f"user=u\1auth=Bearer {token}\1\1".encode()).decode()
    server = scripted(EHLO=OFFER, AUTH=ASK, **{key(answer): CHALLENGE, "": REFUSED})
    with pytest.raises(AuthError):
        send(channel_to(server, auth="xoauth2", username="u", password=token))

    assert server.commands[1:4] == ["AUTH XOAUTH2", answer, ""]


def test_no_login_is_tried_without_an_account(scripted, channel_to, send):
    server = scripted(EHLO=OFFER)
    send(channel_to(server))

    assert "AUTH" not in server.verbs()


@pytest.mark.parametrize("auth", ["plain", "login", "xoauth2"])
def test_a_mechanism_that_was_asked_for_is_not_replaced_by_another(auth, scripted, channel_to, send):
    server = scripted(EHLO=b"250-mail\r\n250 AUTH CRAM-MD5 GSSAPI")
    with pytest.raises(AuthError, match=f"offers no login with {auth.upper()}"):
        send(channel_to(server, auth=auth, username="u", password="secret"))

    assert "AUTH" not in server.verbs()


def test_a_login_offered_in_the_old_form_is_understood(scripted, channel_to, send):
    server = scripted(EHLO=b"250-mail\r\n250 AUTH=PLAIN LOGIN")
    send(channel_to(server, username="u", password="secret"))

    assert server.commands[1].startswith("AUTH PLAIN ")


def test_the_providers_words_about_a_refused_login_are_not_shown(scripted, channel_to, send):
    server = scripted(EHLO=OFFER, AUTH=b"535 5.7.8 canary@example.com is not known")
    with pytest.raises(AuthError) as caught:
        send(channel_to(server, username="canary@example.com", password="canary"))

    assert "canary" not in f"{caught.value.message} {caught.value.hint}"


def test_a_long_token_reaches_a_real_server(channel_to, send):
    with EmailSimulator() as simulator:
        with pytest.raises(AuthError):
            send(channel_to(simulator, auth="xoauth2", password="t" * 600))
        assert send(channel_to(simulator, auth="xoauth2", password=simulator.token)).provider_id
