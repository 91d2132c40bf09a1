"""One HTTP exchange: what each fault of a receiver becomes, and when it ends."""

import gc
import logging
import ssl
import time
import traceback

import pytest
import trustme

from tocsin import (
    ChannelConfigError,
    ConnectionFailed,
    DeliveryError,
    DeliveryTimeout,
    ErrorKind,
    Outcome,
    Secret,
    TlsError,
)
from tocsin.deadline import Deadline
from tocsin.http import HttpClient, HttpResponse, failure_for

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
TOKEN = "c4n4ry-t0ken"


@pytest.fixture
def client():
    client = HttpClient(workers=2, user_agent="tocsin-test", environ={})
    yield client
    client.close()
    gc.collect()


def post(client, url, seconds=5.0, **kwargs):
    with Deadline(seconds):
        return client.post(url, json={"title": "x"}, **kwargs)


def failure(client, url, seconds=5.0, **kwargs):
    with pytest.raises(DeliveryError) as caught:
        post(client, url, seconds, **kwargs)
    return caught.value


def test_a_good_answer_comes_back_whole(client, answering):
    response = post(client, answering(OK).url)

    assert (response.status, response.text, response.complete, response.is_success) == (200, "ok", True, True)


def test_the_connection_is_kept_between_requests(client, receiver):
    accepted = []

    def behave(server, connection):
        accepted.append(connection)
        while server.request(connection) is not None:
            connection.sendall(OK)

    server = receiver(behave)
    for _ in range(3):
        post(client, server.url)

    assert len(accepted) == 1
    assert len(server.requests) == 3


def test_a_redirect_is_an_answer_and_not_followed(client, answering):
    target = answering(OK)
    head = f"HTTP/1.1 302 Found\r\nLocation: {target.url}\r\nContent-Length: 0\r\n\r\n".encode()

    response = post(client, answering(head).url)

    assert response.status == 302
    assert target.requests == []


def test_refused_is_safe_to_repeat(client, receiver):
    server = receiver(lambda *_: None)
    server.close()

    error = failure(client, server.url)

    assert (error.kind, error.outcome) == (ErrorKind.CONNECTION, Outcome.RETRY)
    assert str(error) == "connection refused"


def test_a_reset_after_the_request_is_unknown(client, receiver):
    def behave(server, connection):
        server.request(connection)
        server.reset(connection)

    error = failure(client, receiver(behave).url)

    assert isinstance(error, ConnectionFailed)
    assert error.outcome is Outcome.UNKNOWN
    assert str(error) == "connection reset by the receiver; the request had been sent"


def test_a_closed_connection_after_the_request_is_unknown(client, receiver):
    assert failure(client, receiver(lambda server, c: server.request(c)).url).outcome is Outcome.UNKNOWN


def test_a_kept_connection_that_died_meanwhile_is_replaced(client, receiver):
    def behave(server, connection):
        server.request(connection)
        connection.sendall(OK)

    server = receiver(behave)

    for _ in range(5):
        assert post(client, server.url).status == 200
        assert server.hung_up.acquire(timeout=5)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf", id="short body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="bad chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", id="cut chunk"),
    ],
)
def test_a_cut_body_leaves_the_status_believable_and_the_body_not(client, receiver, answer):
    def behave(server, connection):
        server.request(connection)
        connection.sendall(answer)

    response = post(client, receiver(behave).url)

    assert (response.status, response.complete) == (200, False)


def test_an_endless_body_is_read_to_64_kib(client, receiver):
    def behave(server, connection):
        server.request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 209715200\r\n\r\n")
        for _ in range(3200):
            connection.sendall(b"x" * 65536)

    response = post(client, receiver(behave).url)

    assert (len(response.body), response.complete) == (65_536, False)


def test_compressed_bytes_are_not_unpacked(client, answering):
    body = b"\x1f\x8b not really gzip"
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    assert post(client, answering(head + body).url).body == body


def hang(server, connection):
    server.request(connection)
    server.stopping.wait(10)


