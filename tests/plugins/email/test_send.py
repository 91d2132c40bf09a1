"""Alerts that really arrive, at a server that is as strict as the strictest."""

import threading

import attrs
import pytest

from tocsin import (
    Alert,
    AuthError,
    ChannelConfigError,
    ConnectionFailed,
    DeliveryError,
    DeliveryTimeout,
    InvalidRecipient,
    Outcome,
    PayloadError,
    Receipt,
    TlsError,
)
from tocsin.rendering import REPEATED
from tocsin.testing import Fault
from tocsin_email.simulator import EmailSimulator

ALERT = Alert(title="Disk 🔴 full", message=".\n..\nFrom here\n" + "x" * 3000, data={"percent": 98})


@pytest.mark.parametrize("tls", ["starttls", "implicit", "none"])
@pytest.mark.parametrize("login", [True, False])
def test_an_alert_arrives_in_each_mode_of_tls_with_and_without_a_login(tls, login, channel_to, send):
    with EmailSimulator(tls=tls, login=login) as simulator:
        receipt = send(channel_to(simulator), ALERT)
        (received,) = simulator.received()

    assert received.address == "ops@example.com"
    assert ALERT.title in received.text
    assert ALERT.message in received.text
    assert receipt.provider_id == received.provider_id


@pytest.mark.parametrize("auth", ["auto", "plain", "login"])
def test_each_way_to_log_in_works(auth, simulator, channel_to, send):
    assert send(channel_to(simulator, auth=auth)).provider_id


def test_an_access_token_logs_in_with_xoauth2(simulator, channel_to, send):
    assert send(channel_to(simulator, auth="xoauth2", password=simulator.token)).provider_id


@pytest.mark.parametrize("auth", ["auto", "plain", "login", "xoauth2"])
def test_wrong_credentials_are_an_auth_error_and_tried_once(auth, simulator, channel_to, send):
    channel = channel_to(simulator, auth=auth, password="wrong pässword")

    with pytest.raises(AuthError) as caught:
        send(channel)

    assert (caught.value.status_code, caught.value.provider_code) == (535, "5.7.8")
    assert (simulator.calls, simulator.connections) == (1, 1)


def test_each_recipient_gets_a_mail_of_its_own(simulator, channel, send):
    send(channel, to=0)
    send(channel, to=1)

    assert [mail.raw["To"] for mail in simulator.received()] == simulator.addresses()
    assert [mail.address for mail in simulator.received()] == simulator.addresses()


def test_names_of_sender_and_recipient_are_shown(simulator, channel_to, send):
    send(channel_to(simulator, from_email="Alarm <alarm@example.com>", to=["Opérations <ops@example.com>"]))
    (received,) = simulator.received()

    assert received.raw["From"] == "Alarm <alarm@example.com>"
    assert received.raw["To"].addresses[0].display_name == "Opérations"


def test_the_key_is_the_message_id_in_every_attempt(simulator, channel, send):
    for attempt in (1, 2):
        send(channel, key="a" * 32, attempt=attempt)

    assert {mail.key for mail in simulator.received()} == {"a" * 32}
    assert {mail.raw["Message-ID"] for mail in simulator.received()} == {f"<{'a' * 32}@example.com>"}


def test_a_copy_of_what_may_have_arrived_is_marked(simulator, channel, send):
    send(channel)
    send(channel, repeated=True)

    assert [REPEATED in mail.text for mail in simulator.received()] == [False, True]
    assert simulator.received()[1].raw["Subject"].endswith(REPEATED)


def test_the_prefix_stands_before_the_subject(simulator, channel_to, send):
    send(channel_to(simulator, subject_prefix="[prod]"))

    assert simulator.received()[0].raw["Subject"].startswith("[prod] ")


def test_alerts_about_the_same_thing_make_a_thread(simulator, channel, send):
    firing = Alert(title="Disk full", message="", dedup_key="disk-1")
    receipt = send(channel, firing)
    send(channel, attrs.evolve(firing, status="resolved", alert_id="b"), previous=receipt)
    first, second = (mail.raw for mail in simulator.received())

    assert second["In-Reply-To"] == first["Message-ID"] == receipt.details["message_id"]
    assert second["References"].startswith(first["References"])


