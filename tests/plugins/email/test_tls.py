"""TLS is what was asked for or nothing, and nothing secret is said before it."""

import contextlib
import smtplib
import socket
import ssl
import threading
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tocsin import ConnectionFailed, Secret, TlsError
from tocsin.settings import MissingSetting
from tocsin_email.simulator import EmailSimulator
from tocsin_email.tls import context_for

LOGIN = {"username": "alerts", "password": "secret"}
LEAST = {"host": "mail.example.com", "from_email": "a@example.com", "to": ["b@example.com"]}
UNUSABLE = "client_cert_file and client_key_file cannot be used"


@pytest.fixture(scope="module")
def certificate():
    return trustme.CA().issue_cert("client.example.com")


@pytest.fixture
def files(certificate, tmp_path):
    """Certificate, key and encrypted key, each in a file."""
    chain, key, encrypted = (tmp_path / name for name in ("chain.pem", "key.pem", "encrypted.pem"))
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    private = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    encrypted.write_bytes(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"opens it"))
    )
    return {"chain": str(chain), "key": str(key), "encrypted": str(encrypted)}


def test_a_server_whose_starttls_was_stripped_gets_neither_login_nor_mail(scripted, channel_to, send):
    server = scripted(EHLO=b"250-mail\r\n250-SIZE 100000\r\n250 AUTH PLAIN LOGIN")
    with pytest.raises(TlsError, match="nothing was sent in clear text"):
        send(channel_to(server, tls="starttls", **LOGIN))

    assert server.verbs() == ["EHLO"]


def test_a_login_that_is_offered_in_clear_text_waits_for_tls(scripted, channel_to, send):
    server = scripted(EHLO=b"250-mail\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN", STARTTLS=b"220 Go")
    with pytest.raises(TlsError):
        send(channel_to(server, tls="starttls", **LOGIN), within=1.0)

    assert server.verbs()[:2] == ["EHLO", "STARTTLS"]
    assert not [command for command in server.commands if "secret" in command or command.startswith("AUTH")]


@pytest.fixture
def said(monkeypatch):
    """The verbs that were said, in clear text or over TLS."""
    verbs = []
    original = smtplib.SMTP.putcmd
    monkeypatch.setattr(
        smtplib.SMTP, "putcmd", lambda self, verb, args="": (verbs.append(verb.upper()), original(self, verb, args))[1]
    )
    return verbs


def test_the_greeting_is_said_again_after_tls_and_the_login_comes_behind_it(simulator, channel_to, probe, said):
    probe(channel_to(simulator))

    assert said == ["EHLO", "STARTTLS", "EHLO", "AUTH", "NOOP"]


def test_implicit_tls_needs_no_starttls(channel_to, probe, said):
    with EmailSimulator(tls="implicit") as simulator:
        probe(channel_to(simulator))
    assert said == ["EHLO", "AUTH", "NOOP"]


def test_clear_text_is_used_only_where_it_was_asked_for(channel_to, send, probe):
    with EmailSimulator(tls="none") as simulator:
        assert probe(channel_to(simulator)).details.get("tls") is None
        with pytest.raises(TlsError):
            send(channel_to(simulator, tls="starttls"))
        with pytest.raises(TlsError):
            send(channel_to(simulator, tls="implicit"))


def test_certificate_and_host_name_are_checked_and_old_versions_refused():
    context = context_for()

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_of_ours_is_shown_to_a_server_that_wants_one(tls, channel_to, send):
    with EmailSimulator(tls=tls, client_certificate=True) as simulator:
        assert send(channel_to(simulator)).provider_id


@pytest.fixture
def demanding(tmp_path):
    """Start a server that wants a certificate and says so with an alert of TLS; the simulator's just hangs up."""
    with contextlib.ExitStack() as stack:

        def start(tls):
            authority = trustme.CA()
            authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1").configure_cert(context)
            authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = threading.Thread(target=converse, args=(listener, context, tls))
            thread.start()
            stack.callback(thread.join, 5)
            return {
                **LEAST,
                "host": "127.0.0.1",
                "port": listener.getsockname()[1],
                "ca_file": str(tmp_path / "ca.pem"),
            }

        yield start


