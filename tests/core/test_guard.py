"""The guard lets public addresses through and no other, however they are written or wrapped."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import ChannelConfigError, ErrorKind, Outcome, Scope
from tocsin.deadline import Deadline
from tocsin.dialing import dial
from tocsin.guard import AddressGuard, to_networks
from tocsin.http import HttpClient

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0"]
PUBLIC += ["11.0.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "192.167.255.255"]
PUBLIC += ["192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.15", "168.63.129.17"]
PUBLIC += ["2606:4700:4700::1111", "2001:4860:4860::8888", "2001:200::1", "2003::1", "2001:db7:ffff::1", "3ffe::1"]
PUBLIC += ["64:ff9b::8.8.8.8", "64:ff9b::192.169.0.0", "2a00:1450:4001::1", "2620:4f:7fff::1"]

# Both special-purpose registries of IANA: every block whose "Globally Reachable" is not True, and besides them
# multicast, RFC 4291's IPv4-compatible and RFC 3879's site-local addresses.
REGISTRIES = ["0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"]
REGISTRIES += ["172.16.0.0/12", "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.170/32", "192.0.0.171/32"]
REGISTRIES += ["192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"]
REGISTRIES += ["203.0.113.0/24", "240.0.0.0/4", "255.255.255.255/32", "224.0.0.0/4"]
REGISTRIES += ["::1/128", "::/128", "::ffff:0:0/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23"]
REGISTRIES += ["2001::/32", "2001:2::/48", "2001:db8::/32", "2001:10::/28", "2002::/16", "3fff::/20", "5f00::/16"]
REGISTRIES += ["fc00::/7", "fe80::/10", "ff00::/8", "::/96", "fec0::/10"]
METADATA = ["169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "fd20:ce::254"]
METADATA += ["168.63.129.16", "100.100.100.200", "169.254.0.23", "169.254.42.42", "fd00:42::42", "192.0.0.192"]
METADATA += ["fe80::a9fe:a9fe"]

NAT64 = ipaddress.ip_network("64:ff9b::/96")
CARRIERS = [NAT64, *map(ipaddress.ip_network, ("::/96", "::ffff:0:0/96", "2001::/32", "2002::/16"))]

v4 = st.ip_addresses(v=4)
v6 = st.ip_addresses(v=6)


def wrapped(address):
    """Every IPv6 address that carries an IPv4 one."""
    number = int(address)
    yield ipaddress.IPv6Address(number)  # IPv4-compatible
    yield ipaddress.IPv6Address(0xFFFF << 32 | number)  # IPv4-mapped
    yield ipaddress.IPv6Address(int(NAT64[0]) | number)
    yield ipaddress.IPv6Address(0x2002 << 112 | number << 80 | 1)
    yield ipaddress.IPv6Address(0x20010000 << 96 | number << 64 | (0x08080808 ^ 0xFFFFFFFF))
    yield ipaddress.IPv6Address(0x20010000 << 96 | 0x08080808 << 64 | (number ^ 0xFFFFFFFF))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_passes(address):
    AddressGuard().check(address)


@pytest.mark.parametrize("network", REGISTRIES)
def test_every_special_purpose_network_is_refused_from_end_to_end(network):
    network = ipaddress.ip_network(network)

    for address in (network[0], network[-1], network[network.num_addresses // 2]):
        assert AddressGuard().refused(str(address)), address


@pytest.mark.parametrize("address", METADATA)
def test_a_metadata_address_is_named_as_such(address):
    assert AddressGuard().refused(address) == "a metadata address"


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "a loopback address"),
        ("::1", "a loopback address"),
        ("0.0.0.0", "an unspecified address"),
        ("::", "an unspecified address"),
        ("10.1.2.3", "a private address"),
        ("fd12::1", "a private address"),
        ("169.254.1.1", "a link-local address"),
        ("fe80::1%eth0", "a link-local address"),
        ("100.64.0.1", "an address behind a carrier's NAT"),
        ("239.1.1.1", "a multicast address"),
        ("255.255.255.255", "a broadcast address"),
        ("::ffff:8.8.8.8", "an IPv4-mapped address"),
        ("::ffff:127.0.0.1", "a loopback address"),
        ("::127.0.0.1", "a loopback address"),
        ("::ffff:0:127.0.0.1", "a reserved address"),
        ("64:ff9b::169.254.169.254", "a metadata address"),
        ("64:ff9b::10.0.0.1", "a private address"),
        ("64:ff9b:1::8.8.8.8", "an address of a local NAT64"),
        ("2002:a00:1::1", "a private address"),
        ("2002:808:808::1", "a 6to4 address"),
        ("2001:0:808:808::f7f7:f7f7", "a Teredo address"),
        ("2001:0:a00:1::f7f7:f7f7", "a private address"),
        ("2001:0:808:808::f5ff:fffe", "a private address"),
        ("4000::1", "a reserved address"),
        ("alerts.example", "no address at all"),
    ],
)
def test_the_kind_of_an_address_is_told(address, kind):
    """Inside a Teredo address the client's stands with its bits turned over."""
    assert AddressGuard().refused(address) == kind


