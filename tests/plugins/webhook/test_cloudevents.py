"""``format = "cloudevents"``: a CloudEvent 1.0 in structured mode around the alert.

``cloudevents.schema.json`` is cloudevents/formats/cloudevents.json of github.com/cloudevents/spec at commit
c2845a49bc9831be02f305a4a792401b932d77d4, Apache-2.0, unchanged.
"""

import json
import pathlib
import re
from datetime import UTC, datetime, timedelta, timezone

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import Alert, AlertStatus
from tocsin_webhook import WebhookChannel
from tocsin_webhook.format import body_of, headers_of, ping_of

SCHEMA = json.loads((pathlib.Path(__file__).parent / "cloudevents.schema.json").read_text(encoding="utf-8"))
URI_REFERENCE = re.compile(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+")
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00")
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def event_of(alert):
    event = json.loads(body_of(alert, "cloudevents"))
    jsonschema.validate(event, SCHEMA)
    return event


def test_an_alert_is_the_data_of_an_event(alert):
    assert event_of(alert) == {
        "specversion": "1.0",
        "id": "risk-1",
        "source": "tocsin",
        "type": "tocsin.alert.firing",
        "time": "2026-11-23T09:29:58+00:00",
        "datacontenttype": "application/json",
        "data": alert.to_dict(),
    }


@given(
    title=st.text(max_size=20).map(lambda text: f"x{text}"),
    message=st.text(max_size=200),
    alert_id=st.text(max_size=20).map(lambda text: f"x{text}"),
    source=st.none() | st.text(max_size=20).map(lambda text: f"x{text}"),
    status=st.sampled_from(AlertStatus),
    created_at=st.datetimes(timezones=st.timezones(), min_value=datetime(1800, 1, 1), max_value=datetime(9000, 1, 1)),
)
def test_any_alert_makes_a_valid_event(**fields):
    """Its source is a URI reference and its time is RFC 3339, which the schema's formats leave open."""
    alert = Alert(**fields)
    event = event_of(alert)

    assert URI_REFERENCE.fullmatch(event["source"])
    assert RFC3339.fullmatch(event["time"])
    assert event["data"] == alert.to_dict()


@pytest.mark.parametrize(
    ("source", "shown"), [("desk 1", "desk%201"), ("/eu/desk", "/eu/desk"), ("a:b#ü", "a%3Ab%23%C3%BC")]
)
def test_a_source_becomes_a_uri_reference(source, shown):
    assert event_of(Alert(title="x", message="", source=source))["source"] == shown


def test_a_time_zone_with_seconds_is_written_in_utc():
    """Offsets of RFC 3339 have hours and minutes only."""
    moment = datetime(1900, 1, 1, 12, 0, tzinfo=timezone(timedelta(hours=1, minutes=34, seconds=52)))

    assert event_of(Alert(title="x", message="", created_at=moment))["time"] == "1900-01-01T10:25:08+00:00"


def test_a_ping_is_an_event_too():
    event = json.loads(ping_of("k1", NOW, "cloudevents"))
    jsonschema.validate(event, SCHEMA)

    assert (event["type"], event["id"], event["data"]) == ("tocsin.ping", "k1", {})


def test_the_content_type_tells_that_the_whole_event_is_in_the_body():
    headers = headers_of("k1", NOW, b"{}", (), "cloudevents")

    assert headers == {"Content-Type": "application/cloudevents+json; charset=utf-8", "webhook-id": "k1"}


def test_it_is_signed_and_sent_like_any_other_body(send, simulator, arrived):
    send(WebhookChannel(**simulator.settings(), format="cloudevents"))
    headers, content = arrived(simulator)[0]

    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["webhook-signature"].startswith("v1,")
    assert content["data"]["title"] == "Position Risk Exceeded"


def test_another_format_is_refused():
    with pytest.raises(ValueError, match="must be one of alert, cloudevents"):
        WebhookChannel(urls=["https://a.example"], format="cloudevent")