def drip_head(server, connection):
    server.request(connection)
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 500:
        connection.sendall(bytes([byte]))
        if server.stopping.wait(0.05):
            return


def drip_body(server, connection):
    server.request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    for _ in range(500):
        connection.sendall(b"x")
        if server.stopping.wait(0.05):
            return


def drip_body_without_length(server, connection):
    server.request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    for _ in range(500):
        connection.sendall(b"x")
        if server.stopping.wait(0.05):
            return


@pytest.mark.parametrize("behave", [hang, drip_head, drip_body, drip_body_without_length])
def test_the_deadline_ends_whatever_the_receiver_does(client, receiver, behave):
    server = receiver(behave)
    started = time.monotonic()

    error = failure(client, server.url, seconds=0.3)

    assert time.monotonic() - started < 0.3 + 0.5
    assert isinstance(error, DeliveryTimeout)
    assert error.outcome is Outcome.UNKNOWN


def test_the_exchange_after_a_deadline_is_clean(client, receiver, answering):
    failure(client, receiver(hang).url, seconds=0.2)

    assert post(client, answering(OK).url).status == 200


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(500)) + b"\r\n", id="500 headers"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", id="huge header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", id="two lengths"),
        pytest.param(b"SMTP ready\r\n\r\n", id="not HTTP"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_an_answer_that_is_no_http_is_unknown(client, receiver, answer):
    def behave(server, connection):
        server.request(connection)
        connection.sendall(answer)

    assert failure(client, receiver(behave).url).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://127.0.0.1/x",
        "http://",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http://ex ample/",
        "http://.../x",
    ],
)
def test_an_unusable_address_is_told_without_being_quoted(client, url):
    error = failure(client, url)

    assert error.outcome in (Outcome.REFUSED, Outcome.RETRY)
    assert not url or url not in str(error)


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "\ud800", "日本"])
def test_a_header_that_cannot_be_sent_is_a_configuration_error(client, answering, value):
    error = failure(client, answering(OK).url, headers={"X-Own": value})

    assert isinstance(error, ChannelConfigError)


def test_an_unknown_name_is_safe_to_repeat(client):
    error = failure(client, "http://does-not-exist.invalid/")

    assert error.outcome is Outcome.RETRY
    assert str(error) == "the host name could not be resolved"


def test_a_failure_carries_no_address_and_no_cause(client, receiver, caplog):
    caplog.set_level(logging.DEBUG)
    server = receiver(lambda server, c: server.request(c))
    error = failure(client, Secret(f"{server.url}/{TOKEN}"))

    shown = "".join(traceback.format_exception(error)) + repr(vars(error)) + caplog.text
    assert TOKEN not in shown
    assert error.__cause__ is None
    assert error.__context__ is None


def test_a_success_logs_no_path(client, answering, caplog):
    caplog.set_level(logging.DEBUG)
    post(client, f"{answering(OK).url}/{TOKEN}")

    assert TOKEN not in caplog.text


def test_urllib3_still_logs_for_others(answering, caplog):
    import requests

    caplog.set_level(logging.DEBUG)
    with requests.Session() as session:
        session.get(f"{answering(OK).url}/theirs", timeout=5)

    assert "/theirs" in caplog.text