@given(address=st.one_of(v4, v6))
def test_whatever_python_takes_for_special_is_refused(address):
    """In any release, though each knows other networks; a NAT64 address is reserved to Python, and not to a client."""
    special = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    special = special or address.is_reserved or address.is_unspecified

    assert not special or address in NAT64 or AddressGuard().refused(str(address))


@given(network=st.sampled_from(REGISTRIES), data=st.data())
def test_no_address_within_a_special_purpose_network_passes(network, data):
    address = data.draw(st.ip_addresses(network=network))

    with pytest.raises(ChannelConfigError):
        AddressGuard().check(str(address))


@given(address=v4)
def test_an_address_that_is_refused_is_refused_in_every_wrapping(address):
    guard = AddressGuard()
    if guard.refused(str(address)):
        assert all(guard.refused(str(one)) for one in wrapped(address))


@given(address=v4)
def test_of_the_wrappings_of_a_public_address_only_nat64_passes(address):
    guard = AddressGuard()
    if not guard.refused(str(address)):
        passing = [one for one in wrapped(address) if not guard.refused(str(one))]

        assert passing == [ipaddress.IPv6Address(int(NAT64[0]) | int(address))]


@given(address=st.one_of(v4, v6))
def test_the_guard_judges_every_address_and_never_quotes_it(address):
    guard = AddressGuard()
    if guard.refused(str(address)):
        with pytest.raises(ChannelConfigError) as caught:
            guard.check(str(address))
        assert str(address) not in str(caught.value) + caught.value.hint
    else:
        guard.check(str(address))


@given(address=st.one_of(v4, v6))
def test_what_is_allowed_by_name_passes(address):
    """Where it carries another inside, that one has to be allowed as well."""
    if not any(address in network for network in CARRIERS):
        AddressGuard([str(address)]).check(str(address))


def test_an_allowed_network_passes_and_its_neighbour_does_not():
    guard = AddressGuard(["10.20.0.0/16", "fd12:3456::/32"])

    for passing in ("10.20.0.0", "10.20.255.255", "fd12:3456::1", "64:ff9b::10.20.0.1"):
        guard.check(passing)
    for refused in ("10.19.255.255", "10.21.0.0", "fd12:3457::1", "127.0.0.1"):
        assert guard.refused(refused)


@pytest.mark.parametrize(
    ("allowed", "address"),
    [
        ("fd00::/8", "fd00:ec2::254"),
        ("169.254.0.0/16", "169.254.169.254"),
        ("100.64.0.0/10", "100.100.100.200"),
        ("168.63.128.0/17", "168.63.129.16"),
        ("64:ff9b::/96", "64:ff9b::169.254.169.254"),
        ("::/0", "::ffff:169.254.169.254"),
        ("::/0", "2002:a9fe:a9fe::1"),
    ],
)
def test_a_metadata_address_within_an_allowed_network_is_still_refused(allowed, address):
    assert AddressGuard([allowed]).refused(address) == "a metadata address"


def test_a_metadata_address_that_is_allowed_by_name_passes():
    AddressGuard(["169.254.169.254"]).check("169.254.169.254")
    AddressGuard(["fd00:ec2::254/128"]).check("fd00:ec2::254")


@pytest.mark.parametrize("wrong", ["10.0.0.1/8", "10.0.0.0/33", "example.com", "10.0.0", "fe80::1%eth0/64"])
def test_what_is_no_network_is_refused_with_its_place(wrong):
    with pytest.raises(ValueError, match=r"item 2 must be a network, like 10\.20\.0\.0/16") as caught:
        to_networks(["10.0.0.0/8", wrong])

    assert wrong not in str(caught.value)


def test_networks_may_stand_in_one_string():
    assert to_networks("10.0.0.0/8, fd00::/8,127.0.0.1") == to_networks(["10.0.0.0/8", "fd00::/8", "127.0.0.1"])


