"""Row "SMTP": each refusal at each stage for the right recipient, and no credentials before TLS."""

import ssl
import time

import pytest
import trustme

from .hostile.smtp import CLOSE, DRIP, HANG

TIMEOUT = 0.8
LATE = 0.5
PASSWORD = "c4n4ry-p4ssword"
STAGES = ["GREETING", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "MESSAGE"]


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def context(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def deliver(make_service, an_alert, authority, tmp_path):
    """A channel to a server, with STARTTLS and a password; what comes back delivers an alert: results, seconds."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))

    def to(server, recipients=1, clock=None, max_retries=0, **settings):
        usual = {
            "host": "127.0.0.1",
            "port": server.port,
            "username": "user",
            "password": PASSWORD,
            "from_email": "a@example.com",
            "to": [f"r{number}@example.com" for number in range(recipients)],
            "ca_file": str(path),
            "timeout": TIMEOUT,
        }
        service = make_service({"email": usual | settings}, clock=clock, max_retries=max_retries)

        def once():
            started = time.monotonic()
            report = service.send_notification(an_alert())
            return report.results["email"].recipients, time.monotonic() - started

        return once

    return to


def outcomes(results):
    return [(str(one.state), str(one.attempts[-1].outcome)) for one in results]


def exposed(server):
    """Commands that hold credentials and were sent in clear text."""
    return [line for line, secure in server.commands if not secure and line.upper().startswith("AUTH")]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("code", [b"421 4.3.2", b"450 4.2.1", b"451 4.3.0", b"452 4.3.1"])
def test_a_temporary_refusal_at_each_stage_is_tried_again(stage, code, context, mail_server, deliver, figure):
    server = mail_server(tls=context, **{stage: code + b" Later"})
    once = deliver(server)
    results, seconds = once()

    assert outcomes(results) in ([("failed", "retry")], [("unknown", "unknown")] if stage == "MESSAGE" else None)
    figure("credentials in clear text", len(exposed(server)), "", "== 0")
    figure("mails", len(server.mails), "", "== 0")
    figure("ended after", seconds, "s", TIMEOUT + LATE)
    server.behave()
    assert outcomes(once()[0]) == [("accepted", "accepted")], "the next delivery is clean"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("code", [b"550 5.1.1", b"552 5.3.4", b"554 5.7.1"])
def test_a_lasting_refusal_at_each_stage_is_not(stage, code, context, mail_server, deliver, figure):
    server = mail_server(tls=context, **{stage: code + b" No"})
    results, seconds = deliver(server, max_retries=3)()
    (one,) = results

    assert str(one.state) == "failed"
    assert str(one.attempts[-1].outcome) in {"refused", "gone", "credentials"}
    figure("attempts", len(one.attempts), "", 2)  # a refused message is tried once more in a simpler form
    figure("credentials in clear text", len(exposed(server)), "", "== 0")
    figure("mails", len(server.mails), "", "== 0")
    figure("ended after", seconds, "s", TIMEOUT + LATE)


def test_one_of_five_recipients_is_refused_alone(context, mail_server, deliver, figure):
    def rcpt(line):
        return b"550 5.1.1 Unknown" if "r2@" in line else b"250 2.1.5 Ok"

    server = mail_server(tls=context, RCPT=rcpt)
    results, _ = deliver(server, recipients=5, max_retries=2)()

    assert [str(one.state) for one in results] == ["accepted", "accepted", "failed", "accepted", "accepted"]
    taken = sorted(address for recipients, _ in server.mails for address in recipients)
    assert taken == [f"r{number}@example.com" for number in (0, 1, 3, 4)]
    figure("attempts for the refused one", len(results[2].attempts), "", "== 1")


def test_a_cut_after_the_dot_is_unknown(context, mail_server, deliver, figure):
    server = mail_server(tls=context, MESSAGE=CLOSE)
    results, _ = deliver(server)()

    assert outcomes(results) == [("unknown", "unknown")]
    figure("mails that were told as sent", sum(one.state.is_success for one in results), "", "== 0")


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "MESSAGE"])
def test_a_cut_before_the_dot_is_tried_again(stage, context, mail_server, deliver):
    server = mail_server(tls=context, **{stage: CLOSE})
    results, _ = deliver(server)()

    assert outcomes(results) == [("failed", "retry")]


def test_greylisting_is_waited_for_and_passed(context, mail_server, deliver, clock, figure):
    server = mail_server(tls=context, RCPT=[b"450 4.2.0 Greylisted, try again", b"250 2.1.5 Ok"])
    results, _ = deliver(server, clock=clock, max_retries=3)()

    assert outcomes(results) == [("accepted", "accepted")]
    figure("attempts", len(results[0].attempts), "", "== 2")
    figure("mails", len(server.mails), "", "== 1")


def test_a_421_between_two_mails_of_a_kept_connection_costs_nothing(context, mail_server, deliver, figure):
    server = mail_server(tls=context, MAIL=[b"250 2.1.0 Ok", b"421 4.4.2 Idle for too long", b"250 2.1.0 Ok"])
    once = deliver(server, max_retries=1)

    assert outcomes(once()[0]) == [("accepted", "accepted")]
    assert outcomes(once()[0]) == [("accepted", "accepted")]
    figure("mails", len(server.mails), "", "== 2")


@pytest.mark.parametrize(
    "replies",
    [
        pytest.param({"EHLO": b"250-mail.example.com\r\n250 AUTH PLAIN LOGIN"}, id="not offered"),
        pytest.param({"EHLO": b"502 5.5.1 No", "HELO": b"250 mail.example.com"}, id="no EHLO"),
        pytest.param({"STARTTLS": b"454 4.7.0 Not now"}, id="not now"),
        pytest.param({"STARTTLS": b"502 5.5.1 Not here"}, id="refused"),
        pytest.param({"STARTTLS": CLOSE}, id="cut"),
    ],
)
def test_a_stripped_starttls_is_no_downgrade(replies, context, mail_server, deliver, figure):
    server = mail_server(tls=context, **replies)
    results, seconds = deliver(server)()

    assert [str(one.state) for one in results] == ["failed"]
    figure("credentials in clear text", len(exposed(server)), "", "== 0")
    figure("the password in anything sent", sum(PASSWORD in line for line, _ in server.commands), "", "== 0")
    figure("mails", len(server.mails), "", "== 0")
    figure("ended after", seconds, "s", TIMEOUT + LATE)


def test_what_is_injected_behind_the_answer_to_starttls_is_forgotten(context, mail_server, deliver, figure):
    """Whoever is between can add lines in clear text; inside of TLS they would count as the server's."""
    server = mail_server(tls=context, STARTTLS=b"220 Go on\r\n250-injected\r\n250 AUTH PLAIN")
    results, _ = deliver(server)()

    assert [str(one.state) for one in results] in (["accepted"], ["failed"])
    figure("credentials in clear text", len(exposed(server)), "", "== 0")
    after = [verb for (line, secure) in server.commands if secure and (verb := line.split()[0])]
    assert after[:1] in ([], ["ehlo"], ["EHLO"]), "asked anew inside of TLS"


def test_a_certificate_of_nobody_known_gets_no_password(mail_server, deliver, figure):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = mail_server(tls=context)
    results, _ = deliver(server)()

    assert [(str(one.state), str(one.error_kind)) for one in results] == [("failed", "tls")]
    figure("commands after STARTTLS", len(server.verbs()) - 2, "", 0)


@pytest.mark.parametrize("how", [HANG, DRIP], ids=["hang", "drip"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_server_that_is_never_done_is_left_at_the_deadline(stage, how, context, mail_server, deliver, figure):
    server = mail_server(tls=context, **{stage: how})
    once = deliver(server)
    results, seconds = once()

    expected = [("unknown", "unknown")] if stage == "MESSAGE" else [("failed", "retry")]
    assert outcomes(results) == expected
    figure("ended after its deadline", max(0.0, seconds - TIMEOUT), "s", LATE)
    server.behave()
    assert outcomes(once()[0]) == [("accepted", "accepted")], "the next delivery is clean"
