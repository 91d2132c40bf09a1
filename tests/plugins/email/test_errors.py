"""What each answer of a server is taken for: class, outcome and scope, row by row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import DeliveryError, ErrorKind, Outcome, Scope
from tocsin_email.errors import DEFAULTS, RULES, Stage, failure_for

MESSAGE, ONE, ALL = Scope.MESSAGE, Scope.RECIPIENT, Scope.CHANNEL
RETRY, REFUSED, GONE, CREDENTIALS = Outcome.RETRY, Outcome.REFUSED, Outcome.GONE, Outcome.CREDENTIALS

ROWS = [
    # Waits.
    ("greeting", 421, "4.3.2 Too many connections", "server", RETRY, ALL),
    ("greeting", 450, "Come back", "server", RETRY, ALL),
    ("ehlo", 421, "", "server", RETRY, ALL),
    ("mail", 421, "4.7.28 Unusual rate", "rate_limited", RETRY, ALL),
    ("mail", 421, "Closing", "server", RETRY, ALL),
    ("mail", 450, "4.7.1 Slow down", "rate_limited", RETRY, ALL),
    ("mail", 451, "4.3.0 Local error", "server", RETRY, ALL),
    ("mail", 452, "4.3.1 No room", "server", RETRY, ALL),
    ("rcpt", 421, "Closing", "server", RETRY, ALL),
    ("rcpt", 450, "4.7.1 Greylisted", "rate_limited", RETRY, ONE),
    ("rcpt", 450, "4.2.0 Greylisted", "server", RETRY, ONE),
    ("rcpt", 450, "4.2.1 Receiving mail too quickly", "rate_limited", RETRY, ONE),
    ("rcpt", 450, "Mailbox busy", "server", RETRY, ONE),
    ("rcpt", 451, "4.3.0 Lookup failure", "server", RETRY, ONE),
    ("rcpt", 452, "4.2.2 Over quota", "server", RETRY, ONE),
    ("rcpt", 452, "4.5.3 Too many recipients", "rate_limited", RETRY, ONE),
    ("rcpt", 552, "Too many recipients", "server", RETRY, ONE),
    ("data", 451, "4.3.0 Try later", "server", RETRY, ALL),
    ("message", 451, "4.3.0 Scanner down", "server", RETRY, ALL),
    ("message", 451, "4.7.1 Slow down", "rate_limited", RETRY, ALL),
    ("message", 452, "4.3.1 No room", "server", RETRY, ALL),
    ("message", 452, "4.2.2 Over quota", "server", RETRY, ONE),
    ("message", 421, "4.7.30 DKIM does not pass, rate limited", "rate_limited", RETRY, ALL),
    ("message", 432, "4.3.2 Concurrent connections limit exceeded", "rate_limited", RETRY, ALL),
    ("message", 432, "4.3.2 STOREDRV.Deliver; recipient thread limit exceeded", "rate_limited", RETRY, ALL),
    ("mail", 454, "Throttling failure: Maximum sending rate exceeded", "rate_limited", RETRY, ALL),
    ("message", 454, "Throttling failure: Daily message quota exceeded", "rate_limited", RETRY, ALL),
    # The credentials.
    ("auth", 454, "4.7.0 Temporary authentication failure", "server", RETRY, ALL),
    ("auth", 454, "Temporary authentication failure", "server", RETRY, ALL),
    ("auth", 421, "4.7.0 Too many errors", "server", RETRY, ALL),
    ("auth", 500, "Line too long", "auth", CREDENTIALS, ALL),
    ("auth", 523, "5.7.10 Encryption needed", "auth", CREDENTIALS, ALL),
    ("auth", 525, "5.7.13 Account disabled", "auth", CREDENTIALS, ALL),
    ("auth", 432, "4.7.12 A password transition is needed", "auth", CREDENTIALS, ALL),
    ("auth", 535, "5.7.8 Authentication credentials invalid", "auth", CREDENTIALS, ALL),
    ("auth", 535, "5.7.139 Basic authentication is disabled", "auth", CREDENTIALS, ALL),
    ("auth", 534, "5.7.9 Application-specific password required", "auth", CREDENTIALS, ALL),
    ("auth", 530, "5.7.0 Must issue STARTTLS first", "auth", CREDENTIALS, ALL),
    ("auth", 538, "5.7.11 Encryption required", "auth", CREDENTIALS, ALL),
    ("auth", 550, "5.7.30 Basic authentication is not supported", "auth", CREDENTIALS, ALL),
    ("auth", 501, "5.5.2 Cannot decode", "auth", CREDENTIALS, ALL),
    ("auth", 504, "5.5.4 Unrecognized mechanism", "auth", CREDENTIALS, ALL),
    ("mail", 530, "5.7.0 Authentication required", "auth", CREDENTIALS, ALL),
    ("mail", 530, "5.7.57 Client not authenticated", "auth", CREDENTIALS, ALL),
    ("rcpt", 530, "5.7.0 Authentication required", "auth", CREDENTIALS, ALL),
    # TLS.
    ("starttls", 454, "4.7.0 TLS not available", "tls", RETRY, ALL),
    ("starttls", 454, "TLS not available", "tls", RETRY, ALL),
    ("starttls", 421, "Closing", "server", RETRY, ALL),
    ("starttls", 501, "Syntax", "tls", REFUSED, ALL),
    ("starttls", 554, "5.7.3 Unable to initialize", "tls", REFUSED, ALL),
    # The server, or its view of this host.
    ("greeting", 554, "5.7.1 Blocked", "client", REFUSED, ALL),
    ("greeting", 521, "Host takes no mail", "client", REFUSED, ALL),
    ("ehlo", 550, "Invalid name", "client", REFUSED, ALL),
    ("ehlo", 501, "5.5.4 HELO/EHLO argument is invalid", "client", REFUSED, ALL),
    ("mail", 503, "5.5.1 Bad sequence", "client", REFUSED, MESSAGE),
    ("mail", 555, "Parameters not recognized", "client", REFUSED, ALL),
    # The sender.
    ("mail", 550, "5.7.1 Sender refused", "config", REFUSED, ALL),
    ("mail", 553, "5.7.1 Not owned by user", "config", REFUSED, ALL),
    ("mail", 501, "5.1.7 Bad sender", "config", REFUSED, ALL),
    ("rcpt", 550, "5.1.8 Sender's domain not found", "config", REFUSED, ALL),
    ("message", 550, "5.1.8 Access denied, bad outbound sender", "config", REFUSED, ALL),
    ("message", 553, "5.1.7 Bad sender", "config", REFUSED, ALL),
    ("message", 550, "5.7.20 No passing DKIM signature", "config", REFUSED, ALL),
    ("message", 550, "5.7.23 SPF validation failed", "config", REFUSED, ALL),
    ("message", 550, "5.7.25 No PTR record", "config", REFUSED, ALL),
    ("message", 550, "5.7.27 SPF does not pass", "config", REFUSED, ALL),
    ("message", 550, "5.7.30 DKIM does not pass", "config", REFUSED, ALL),
    ("message", 550, "5.7.32 From is not aligned", "config", REFUSED, ALL),
    ("message", 550, "5.7.40 No DMARC record", "config", REFUSED, ALL),
    ("message", 550, "5.7.509 Sending domain does not pass DMARC", "config", REFUSED, ALL),
    ("message", 550, "5.7.515 Domain does not meet the required level", "config", REFUSED, ALL),
    ("rcpt", 550, "5.7.501 Spam abuse detected", "config", REFUSED, ALL),
    ("message", 550, "5.7.708 Traffic not accepted from this address", "config", REFUSED, ALL),
    ("message", 550, "5.7.750 Unregistered domain", "config", REFUSED, ALL),
    ("message", 550, "5.7.26 Unauthenticated mail", "config", REFUSED, ALL),
    ("message", 550, "5.7.60 Cannot send as this sender", "config", REFUSED, ALL),
    ("message", 554, "5.2.252 SendAsDenied", "config", REFUSED, ALL),
    # The quota.
    ("rcpt", 550, "5.4.5 Daily user sending limit exceeded", "rate_limited", REFUSED, ALL),
    ("message", 550, "5.7.28 Mail flood", "rate_limited", REFUSED, ALL),
    ("message", 550, "5.7.705 Tenant has exceeded its threshold", "rate_limited", REFUSED, ALL),
    ("rcpt", 550, "5.2.121 Too many from this sender in an hour", "rate_limited", REFUSED, ONE),
    ("message", 550, "5.2.122 Too many in an hour", "rate_limited", REFUSED, ONE),
    ("message", 550, "5.1.90 Daily limit reached", "rate_limited", REFUSED, ALL),
    # The recipient.
    ("rcpt", 550, "5.1.1 User unknown", "invalid_recipient", GONE, ONE),
    ("rcpt", 550, "No such user here", "invalid_recipient", GONE, ONE),
    ("rcpt", 551, "User not local", "invalid_recipient", GONE, ONE),
    ("rcpt", 553, "Mailbox name not allowed", "invalid_recipient", GONE, ONE),
    ("rcpt", 501, "5.1.3 Bad address", "invalid_recipient", GONE, ONE),
    ("rcpt", 521, "Host takes no mail", "invalid_recipient", GONE, ONE),
    ("rcpt", 556, "5.1.10 Null MX", "invalid_recipient", GONE, ONE),
    ("rcpt", 550, "5.2.1 Mailbox disabled", "invalid_recipient", GONE, ONE),
    ("rcpt", 550, "5.4.1 Recipient address rejected: Access denied", "invalid_recipient", GONE, ONE),
    ("message", 550, "5.1.1 User unknown", "invalid_recipient", GONE, ONE),
    ("rcpt", 552, "5.2.2 Mailbox full", "client", REFUSED, ONE),
    ("message", 552, "5.2.2 Mailbox full", "client", REFUSED, ONE),
    ("rcpt", 554, "Relay access denied", "client", REFUSED, ONE),
    ("rcpt", 554, "5.7.1 Relay access denied", "client", REFUSED, ONE),
    ("rcpt", 550, "5.7.1 Unable to relay", "client", REFUSED, ONE),
    ("rcpt", 550, "5.7.133 Sender not authenticated for group", "client", REFUSED, ONE),
    ("message", 550, "5.7.124 Sender not in the list", "client", REFUSED, ONE),
    ("message", 550, "5.7.134 Sender not authenticated for mailbox", "client", REFUSED, ONE),
    ("rcpt", 553, "5.7.1 Sender address rejected: not owned by user", "client", REFUSED, ONE),
    ("rcpt", 555, "5.5.2 Syntax error", "client", REFUSED, ONE),
    ("rcpt", 503, "Bad sequence", "client", REFUSED, ONE),
    # The message.
    ("mail", 552, "5.3.4 Too big", "payload", REFUSED, MESSAGE),
    ("mail", 552, "Message size exceeds maximum", "payload", REFUSED, MESSAGE),
    ("rcpt", 552, "5.3.4 Too big", "payload", REFUSED, MESSAGE),
    ("data", 554, "5.5.1 No valid recipients", "payload", REFUSED, MESSAGE),
    ("data", 503, "Bad sequence", "client", REFUSED, MESSAGE),
    ("message", 552, "5.3.4 Too big", "payload", REFUSED, MESSAGE),
    ("message", 552, "5.2.3 Too big", "payload", REFUSED, MESSAGE),
    ("message", 554, "5.6.0 Content rejected", "payload", REFUSED, MESSAGE),
    ("message", 554, "5.7.1 Spam", "payload", REFUSED, MESSAGE),
    ("message", 552, "5.7.0 Potential security issue", "payload", REFUSED, MESSAGE),
    ("message", 550, "5.6.11 Bare line feeds", "payload", REFUSED, MESSAGE),
    ("message", 550, "Rejected", "payload", REFUSED, MESSAGE),
    ("message", 500, "Line too long", "payload", REFUSED, MESSAGE),
]


@pytest.mark.parametrize(("stage", "code", "text", "kind", "outcome", "scope"), ROWS)
def test_an_answer_is_taken_for_what_it_means(stage, code, text, kind, outcome, scope):
    error = failure_for(Stage(stage), code, text.encode())

    assert (error.kind, error.outcome, error.scope) == (kind, outcome, scope)
    assert error.status_code == code


@pytest.mark.parametrize(("stage", "code", "text", "kind", "outcome", "scope"), ROWS)
def test_an_answer_means_the_same_when_a_server_gives_it(
    stage, code, text, kind, outcome, scope, scripted, channel_to, send
):
    greeting = b"250-mail\r\n250-AUTH PLAIN\r\n250 SIZE" + (b"\r\n250 STARTTLS" if stage == "starttls" else b"")
    greeting = greeting.replace(b"250 SIZE\r\n", b"250-SIZE\r\n")
    server = scripted(**{"EHLO": greeting, stage.upper(): f"{code} {text}".encode()})
    tls = "starttls" if stage == "starttls" else "none"
    with pytest.raises(DeliveryError) as caught:
        send(channel_to(server, tls=tls, username="alerts", password="secret"))

    assert (caught.value.kind, caught.value.outcome, caught.value.scope) == (kind, outcome, scope)
    assert server.connections == 1
    assert max(map(server.verbs().count, server.verbs()), default=0) <= 1, "what was refused is not tried again"


def test_the_reason_why_a_login_is_switched_off_is_told():
    error = failure_for(Stage.AUTH, 535, b"5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled")

    assert "SMTP AUTH" in error.hint
    assert error.provider_code == "5.7.139"


@pytest.mark.parametrize("text", [b"5.7.26 x", b"5.1.1 x", b"5.7.1 x", b"5.2.2 x"])
@pytest.mark.parametrize("code", [523, 525, 530, 534, 535, 538])
def test_a_code_of_auth_is_about_the_login_whatever_stands_beside_it(code, text):
    assert {failure_for(stage, code, text).kind for stage in Stage} == {ErrorKind.AUTH}


def test_the_enhanced_code_is_kept_beside_the_code():
    error = failure_for(Stage.RCPT, 550, b"5.1.1 canary@example.com: User unknown")

    assert error.provider_code == "5.1.1"
    assert error.message == "the server does not know the recipient (550 5.1.1)"


@pytest.mark.parametrize("text", ["5.1.1canary", "4.1.1 canary", "canary 5.1.1", "5.1 canary", "5.1.1.1 canary", ""])
def test_what_only_resembles_an_enhanced_code_is_none(text):
    assert failure_for(Stage.RCPT, 550, text.encode()).provider_code is None


TEXTS = st.binary(max_size=60) | st.from_regex(rb"\A[45]\.\d\.\d{1,3} canary")


@given(st.sampled_from(Stage), st.integers(400, 599), TEXTS)
def test_every_answer_has_a_meaning_and_its_text_is_never_shown(stage, code, text):
    error = failure_for(stage, code, text)

    assert isinstance(error, DeliveryError)
    assert error.status_code == code
    assert "canary" not in f"{error.message}{error.hint}{error.provider_code}"


@given(st.sampled_from(Stage), st.integers(400, 499), st.binary(max_size=20))
def test_a_transient_answer_is_tried_again_unless_it_is_about_the_password(stage, code, text):
    error = failure_for(stage, code, text)

    assert error.outcome is Outcome.RETRY or (stage, error.kind) == (Stage.AUTH, ErrorKind.AUTH)


@given(st.sampled_from(Stage), st.integers(500, 599), st.binary(max_size=20))
def test_a_permanent_answer_is_never_tried_again_except_552_to_a_recipient(stage, code, text):
    error = failure_for(stage, code, text)

    assert error.outcome is not Outcome.RETRY or (stage, code) == (Stage.RCPT, 552)


def test_every_stage_has_a_meaning_for_both_classes():
    assert set(DEFAULTS) == {(stage, group) for stage in Stage for group in (4, 5)}


@pytest.mark.parametrize("name", RULES)
def test_each_rule_can_be_reached(name):
    stage, _, code = name.rpartition(" ")
    stages = [Stage(stage)] if stage else list(Stage)
    group = code[0]
    text = code if code.count(".") == 2 else f"{code}.99" if "." in code else ""
    basic = int(code) if "." not in code else int(f"{group}99")

    assert any(RULES[name].words in failure_for(each, basic, text.encode()).message for each in stages)
