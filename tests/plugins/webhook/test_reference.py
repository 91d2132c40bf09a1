"""What is sent, and what the official library of Standard Webhooks makes of it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from tocsin import Alert, Secret
from tocsin_webhook import WebhookChannel
from tocsin_webhook.format import body_of, headers_of
from tocsin_webhook.signature import sign

KEY = "0123456789abcdef0123456789abcdef"
NEW, OLD = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
OTHER = "whsec_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"


def verify(secret, headers, body):
    return standardwebhooks.Webhook(secret).verify(body, headers)


@pytest.fixture
def delivered(start, send):
    """Headers and body of one delivery, as they arrived."""

    def make(secrets, now=None, **changes):
        endpoint = start(secret=secrets)
        channel = WebhookChannel(**(endpoint.settings() | {"secret": secrets} | changes))
        send(channel, now=now or datetime.now(UTC))
        raw = endpoint.received()[0].raw
        return raw["headers"], raw["body"]

    return make


@pytest.mark.parametrize("form", ["alert", "cloudevents"])
def test_the_library_believes_what_arrives(delivered, form, alert):
    headers, body = delivered([NEW], format=form)

    assert verify(NEW, headers, body) == json.loads(body_of(alert, form))


def test_while_keys_are_changed_it_believes_with_either(delivered):
    headers, body = delivered([NEW, OLD])

    assert verify(NEW, headers, body) == verify(OLD, headers, body)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verify(OTHER, headers, body)


@pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp", "webhook-signature", "body"])
def test_it_believes_nothing_that_was_changed_on_the_way(delivered, changed):
    headers, body = delivered([NEW])
    if changed == "body":
        body = body.replace(b"HIGH", b"LOW")
    elif changed == "webhook-timestamp":
        headers[changed] = str(int(headers[changed]) + 1)
    else:
        version, _, signature = headers[changed].partition(",")
        headers[changed] = f"{version},{'B' if signature.startswith('A') else 'A'}{signature[1:]}"

    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verify(NEW, headers, body)


@pytest.mark.parametrize(("late", "believed"), [(-240, True), (-360, False), (240, True), (360, False)])
def test_it_allows_five_minutes_of_difference(delivered, late, believed):
    """So the time must be that of the attempt: a retry that is hours late is as fresh as the first."""
    headers, body = delivered([NEW], now=datetime.now(UTC) + timedelta(seconds=late))

    if believed:
        verify(NEW, headers, body)
    else:
        with pytest.raises(standardwebhooks.WebhookVerificationError, match=r"too (old|new)"):
            verify(NEW, headers, body)


@given(
    title=st.text(max_size=50).map(lambda text: f"x{text}"),
    message=st.text(max_size=500),
    data=st.dictionaries(st.text(max_size=9), st.text(max_size=50) | st.integers() | st.none(), max_size=5),
    form=st.sampled_from(["alert", "cloudevents"]),
)
def test_it_believes_any_alert(title, message, data, form):
    content = body_of(Alert(title=title, message=message, data=data), form)
    headers = headers_of(KEY, datetime.now(UTC), content, [Secret(NEW)], form)

    assert verify(NEW, headers, content) == json.loads(content)


@given(moment=st.integers(0, 2**33), content=st.text(max_size=200))
def test_it_signs_as_this_channel_does(moment, content):
    theirs = standardwebhooks.Webhook(NEW).sign(KEY, datetime.fromtimestamp(moment, UTC), content)

    assert sign([Secret(NEW)], KEY, moment, content.encode()) == theirs
