"""Row "receivers": whatever one does, the outcome is right, in time, in little memory, and the next delivery clean."""

import datetime
import socket
import ssl
import threading
import time

import attrs
import pytest
import trustme

from tocsin import dialing
from tocsin.dialing import Resolver
from tocsin.discovery import SIMULATORS, installed, load

from .hostile.http import BEHAVIOURS, OK, answer, answering, hang, plain_text
from .hostile.tcp import black_hole, refused_port

TIMEOUT = 0.6
LATE = 0.5
"""Seconds after its deadline by which an attempt must have ended."""
MEMORY = 8
"""MiB."""

# The state of the delivery, the outcome of its one attempt, and the kind of its failure.
ACCEPTED = ("accepted", "accepted", None)
NOT_SENT = ("failed", "retry", "connection")
CUT = ("unknown", "unknown", "connection")
LATE_ANSWER = ("unknown", "unknown", "timeout")
EXPECTED = {
    "reset_on_accept": {CUT, NOT_SENT},
    "reset_after_head": {CUT},
    "reset_after_body": {CUT},
    "reset_mid_head": {CUT},
    "reset_mid_answer": {ACCEPTED},  # the status was there, and this receiver says nothing more with its body
    "drip_status": {LATE_ANSWER},
    "drip_head": {ACCEPTED},  # likewise
    "drip_body": {ACCEPTED},
    "drip_body_without_length": {ACCEPTED},
    "hang": {LATE_ANSWER},
    "hang_before_reading": {LATE_ANSWER},
    "half_close": {CUT},
    "half_close_mid_answer": {ACCEPTED},
    "bad_chunk": {ACCEPTED},
    "cut_chunk": {ACCEPTED},
    "huge_body": {ACCEPTED},
    "gzip_bomb": {ACCEPTED},
    "many_headers": {CUT, ACCEPTED},
    "huge_header": {CUT},
    "endless_interim": {LATE_ANSWER, CUT},
    "two_lengths": {CUT},
    "no_http": {CUT},
    "nothing": {CUT},
}


@pytest.fixture
def deliver(make_service, an_alert):
    """Make a channel to an address; what comes back delivers one alert: (state, outcome, kind), seconds."""

    def to(url, **settings):
        channel = {"urls": [url], "timeout": TIMEOUT} | settings
        service = make_service({"webhook": channel}, max_retries=0)

        def once():
            started = time.monotonic()
            report = service.send_notification(an_alert())
            seconds = time.monotonic() - started
            (one,) = report.results["webhook"].recipients
            (attempt,) = one.attempts
            kind = None if one.error_kind is None else str(one.error_kind)
            return (str(one.state), str(attempt.outcome), kind), seconds

        return once

    return to


@pytest.mark.parametrize("kept", [False, True], ids=["new connection", "kept connection"])
@pytest.mark.parametrize("name", BEHAVIOURS)
def test_a_receiver_of_http(name, kept, receiver, deliver, peak_memory, figure):
    server = receiver([good_before(BEHAVIOURS[name]), answering(OK)]) if kept else receiver()
    once = deliver(server.url)
    assert once()[0] == ACCEPTED  # everything that is loaded once is loaded
    if not kept:
        server.behave([BEHAVIOURS[name], answering(OK)])
        forget_connections(server)

    with peak_memory() as peak:
        found, seconds = once()
    arrived = len(server.requests)

    assert found in EXPECTED[name]
    figure("ended after its deadline", max(0.0, seconds - TIMEOUT), "s", LATE)
    figure("memory", round(peak(), 1), "MiB", MEMORY)
    figure("requests that arrived", arrived - 1, "", 1)
    assert once()[0] == ACCEPTED, "the next delivery is clean"


def good_before(behaviour):
    """A connection whose first answer is good, and whose second request meets the behaviour."""

    def behave(exchange):
        exchange.request()
        exchange.connection.send(OK)
        exchange.connection.peek()
        behaviour(exchange)

    return behave


