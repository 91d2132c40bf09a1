"""Addresses are checked and normalised when the channel is configured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_email.addresses import MAX_ADDRESS, MAX_DOMAIN, MAX_LOCAL_PART, MAX_NAME, is_loopback, to_host, to_mailbox

ADDRESSES = st.text(st.one_of(st.characters(), st.sampled_from('a@.<>",; -[]\\é')), max_size=40)


@pytest.mark.parametrize(
    ("value", "address", "name"),
    [
        ("ops@example.com", "ops@example.com", ""),
        ("<ops@example.com>", "ops@example.com", ""),
        ("Operations <ops@example.com>", "ops@example.com", "Operations"),
        ('"Doe, Jane" <jane@example.com>', "jane@example.com", "Doe, Jane"),
        ("Ops.Team+on-call@Example.COM", "Ops.Team+on-call@example.com", ""),
        ("root@localhost", "root@localhost", ""),
        ("ops@bücher.example", "ops@xn--bcher-kva.example", ""),
        ("jürgen@example.com", "jürgen@example.com", ""),
        ("ops@[192.0.2.1]", "ops@[192.0.2.1]", ""),
        ("ops@[IPv6:2001:DB8::1]", "ops@[IPv6:2001:db8::1]", ""),
    ],
)
def test_an_address_is_read_with_its_name_and_its_domain_as_a_labels(value, address, name):
    mailbox = to_mailbox(value)

    assert (mailbox.address, mailbox.name) == (address, name)


@pytest.mark.parametrize(
    "value",
    [
        "ops",
        "@example.com",
        "ops@",
        "ops@@example.com",
        "ops@exa mple.com",
        "o ps@example.com",
        ".ops@example.com",
        "ops.@example.com",
        "o..ps@example.com",
        "ops@-example.com",
        "ops@example..com",
        "ops@example.com.",
        "ops@exam_ple.com",
        "ops@[300.0.0.1]",
        "ops@example.com>",
        "Ops <ops@example.com",
        "a@example.com, b@example.com",
        "ops@example.com\r\nBcc: all@example.com",
        "Ops\nBcc: x <ops@example.com>",
        "",
    ],
)
def test_what_is_no_address_is_refused(value):
    with pytest.raises(ValueError, match=r"^(must|is empty)"):
        to_mailbox(value)


@pytest.mark.parametrize(
    "value", ["canary", "canary@", "canary@straße.example", "canary@a_b", f"{'canary' * 50} <a@b>"]
)
def test_a_refusal_does_not_quote_the_value(value):
    with pytest.raises(ValueError, match=r"must|has") as caught:
        to_mailbox(value)

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("domain", ["straße.example", "φς.example", "a\u200db.example"])
def test_a_domain_that_the_two_idna_standards_write_differently_must_come_as_a_labels(domain):
    with pytest.raises(ValueError, match="give it as xn--"):
        to_mailbox(f"ops@{domain}")


def domain_of(length):
    """A domain of so many octets, with labels as long as they may be."""
    return ("d" * 63 + ".") * (length // 64) + "d" * (length % 64)


def test_a_local_part_may_be_as_long_as_smtp_allows_and_no_longer():
    assert to_mailbox("a" * MAX_LOCAL_PART + "@b").local == "a" * MAX_LOCAL_PART
    for longer in ("a" * (MAX_LOCAL_PART + 1), "é" * 32 + "a"):
        with pytest.raises(ValueError, match=r"^must be a mail address"):
            to_mailbox(f"{longer}@b")


def test_an_address_may_be_as_long_as_smtp_allows_and_no_longer():
    longest = f"ab@{domain_of(MAX_ADDRESS - 3)}"

    assert len(to_mailbox(longest).address) == MAX_ADDRESS
    with pytest.raises(ValueError, match=r"^must have at most 254 octets"):
        to_mailbox(f"a{longest}")


def test_a_label_of_a_domain_may_have_63_octets_and_no_more():
    assert to_mailbox(f"a@{'d' * 63}.example").domain
    with pytest.raises(ValueError, match=r"^must be a mail address"):
        to_mailbox(f"a@{'d' * 64}.example")


def test_a_domain_may_be_as_long_as_smtp_allows_and_no_longer():
    assert len(to_host(f"é.{'d' * 63}.{'d' * 63}.{'d' * 63}.{'d' * 55}")) == MAX_DOMAIN
    with pytest.raises(ValueError, match=r"^must be a mail address"):
        to_host(f"é.{'d' * 63}.{'d' * 63}.{'d' * 63}.{'d' * 56}")


def test_a_name_may_have_a_hundred_characters_and_no_more():
    assert to_mailbox(f"{'n' * MAX_NAME} <a@b>").name == "n" * MAX_NAME
    with pytest.raises(ValueError, match="has a name of more than 100"):
        to_mailbox(f"{'n' * (MAX_NAME + 1)} <a@b>")


@given(ADDRESSES)
def test_any_text_is_an_address_with_a_one_line_header_or_a_value_error(text):
    try:
        mailbox = to_mailbox(text)
    except ValueError:
        return
    unfolded = mailbox.header().replace("\r\n ", " ")
    assert unfolded.endswith(f"<{mailbox.address}>")
    assert "\r" not in unfolded
    assert "\n" not in unfolded
    assert mailbox.domain.isascii()


def test_a_name_that_looks_like_an_encoded_word_is_not_decoded_by_the_reader():
    assert to_mailbox("=?utf-8?q?Boss?= <ops@example.com>").header().startswith("=?utf-8?")
    assert "Boss" not in to_mailbox("=?utf-8?q?Boss?= <ops@example.com>").header().partition("?q?")[0]


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("smtp.example.com", "smtp.example.com"),
        ("mail_server", "mail_server"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_is_a_name_or_an_address(value, host):
    assert to_host(value) == host


@pytest.mark.parametrize("value", ["smtp.example.com:587", "smtp://smtp.example.com", "user@host", "a b", "a/b"])
def test_a_host_has_no_port_and_is_no_url(value):
    with pytest.raises(ValueError, match="without a port"):
        to_host(value)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_hosts_are_known_by_their_names(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["example.com", "localhost.example.com", "10.0.0.1", "::2"])
def test_other_hosts_are_not_loopback(host):
    assert not is_loopback(host)
