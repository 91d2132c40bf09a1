"""What goes to Slack, and what comes back."""

import threading

import jsonschema
import pytest

from tocsin import Receipt
from tocsin.rendering import REPEATED

CHANNEL = "C0000000001"


def test_a_webhook_takes_the_message_and_tells_nothing_about_it(simulator, send, bodies, schema):
    receipt = send(to=0)

    (received,) = simulator.received()
    assert received.address == simulator.addresses()[0]
    assert "Disk full" in received.text
    assert receipt == Receipt()
    jsonschema.validate(bodies()[0], schema("incoming webhook"))


def test_a_bot_posts_to_its_channel_and_keeps_what_finds_the_message_again(simulator, send, bodies, schema):
    receipt = send(to=1)

    (received,) = simulator.received()
    assert (received.address, received.provider_id) == (CHANNEL, receipt.provider_id)
    assert receipt.details == {}
    (body,) = bodies("chat.postMessage")
    jsonschema.validate(body, schema("chat.postMessage"))
    assert (body["channel"], body["mrkdwn"], body["unfurl_links"], body["unfurl_media"]) == (CHANNEL, *[False] * 3)


def test_the_token_goes_into_the_header_and_json_says_its_charset(simulator, send):
    send(to=1)

    headers = simulator.requests[0].headers
    assert headers["Authorization"] == "Bearer xoxb-100000000001-simulated"
    assert headers["Content-Type"] == "application/json; charset=utf-8"


def test_the_token_does_not_go_to_a_webhook(simulator, send):
    send(to=0)

    assert "Authorization" not in simulator.requests[0].headers


def test_an_address_of_the_api_may_end_in_a_slash(simulator, channel_to, send):
    send(by=channel_to(api_url=f"{simulator.url}/proxy/api/"))

    assert simulator.requests[0].path == "/proxy/api/chat.postMessage"


@pytest.mark.parametrize("to", [0, 1])
def test_the_simpler_form_is_sent_when_asked_for(send, simulator, to):
    send(to=to, plain=True)

    assert simulator.received()[0].raw["attachments"] == []


@pytest.mark.parametrize("to", [0, 1])
def test_a_copy_that_may_be_the_second_one_is_marked(simulator, send, to):
    send(to=to, repeated=True)

    assert REPEATED in simulator.received()[0].text


def test_many_threads_share_one_channel(simulator, send):
    threads = [threading.Thread(target=send, kwargs={"to": number % 2}) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    hook, channel = simulator.addresses()
    assert (len(simulator.received(hook)), len(simulator.received(channel))) == (6, 6)
