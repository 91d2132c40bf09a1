"""``public_only``: no endpoint leads into the network that the alerts come from, unless its network is allowed."""

import json
import socket

import pytest

from tocsin import NotificationConfig, NotificationService
from tocsin.http import HttpClient
from tocsin.testing import FakeClock
from tocsin_webhook import WebhookChannel

NAME = "alerts.example"
PRIVATE = {
    "127.0.0.1": "a loopback address",
    "10.0.0.1": "a private address",
    "172.16.0.1": "a private address",
    "192.168.0.1": "a private address",
    "100.64.0.1": "an address behind a carrier's NAT",
    "169.254.1.1": "a link-local address",
    "169.254.169.254": "a metadata address",
    "100.100.100.200": "a metadata address",
    "0.0.0.0": "an unspecified address",
    "224.0.0.1": "a multicast address",
    "192.0.0.8": "an address for protocols",
    "240.0.0.1": "a reserved address",
    "::1": "a loopback address",
    "fd00:ec2::254": "a metadata address",
    "fd12::1": "a private address",
    "fe80::1": "a link-local address",
    "::ffff:10.0.0.1": "a private address",
    "::ffff:8.8.8.8": "an IPv4-mapped address",
    "64:ff9b::a00:1": "a private address",
    "64:ff9b:1::1": "an address of a local NAT64",
    "2002:a00:1::1": "a private address",
    "2001:0:a00:1::f7f7:f7f7": "a private address",
}


def url_of(address, port=9):
    return f"https://[{address}]:{port}/hook" if ":" in address else f"https://{address}:{port}/hook"


@pytest.fixture
def answers(monkeypatch):
    """Let the name lead to these addresses, one answer after the other; the list counts the questions."""

    def teach(*answers):
        asked, real = [], socket.getaddrinfo

        def look_up(host, port, *args, **kwargs):
            if host != NAME:
                return real(host, port, *args, **kwargs)
            asked.append(host)
            found = answers[min(len(asked), len(answers)) - 1]
            families = [socket.AF_INET6 if ":" in one else socket.AF_INET for one in found]
            return [
                (family, socket.SOCK_STREAM, 6, "", (one, port)) for family, one in zip(families, found, strict=True)
            ]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return asked

    return teach


@pytest.fixture
def guarded(simulator):
    """A channel with ``public_only`` to the simulator, under a name, and the client that the core makes for it."""
    clients = []

    def make(**settings):
        path = simulator.addresses()[0].removeprefix("http://127.0.0.1")
        values = simulator.settings() | {"urls": [f"http://{NAME}{path}"], "public_only": True} | settings
        channel = WebhookChannel(**values)
        clients.append(HttpClient(workers=1, user_agent="t", environ={}, guard=channel.guard))
        return channel, clients[-1]

    yield make
    for client in clients:
        client.close()


def test_by_default_an_endpoint_may_be_anywhere(channel, send, simulator):
    """Many receivers stand in the network of the sender."""
    assert channel.guard is None
    assert send(channel)


@pytest.mark.parametrize(("address", "kind"), PRIVATE.items())
def test_an_address_that_can_never_pass_is_a_wrong_setting(address, kind):
    with pytest.raises(ValueError, match=rf"urls: item 2 leads to {kind}, which public_only refuses") as caught:
        WebhookChannel(urls=["https://alerts.example.com/hook", url_of(address)], public_only=True)

    assert address not in str(caught.value)


@pytest.mark.parametrize(("address", "kind"), PRIVATE.items())
def test_a_name_that_leads_there_is_refused_before_anything_is_sent(
    guarded, refused, answers, simulator, address, kind
):
    answers([address])
    channel, client = guarded()
    error = refused(channel, client=client)

    assert (error.kind, error.outcome, error.scope) == ("config", "refused", "recipient")
    assert error.message == f"the host leads to {kind}, and only public ones are allowed; nothing was sent"
    assert address not in error.message + error.hint
    assert simulator.calls == 0


def test_a_name_is_asked_once_and_the_checked_address_is_connected_to(guarded, send, answers, simulator):
    """DNS rebinding: the second answer, which nobody checked, is never asked for."""
    asked = answers(["127.0.0.1"], ["169.254.169.254"])
    channel, client = guarded(allow_networks=["127.0.0.1"])
    send(channel, client=client)

    assert len(asked) == 1
    assert simulator.calls == 1


@pytest.mark.parametrize("found", [["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"]])
def test_every_address_of_an_answer_must_pass(guarded, refused, answers, simulator, found):
    answers(found)
    channel, client = guarded(allow_networks=["127.0.0.0/8"])

    assert refused(channel, client=client).kind == "config"
    assert simulator.calls == 0


def test_a_guarded_channel_goes_through_no_proxy(guarded, refused, answers, simulator, monkeypatch):
    """A proxy would resolve the name itself."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, simulator.url)
    answers(["10.0.0.1"])
    channel, client = guarded(allow_networks=["127.0.0.0/8"])

    assert refused(channel, client=client).kind == "config"
    assert simulator.calls == 0


def test_a_refusal_is_tried_once_and_the_next_alert_asks_anew(simulator, answers, alert):
    asked = answers(["10.0.0.1"], ["127.0.0.1"])
    path = simulator.addresses()[0].removeprefix("http://127.0.0.1")
    settings = simulator.settings() | {
        "urls": [f"http://{NAME}{path}"],
        "public_only": True,
        "allow_networks": ["127.0.0.1"],
    }
    config = NotificationConfig.from_mapping({"channels": {"webhook": settings}})
    with NotificationService(config, clock=FakeClock(), strict=True) as service:
        first = service.send_notification(alert).results["webhook"].recipients[0]
        second = service.send_notification(type(alert)(title="x", message="")).results["webhook"].recipients[0]

    assert (first.success, len(first.attempts), first.error_kind) == (False, 1, "config")
    assert second.success
    assert len(asked) == 2


def test_allowed_networks_are_taken_from_the_environment():
    environ = {
        "WEBHOOK_NOTIFICATIONS_ENABLED": "true",
        "WEBHOOK_URLS": "https://10.20.1.1/hook",
        "WEBHOOK_PUBLIC_ONLY": "yes",
        "WEBHOOK_ALLOW_NETWORKS": "10.20.0.0/16, fd12::/16",
    }
    with NotificationService(NotificationConfig.from_env(environ), strict=True) as service:
        channel = service.channels["webhook"]

    assert channel.instance.allow_networks == ("10.20.0.0/16", "fd12::/16")
    assert json.dumps(channel.instance.allow_networks)


def test_a_network_is_checked_when_it_is_set():
    with pytest.raises(ValueError, match="item 2 must be a network"):
        WebhookChannel(urls=["https://a.example"], public_only=True, allow_networks=["10.0.0.0/8", "10.0.0.1/8"])


def test_allowed_networks_alone_would_be_taken_for_a_guard():
    with pytest.raises(ValueError, match="says nothing without public_only"):
        WebhookChannel(urls=["https://a.example"], allow_networks=["10.0.0.0/8"])