def forget_connections(server):
    """Have the kept connection closed, so that the next delivery makes a new one."""
    for _ in range(server.server.drop()):
        assert server.server.ended.acquire(timeout=5)


def test_nobody_listens(deliver, receiver, figure):
    found, seconds = deliver(f"http://127.0.0.1:{refused_port()}/")()

    assert found == NOT_SENT
    figure("ended after", seconds, "s", TIMEOUT + LATE)


def test_a_black_hole(deliver, figure):
    with black_hole() as port:
        found, seconds = deliver(f"http://127.0.0.1:{port}/")()

    assert found == ("failed", "retry", "timeout")
    figure("ended after its deadline", seconds - TIMEOUT, "s", LATE)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
def test_a_redirect_is_not_followed(status, receiver, deliver, figure):
    elsewhere = receiver()
    found, _ = deliver(receiver(answering(answer(status, Location=elsewhere.url))).url)()

    assert found == ("failed", "refused", "client")
    figure("requests at the place it names", len(elsewhere.requests), "", "== 0")


@pytest.mark.parametrize("name", sorted(installed(SIMULATORS)))
@pytest.mark.parametrize("fault", ["lie", "garbage"])
def test_a_success_that_lies_is_none(name, fault, make_service, an_alert):
    """Where a provider says more than its status, its success with a failure or with nonsense inside is none."""
    with load(installed(SIMULATORS)[name])() as simulator:
        service = make_service({name: simulator.settings()}, max_retries=0)
        simulator.fail(fault, times=0)
        report = service.send_notification(an_alert())
        states = {str(one.state) for one in report.results[name].recipients}
        taken = len(simulator.received())

    says_more = name not in STATUS_IS_ALL
    assert taken == 0
    assert states <= ({"failed", "unknown"} if says_more else {"accepted", "failed", "unknown"})


STATUS_IS_ALL = {"webhook"}
"""Channel types whose receivers say with their status all that they say."""


def test_a_kept_connection_that_died_is_replaced(receiver, deliver, figure):
    server = receiver()
    once = deliver(server.url)
    for _ in range(10):
        assert once()[0] == ACCEPTED
        forget_connections(server)

    figure("requests", len(server.requests), "", "== 10")
    figure("connections", server.server.connections, "", "== 10")


def test_a_kept_connection_that_dies_as_it_is_used_is_no_second_request(receiver, deliver, figure):
    """The request may have arrived: that is told, and not repeated below the dispatcher."""

    def one_answer(exchange):
        exchange.request()
        exchange.connection.send(OK)
        exchange.request()
        exchange.connection.reset()

    server = receiver(one_answer)
    once = deliver(server.url)

    assert once()[0] == ACCEPTED
    assert once()[0] == CUT
    figure("requests", len(server.requests), "", "== 2")


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@attrs.frozen
class Certified:
    """A server's context, and the settings of a channel that trusts its authority."""

    context: ssl.SSLContext
    settings: dict


@pytest.fixture
def certified(authority, tmp_path):
    """Make the context of a server with a certificate for a name, until a time."""

    def make(name="127.0.0.1", until=None, trusted=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name, not_after=until).configure_cert(context)
        path = tmp_path / "authority.pem"
        (authority if trusted else trustme.CA()).cert_pem.write_to_path(str(path))
        return Certified(context, {"ca_file": str(path)})

    return make


EXPIRED = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param({"trusted": False}, "verify failed|self|issuer|signature", id="unknown authority"),
        pytest.param({"until": EXPIRED}, "expired", id="expired"),
        pytest.param({"name": "other.example"}, "mismatch|not valid for", id="wrong host"),
    ],
)
def test_a_certificate_that_is_not_good(arguments, words, certified, receiver, deliver, figure):
    tls = certified(**arguments)
    server = receiver(tls=tls.context)
    found, seconds = deliver(server.url, **tls.settings)()

    assert found == ("failed", "refused", "tls")
    figure("requests that arrived", len(server.requests), "", "== 0")
    figure("ended after its deadline", max(0.0, seconds - TIMEOUT), "s", LATE)