def converse(listener, context, tls):
    with contextlib.suppress(OSError), listener.accept()[0] as sock:
        if tls == "starttls":
            sock.sendall(b"220 mail\r\n")
            for answer in (b"250-mail\r\n250 STARTTLS\r\n", b"220 Go\r\n"):
                sock.recv(1000)
                sock.sendall(answer)
        with context.wrap_socket(sock, server_side=True) as secured:
            secured.sendall(b"220 mail\r\n")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_server_that_wants_a_certificate_and_gets_none_is_a_tls_error_with_a_hint(
    tls, version, demanding, channel_to, send
):
    """With TLS 1.3 the alert comes after the handshake, and may be lost where this side speaks first."""
    channel = channel_to(**demanding(tls), tls=tls)
    channel._mailer._endpoint.context.maximum_version = version
    alert_is_read = tls == "implicit" or version is ssl.TLSVersion.TLSv1_2
    with pytest.raises(TlsError if alert_is_read else (TlsError, ConnectionFailed)) as caught:
        send(channel)

    assert caught.value.message.startswith("the server ended TLS: ") or not alert_is_read
    assert "client_cert_file" in caught.value.hint


def test_a_server_that_hangs_up_after_tls_gets_the_same_hint(channel_to, send):
    with EmailSimulator(client_certificate=True) as simulator:
        with pytest.raises(ConnectionFailed) as caught:
            send(channel_to(simulator, client_cert_file=None))
        assert simulator.calls == 0

    assert "client_cert_file" in caught.value.hint


def test_a_key_stands_in_the_same_file_or_in_one_of_its_own_and_may_be_encrypted(files, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(Path(files[name]).read_bytes() for name in ("key", "chain")))

    assert context_for(None, str(both))
    assert context_for(None, files["chain"], files["key"])
    assert context_for(None, files["chain"], files["encrypted"], Secret("opens it"))


@pytest.mark.parametrize(
    ("certificate_file", "key_file", "password"),
    [
        ("chain", None, None),
        ("key", "key", None),
        ("chain", "encrypted", None),
        ("chain", "encrypted", "canary"),
        ("chain", "encrypted", "c" * 2000),
    ],
)
def test_a_certificate_or_key_that_cannot_be_used_is_refused_and_nobody_is_asked(
    certificate_file, key_file, password, files
):
    secret = Secret(password) if password else None
    with pytest.raises(ValueError, match=UNUSABLE) as caught:
        context_for(None, files[certificate_file], files.get(key_file), secret)

    assert "canary" not in str(caught.value)
    assert files["chain"] not in str(caught.value)


def test_a_key_without_a_password_gets_an_empty_one_so_that_openssl_does_not_ask_for_it(files, monkeypatch):
    """Where there is a terminal, it would wait there for an answer."""
    passed = []
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", lambda self, *given: passed.append(given))
    context_for(None, files["chain"], files["key"])

    assert passed == [(files["chain"], files["key"], "")]


def test_the_key_of_another_certificate_is_refused(files, tmp_path):
    other = tmp_path / "other.pem"
    other.write_bytes(trustme.CA().issue_cert("other.example.com").private_key_pem.bytes())

    with pytest.raises(ValueError, match=UNUSABLE):
        context_for(None, files["chain"], str(other))


def test_a_file_of_a_certificate_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=UNUSABLE):
        context_for(None, "/canary.pem")


def test_a_certificate_needs_tls_and_a_key_its_certificate(files, channel_to):
    with pytest.raises(ValueError, match="shows no certificate"):
        channel_to(**LEAST, tls="none", client_cert_file=files["chain"], client_key_file=files["key"])
    with pytest.raises(MissingSetting, match="client_cert_file"):
        channel_to(**LEAST, client_key_file=files["key"])
    with pytest.raises(MissingSetting, match="client_cert_file"):
        channel_to(**LEAST, client_key_password="secret")