def test_cookies_are_not_kept(client, answering):
    server = answering(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")
    post(client, server.url)
    post(client, server.url)

    assert b"cookie" not in server.requests[1][0].lower()


def test_netrc_is_not_read(answering, tmp_path, monkeypatch):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server = answering(OK)
    client = HttpClient(workers=1, user_agent="t", environ={})
    post(client, server.url)
    client.close()

    assert b"authorization" not in server.requests[0][0].lower()


def test_the_proxy_of_the_environment_is_used_and_no_proxy_obeyed(answering, monkeypatch):
    proxy = answering(OK)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    direct = answering(OK)
    client = HttpClient(workers=1, user_agent="t", environ={})
    post(client, "http://alerts.example/hook")
    post(client, direct.url)
    client.close()

    assert proxy.requests[0][0].startswith(b"POST http://alerts.example/hook ")
    assert len(direct.requests) == 1


@pytest.fixture
def authority():
    return trustme.CA()


def tls(authority, receiver, behave, name="127.0.0.1"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    def wrapped(server, connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            behave(server, secure)

    server = receiver(wrapped)
    server.url = f"https://127.0.0.1:{server.port}/hook"
    return server


def trusting(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return HttpClient(workers=1, user_agent="t", environ={}, ca_file=str(path))


def answer_ok(server, connection):
    while server.request(connection) is not None:
        connection.sendall(OK)


def test_a_trusted_certificate_is_accepted(authority, receiver, tmp_path):
    client = trusting(authority, tmp_path)

    assert post(client, tls(authority, receiver, answer_ok).url).status == 200
    client.close()


def test_an_untrusted_certificate_is_refused_for_good(client, authority, receiver):
    server = tls(authority, receiver, answer_ok)
    error = failure(client, server.url)

    assert isinstance(error, TlsError)
    assert error.outcome is Outcome.REFUSED
    assert server.requests == []


def test_a_certificate_for_another_host_is_refused(authority, receiver, tmp_path):
    client = trusting(authority, tmp_path)
    error = failure(client, tls(authority, receiver, answer_ok, name="other.example").url)

    assert isinstance(error, TlsError)
    client.close()


def test_plain_text_on_the_tls_port_is_no_downgrade(client, receiver):
    server = receiver(lambda server, connection: connection.sendall(OK))
    error = failure(client, server.url.replace("http://", "https://"))

    assert error.kind in (ErrorKind.TLS, ErrorKind.CONNECTION)
    assert server.requests == []


@pytest.mark.parametrize("behave", [hang, drip_body])
def test_the_deadline_holds_over_tls(authority, receiver, tmp_path, behave):
    client = trusting(authority, tmp_path)
    server = tls(authority, receiver, behave)
    started = time.monotonic()

    error = failure(client, server.url, seconds=0.4)

    assert time.monotonic() - started < 0.4 + 0.5
    assert error.outcome is Outcome.UNKNOWN
    client.close()


def test_the_deadline_holds_in_the_handshake(client, receiver):
    server = receiver(lambda server, connection: server.stopping.wait(10))
    started = time.monotonic()

    error = failure(client, server.url.replace("http://", "https://"), seconds=0.3)

    assert time.monotonic() - started < 0.3 + 0.5
    assert error.outcome is Outcome.RETRY


@pytest.mark.parametrize(
    ("status", "kind", "outcome"),
    [
        (301, "client", "refused"),
        (400, "payload", "refused"),
        (401, "auth", "credentials"),
        (403, "auth", "credentials"),
        (404, "invalid_recipient", "gone"),
        (405, "client", "refused"),
        (408, "server", "retry"),
        (410, "invalid_recipient", "gone"),
        (413, "payload", "refused"),
        (422, "payload", "refused"),
        (425, "server", "retry"),
        (429, "rate_limited", "retry"),
        (500, "server", "retry"),
        (501, "server", "refused"),
        (502, "server", "retry"),
        (503, "server", "retry"),
        (504, "server", "retry"),
        (505, "server", "refused"),
        (999, "client", "refused"),
    ],
)
def test_each_status_has_its_kind_and_outcome(status, kind, outcome):
    error = failure_for(HttpResponse(status, {"Retry-After": "3"}, b""))

    assert (error.kind, error.outcome, error.status_code, error.retry_after) == (kind, outcome, status, 3.0)


@pytest.mark.parametrize("status", [100, 199, 300, 304, 999])
def test_only_2xx_is_a_success(status):
    assert not HttpResponse(status, {}, b"").is_success


@pytest.mark.parametrize("body", [b"", b"[1]", b"nope", b"[" * 100_000, b"\xff\xfe", b"1" * 6000])
def test_a_body_that_is_no_json_object_is_an_empty_one(body):
    assert HttpResponse(200, {}, body).json() == {}
