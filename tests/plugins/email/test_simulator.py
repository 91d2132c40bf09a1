"""The simulator refuses what real servers refuse, and leaves nothing behind."""

import gc
import os
import smtplib
import ssl
import threading

import pytest

from tocsin_email.simulator import EmailSimulator

MAIL = (
    b"From: <alerts@example.com>\r\nTo: <ops@example.com>\r\nDate: Mon, 23 Nov 2026 09:30:00 +0000\r\n"
    b"Message-ID: <a@example.com>\r\nSubject: x\r\nMIME-Version: 1.0\r\n\r\nx\r\n"
)


@pytest.fixture
def client(simulator):
    settings = simulator.settings()
    with smtplib.SMTP(settings["host"], settings["port"], local_hostname="test", timeout=5) as client:
        client.starttls(context=ssl.create_default_context(cafile=settings["ca_file"]))
        client.login(settings["username"], settings["password"])
        yield client


def send(client, content, sender="alerts@example.com", to="ops@example.com"):
    return client.sendmail(sender, [to], content)


def test_a_careful_mail_is_taken(simulator, client):
    send(client, MAIL)

    assert [mail.address for mail in simulator.received()] == ["ops@example.com"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (MAIL.replace(b"\r\n\r\nx\r\n", b"\r\n\r\nx\ny\r\n"), 550),
        (MAIL.replace(b"Date:", b"X-Date:"), 550),
        (MAIL.replace(b"Message-ID:", b"X-Id:"), 550),
        (MAIL.replace(b"Subject: x", b"Subject: x\r\nSubject: y"), 550),
        (MAIL.replace(b"<alerts@example.com>", b"<other@example.com>"), 550),
        (MAIL.replace(b"\r\n\r\nx", b"\r\n\r\n\xc3\xa9"), 554),
        (MAIL.replace(b"\r\n\r\nx", b"\r\n\r\n" + b"x" * 1100), 500),
    ],
)
def test_a_careless_mail_is_refused(content, code, simulator, client):
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(client, content)

    assert caught.value.smtp_code == code
    assert simulator.received() == []


def test_an_unknown_recipient_is_refused(client):
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(client, MAIL, to="nobody@example.com")


def test_nothing_is_taken_without_tls_and_login(simulator):
    settings = simulator.settings()
    with smtplib.SMTP(settings["host"], settings["port"], local_hostname="test", timeout=5) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.docmd("MAIL", "FROM:<alerts@example.com>")[0] == 530
        client.starttls(context=ssl.create_default_context(cafile=settings["ca_file"]))
        client.ehlo()
        assert client.has_extn("auth")
        assert client.docmd("MAIL", "FROM:<alerts@example.com>")[0] == 530


def test_closing_leaves_no_file_no_thread_and_no_connection():
    before = threading.active_count()
    simulator = EmailSimulator()
    simulator.start()
    settings = simulator.settings()
    client = smtplib.SMTP(settings["host"], settings["port"], local_hostname="test", timeout=5)
    simulator.close()
    simulator.close()

    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.ehlo()
    client.close()
    del client
    gc.collect()
    assert not os.path.exists(settings["ca_file"])
    assert threading.active_count() == before


def test_a_simulator_can_be_started_again():
    simulator = EmailSimulator()
    for _ in range(2):
        with simulator:
            assert simulator.settings()["port"] > 0