def test_a_receipt_without_a_message_id_starts_no_error(simulator, channel, send):
    assert send(channel, Alert(title="t", message="", dedup_key="k"), previous=Receipt()).provider_id


def test_the_simpler_form_is_plain_text(simulator, channel, send):
    send(channel, ALERT, plain=True)

    assert simulator.received()[0].raw.get_content_type() == "text/plain"


def test_a_mail_larger_than_the_server_takes_is_refused_before_it_is_sent(channel_to, send):
    alert = Alert(title="t", message="m" * 100_000)
    with EmailSimulator(size=100_000) as simulator:
        channel = channel_to(simulator)
        with pytest.raises(PayloadError, match="takes at most 100,000"):
            send(channel, alert)
        assert simulator.calls == 0
        assert send(channel, alert, plain=True).provider_id
        assert simulator.connections == 1


def test_an_address_beyond_ascii_goes_to_a_server_that_takes_it(channel_to, send):
    with EmailSimulator(mailboxes=["jürgen@example.com"]) as simulator:
        send(channel_to(simulator, from_email="Ä <älarm@example.com>"))
        (received,) = simulator.received()

    assert received.address == "jürgen@example.com"
    assert "älarm@example.com" in received.raw["From"]


def test_an_address_beyond_ascii_is_invalid_where_the_server_cannot_take_it(channel_to, send):
    with EmailSimulator(smtputf8=False) as simulator:
        channel = channel_to(simulator, to=["jürgen@example.com", "ops@example.com"])
        with pytest.raises(InvalidRecipient, match="SMTPUTF8"):
            send(channel, to=0)
        assert send(channel, to=1).provider_id


def test_a_sender_beyond_ascii_is_a_mistake_of_the_configuration_where_the_server_cannot_take_it(channel_to, send):
    with EmailSimulator(smtputf8=False) as simulator, pytest.raises(ChannelConfigError, match="from_email"):
        send(channel_to(simulator, from_email="älarm@example.com"))


def test_an_unknown_recipient_does_not_hinder_the_others(simulator, channel_to, send):
    channel = channel_to(simulator, to=["nobody@example.com", "ops@example.com"])

    with pytest.raises(InvalidRecipient):
        send(channel, to=0)
    assert send(channel, to=1).provider_id
    assert simulator.connections == 1


def test_a_certificate_of_an_unknown_authority_is_refused_before_anything_is_sent(simulator, channel_to, send):
    with pytest.raises(TlsError, match="certificate") as caught:
        send(channel_to(simulator, ca_file=None))

    assert caught.value.outcome is Outcome.REFUSED
    assert simulator.calls == 0


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_for_another_host_is_refused(tls, channel_to, send):
    with EmailSimulator(tls=tls, names=["mail.example.com"]) as simulator, pytest.raises(TlsError, match="mismatch"):
        send(channel_to(simulator))


def test_starttls_is_never_given_up_for_clear_text(channel_to, send):
    with EmailSimulator(tls="none") as simulator:
        with pytest.raises(TlsError, match="offers no STARTTLS"):
            send(channel_to(simulator, tls="starttls"))
        assert simulator.calls == 0


def test_implicit_tls_to_a_server_that_starts_in_clear_text_says_so(simulator, channel_to, send):
    with pytest.raises(TlsError, match="does not speak TLS"):
        send(channel_to(simulator, tls="implicit"))


def test_starttls_to_a_server_that_expects_tls_at_once_hints_at_it(channel_to, send):
    with EmailSimulator(tls="implicit") as simulator, pytest.raises(DeliveryTimeout) as caught:
        send(channel_to(simulator, tls="starttls"), within=0.3)

    assert caught.value.outcome is Outcome.RETRY
    assert 'tls = "implicit"' in caught.value.hint


def test_a_connection_is_kept_for_the_next_mail(simulator, channel, send):
    for _ in range(5):
        send(channel)

    assert (simulator.connections, len(simulator.received())) == (1, 5)


def test_a_kept_connection_that_the_server_has_ended_is_replaced(simulator, channel, send):
    send(channel)
    simulator.hang_up()
    send(channel)

    assert (simulator.connections, len(simulator.received())) == (2, 2)