def test_an_authority_of_ones_own_is_trusted_where_it_is_named(certified, receiver, deliver):
    tls = certified()

    assert deliver(receiver(tls=tls.context).url, **tls.settings)()[0] == ACCEPTED


def test_a_self_signed_certificate(receiver, deliver, figure):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)  # an authority that nobody knows
    server = receiver(tls=context)

    assert deliver(server.url)()[0] == ("failed", "refused", "tls")
    figure("requests that arrived", len(server.requests), "", "== 0")


@pytest.mark.filterwarnings("ignore:.*TLSv1:DeprecationWarning")
def test_an_old_version_of_tls_is_refused(certified, receiver, deliver, figure):
    tls = certified()
    tls.context.minimum_version = ssl.TLSVersion.TLSv1
    tls.context.maximum_version = ssl.TLSVersion.TLSv1_1
    server = receiver(tls=tls.context)
    (state, outcome, _), _ = deliver(server.url, **tls.settings)()

    assert (state, outcome) in {("failed", "refused"), ("failed", "retry")}
    figure("requests that arrived", len(server.requests), "", "== 0")


@pytest.mark.parametrize("behaviour", [plain_text, hang])
def test_plain_text_where_tls_is_due_is_no_downgrade(behaviour, receiver, deliver, figure):
    server = receiver(behaviour)
    (state, outcome, kind), seconds = deliver(server.url.replace("http:", "https:"))()

    assert (state, kind) in {("failed", "tls"), ("failed", "connection"), ("failed", "timeout")}
    assert outcome in {"refused", "retry"}
    figure("requests in clear text", len(server.requests), "", "== 0")
    figure("ended after its deadline", max(0.0, seconds - TIMEOUT), "s", LATE)


@pytest.mark.parametrize("name", ["hang", "drip_status", "drip_body", "reset_mid_answer", "huge_body"])
def test_the_same_over_tls(name, certified, receiver, deliver, peak_memory, figure):
    tls = certified()
    server = receiver(tls=tls.context)
    once = deliver(server.url, **tls.settings)
    assert once()[0] == ACCEPTED
    server.behave([BEHAVIOURS[name], answering(OK)])
    forget_connections(server)
    with peak_memory() as peak:
        found, seconds = once()

    assert found in EXPECTED[name]
    figure("ended after its deadline", max(0.0, seconds - TIMEOUT), "s", LATE)
    figure("memory", round(peak(), 1), "MiB", MEMORY)
    assert once()[0] == ACCEPTED


@pytest.fixture
def names(monkeypatch):
    """The resolver's answers by name; a callable is called in its thread."""
    answers = {}

    def look_up(host, port):
        found = answers.get(host, host)
        return [(socket.AF_INET, (found() if callable(found) else found, port))]

    monkeypatch.setattr(dialing, "_look_up", look_up)
    monkeypatch.setattr(dialing, "resolver", Resolver())
    return answers


def raising(error):
    def look_up():
        raise error

    return look_up


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL])
def test_a_name_that_is_not_known(number, names, receiver, deliver):
    server = receiver()
    names["alerts.test"] = raising(socket.gaierror(number, "no"))
    once = deliver(f"http://alerts.test:{server.port}/")

    assert once()[0] == NOT_SENT
    names["alerts.test"] = "127.0.0.1"
    assert once()[0] == ACCEPTED


def test_a_resolver_that_hangs(names, receiver, deliver, figure):
    server, healed = receiver(), threading.Event()

    def hung():
        healed.wait(30)
        return "127.0.0.1"

    names["slow.test"], names["good.test"] = hung, "127.0.0.1"
    once = deliver(f"http://slow.test:{server.port}/")
    found, seconds = once()

    assert found == ("failed", "retry", "timeout")
    figure("ended after its deadline", seconds - TIMEOUT, "s", LATE)
    assert deliver(f"http://good.test:{server.port}/")()[0] == ACCEPTED
    healed.set()
    assert once()[0] == ACCEPTED