@pytest.fixture
def names(monkeypatch):
    """Let names have one answer after the other; the list that comes back counts the questions."""

    def answer(*answers):
        asked, real = [], socket.getaddrinfo

        def look_up(host, port, *args, **kwargs):
            if host != "alerts.example":
                return real(host, port, *args, **kwargs)
            asked.append(host)
            found = answers[min(len(asked), len(answers)) - 1]
            return [
                (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
                for one in found
            ]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return asked

    return answer


@pytest.fixture
def guarded():
    """Make guarded clients."""
    made = []

    def make(*allow):
        made.append(HttpClient(workers=1, user_agent="t", environ={}, guard=AddressGuard(allow)))
        return made[-1]

    yield make
    for client in made:
        client.close()


def post(client, url):
    with Deadline(5.0):
        return client.post(url, content=b"{}")


def refusal(client, url):
    with pytest.raises(ChannelConfigError) as caught:
        post(client, url)
    return caught.value


def test_a_refusal_sends_nothing_is_final_and_names_no_address(guarded, answering):
    server = answering(OK)
    error = refusal(guarded(), server.url)

    assert (error.kind, error.outcome, error.scope) == (ErrorKind.CONFIG, Outcome.REFUSED, Scope.RECIPIENT)
    assert str(error).endswith(
        "the host leads to a loopback address, and only public ones are allowed; nothing was sent"
    )
    assert "127.0.0.1" not in str(error) + error.hint
    assert (error.__cause__, error.__context__) == (None, None)
    assert not server.hung_up.acquire(timeout=0.05)  # not even a connection


def test_an_allowed_network_is_connected_to(guarded, answering):
    assert post(guarded("127.0.0.0/8"), answering(OK).url).status == 200


def test_the_checked_address_is_the_one_that_is_connected_to(guarded, answering, names):
    """A name that answers differently the second time (DNS rebinding) is asked once."""
    server = answering(OK)
    asked = names(["127.0.0.1"], ["169.254.169.254"])

    assert post(guarded("127.0.0.1"), f"http://alerts.example:{server.port}/hook").status == 200
    assert len(asked) == 1
    assert b"host: alerts.example" in server.requests[0][0].lower()


def test_a_name_that_turns_public_later_is_not_asked_again(guarded, answering, names):
    server = answering(OK)
    asked = names(["169.254.169.254"], ["127.0.0.1"])
    refusal(guarded("127.0.0.1"), f"http://alerts.example:{server.port}/hook")

    assert len(asked) == 1
    assert server.requests == []


@pytest.mark.parametrize("order", [["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["127.0.0.1", "::1"]])
def test_one_refused_address_refuses_the_whole_answer(guarded, answering, names, order):
    server = answering(OK)
    names(order)
    refusal(guarded("127.0.0.1"), f"http://alerts.example:{server.port}/hook")

    assert server.requests == []


def test_every_new_connection_is_checked(guarded, receiver, names):
    """A name whose answer changes between two alerts is judged by the new one."""

    def behave(server, connection):
        server.request(connection)
        connection.sendall(OK)

    server = receiver(behave)
    names(["127.0.0.1"], ["10.0.0.1"])
    client, url = guarded("127.0.0.1"), f"http://alerts.example:{server.port}/hook"
    post(client, url)
    assert server.hung_up.acquire(timeout=5)

    assert str(refusal(client, url)).startswith("the host leads to a private address")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "[::1]", "[::ffff:7f00:1]"]
)
def test_no_spelling_of_loopback_passes(guarded, answering, host):
    server = answering(OK)
    url = f"http://{host}:{server.port}/hook"
    with pytest.raises(Exception, match=r"loopback|could not be resolved|not usable"):
        post(guarded(), url)

    assert server.requests == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_guarded_client_uses_no_proxy(answering, guarded, monkeypatch, names, scheme):
    """The proxy would resolve the name itself, where the guard cannot look."""
    proxy = answering(OK)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    names(["10.0.0.1"])

    refusal(guarded("127.0.0.1"), f"{scheme}://alerts.example/hook")
    assert proxy.requests == []


def test_a_redirect_to_a_private_address_is_not_followed(guarded, answering):
    target = answering(OK)
    head = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {target.url}\r\nContent-Length: 0\r\n\r\n".encode()

    assert post(guarded("127.0.0.1"), answering(head).url).status == 307
    assert target.requests == []


def test_two_clients_do_not_share_their_guards(guarded, answering):
    server = answering(OK)
    allowing, refusing = guarded("127.0.0.1"), guarded()

    assert post(allowing, server.url).status == 200
    refusal(refusing, server.url)


def test_dialling_asks_about_every_address_before_it_connects(answering, names):
    server = answering(OK)
    names(["127.0.0.1", "8.8.8.8"])
    judged = []

    with Deadline(5.0), dial("alerts.example", server.port, check=judged.append) as connected:
        assert connected.getpeername()[0] == "127.0.0.1"
    assert judged == ["127.0.0.1", "8.8.8.8"]


class Guarded:
    """A channel that asks for a guard."""

    def __init__(self, url, guard):
        self.url, self.guard = url, guard


def test_a_channel_asks_for_a_guard_with_an_attribute(make_service, answering, alert):
    from tocsin import Capabilities, Receipt, hookimpl

    class Posting(Guarded):
        capabilities = Capabilities(http=True, probe=False)

        @hookimpl
        def send(self, alert, context):
            context.http.post(self.url, content=b"{}").check()
            return Receipt()

    server = answering(OK)
    channels = {"open": Posting(server.url, None), "public": Posting(server.url, AddressGuard())}
    report = make_service(channels, max_retries=3).send_notification(alert)

    assert report.results["open"].success
    recipient = report.results["public"].recipients[0]
    assert (recipient.error_kind, len(recipient.attempts)) == ("config", 1)
    assert len(server.requests) == 1