def test_a_refusal_does_not_cost_the_connection(simulator, channel, send):
    for kind in ("rate_limited", "refused_recipient", "refused_payload"):
        simulator.fail(kind)
        with pytest.raises(DeliveryError):
            send(channel)
    send(channel)

    assert (simulator.connections, len(simulator.received())) == (1, 1)


def test_close_ends_kept_connections_and_a_later_mail_keeps_none(simulator, channel, send):
    send(channel)
    channel.close()
    send(channel)
    send(channel)

    assert simulator.connections == 3


def test_many_threads_deliver_each_mail_once(simulator, channel, send):
    alerts = [Alert(title=f"alert {number}", message="") for number in range(40)]
    failures = []

    def work(mine):
        try:
            for alert in mine:
                send(channel, alert)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(alerts[start::8],)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    titles = [mail.text.splitlines()[0] for mail in simulator.received()]

    assert failures == []
    assert sorted(titles) == sorted(f"🟡 {alert.title}" for alert in alerts)
    assert simulator.connections <= 8


@pytest.mark.parametrize(
    ("kind", "error", "outcome", "arrived"),
    [
        ("reset", ConnectionFailed, Outcome.RETRY, 0),
        ("lost_answer", ConnectionFailed, Outcome.UNKNOWN, 1),
        ("half_answer", ConnectionFailed, Outcome.UNKNOWN, 1),
        ("garbage", DeliveryTimeout, Outcome.UNKNOWN, 0),
        ("oversize", DeliveryTimeout, Outcome.UNKNOWN, 0),
        ("hang", DeliveryTimeout, Outcome.UNKNOWN, 0),
        ("drip", DeliveryTimeout, Outcome.UNKNOWN, 1),
    ],
)
@pytest.mark.parametrize("tls", ["starttls", "implicit", "none"])
@pytest.mark.parametrize("kept", [False, True])
def test_a_broken_wire_is_unknown_only_once_the_message_has_left(
    kind, error, outcome, arrived, tls, kept, channel_to, send
):
    with EmailSimulator(tls=tls) as simulator:
        channel = channel_to(simulator)
        if kept:
            send(channel)
        simulator.fail(kind)
        with pytest.raises(error) as caught:
            send(channel, within=0.3 if kind in ("hang", "drip") else 5.0)
        assert caught.value.outcome is outcome
        assert ("had been sent" in caught.value.message or "answer to the message" in caught.value.message) is (
            outcome is Outcome.UNKNOWN
        )
        assert len(simulator.received()) == arrived + kept
        assert send(channel).provider_id, "the next mail goes through"


def test_faults_hit_only_the_address_they_are_for(simulator, channel, send):
    simulator.fail(Fault("refused_recipient", address="desk@example.com"))

    assert send(channel, to=0).provider_id
    with pytest.raises(InvalidRecipient):
        send(channel, to=1)


def test_health_connects_logs_in_and_sends_nothing(simulator, channel, probe):
    health = probe(channel)

    assert (health.state, health.details["tls"]) == ("ok", "TLSv1.3")
    assert simulator.received() == []


def test_health_fails_with_what_a_send_would_fail_with(simulator, channel_to, probe):
    with pytest.raises(AuthError):
        probe(channel_to(simulator, password="wrong"))


def test_no_failure_shows_an_address_a_password_or_the_alert(simulator, channel_to, send):
    alert = Alert(title="canary", message="canary", data={"canary": "canary"})
    kinds = "rate_limited unauthorized refused_recipient refused_payload reset lost_answer garbage"
    for kind in kinds.split():
        simulator.fail(kind)
        with pytest.raises(DeliveryError) as caught:
            send(channel_to(simulator), alert)
        shown = f"{caught.value.message} {caught.value.hint} {caught.value.provider_code}"
        assert not [word for word in ("canary", "example.com", "correct horse", "127.0.0.1") if word in shown]


def test_nothing_is_logged(simulator, channel, send, caplog):
    caplog.set_level(0)
    simulator.fail("refused_recipient")
    with pytest.raises(InvalidRecipient):
        send(channel)
    send(channel)

    assert [record.name for record in caplog.records if record.name != "asyncio"] == []
