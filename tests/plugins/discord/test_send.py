"""What goes to Discord, and what comes back."""

import json
import re
import threading

import jsonschema
import pytest

from tocsin import Receipt
from tocsin.http import HttpResponse
from tocsin.rendering import REPEATED
from tocsin_discord.buckets import wait_of


def test_a_message_goes_to_its_webhook_alone_and_its_id_is_kept(simulator, send, bodies, schema):
    receipt = send(to=1)

    (received,) = simulator.received()
    assert received.address == simulator.addresses()[1]
    assert "Disk full" in received.text
    assert (receipt.state, receipt.provider_id) == ("accepted", received.provider_id)
    assert (receipt.details, receipt.hold) == ({}, 0.0)
    jsonschema.validate(bodies()[0], schema("execute"))


def test_discord_is_asked_to_wait_and_to_speak_one_version(simulator, send):
    send()

    (request,) = simulator.requests
    assert request.path == "/api/v10/webhooks/100000000000000001/simulated-token-simulated-token"
    assert request.query == {"wait": "true"}


def test_each_request_says_who_asks_in_the_form_that_discord_demands(simulator, send, alert, health):
    send(alert(status="resolved"), previous=send())
    health()

    agents = {request.headers["User-Agent"] for request in simulator.requests}
    assert {request.method for request in simulator.requests} == {"POST", "PATCH", "GET"}
    assert len(agents) == 1
    assert re.fullmatch(r"DiscordBot \(https://\S+, \d+\.\d+\.\d+\S*\)", agents.pop())


def test_each_request_is_one_that_discord_describes(simulator, channel_to, send, alert, health, described):
    for url in (simulator.addresses()[0], f"{simulator.addresses()[0]}?thread_id=42"):
        sender = channel_to(webhook_urls=[url])
        send(alert(status="resolved"), by=sender, previous=send(by=sender))
        health(sender)

    assert [request.method for request in simulator.requests] == ["POST", "PATCH", "GET"] * 2
    for request in simulator.requests:
        method = {"POST": "execute", "PATCH": "edit", "GET": "get"}[request.method]
        known = described["queries"][method]
        assert request.path.removeprefix("/api/v10").count("/") == (5 if method == "edit" else 3)
        assert set(request.query) <= set(known)
        for name, value in request.query.items():
            schema = known[name] | {"components": described["components"]}
            jsonschema.validate(json.loads(value) if value == "true" else value, schema)


def test_each_body_is_json(simulator, send, alert):
    send(alert(status="resolved"), previous=send())

    assert [request.headers["Content-Type"].partition(";")[0] for request in simulator.requests] == [
        "application/json"
    ] * 2


def test_the_messages_bear_the_name_that_is_set(channel_to, send, alert, bodies, schema):
    sender = channel_to(username="Night watch")
    send(alert(status="resolved"), by=sender, previous=send(by=sender))

    jsonschema.validate(bodies()[0], schema("execute"))
    assert bodies("POST")[0]["username"] == "Night watch"
    assert "username" not in bodies("PATCH")[0]


class TestBuckets:
    """What Discord says of its rate limit with a success holds this webhook back, before it has to refuse."""

    @pytest.mark.parametrize("seconds", [0.25, 64.57])
    def test_an_empty_bucket_is_left_alone_until_it_has_room(self, simulator, send, seconds):
        simulator.exhaust(seconds)

        assert [send().hold, send().hold] == [seconds, 0.0]

    def test_an_edit_says_so_too(self, simulator, send, alert):
        first = send()
        simulator.exhaust(3)

        assert send(alert(status="resolved"), previous=first).hold == 3.0

    @pytest.mark.parametrize(
        ("remaining", "after", "hold"),
        [
            ("0", "1", 1.0),
            (" 0 ", "1", 1.0),
            ("1", "1", 0.0),
            ("0", "", 0.0),
            ("0", "soon", 0.0),
            ("0", "nan", 0.0),
            ("0", "-1", 0.0),
            ("0", "1e400", 3600.0),
            ("", "1", 0.0),
        ],
    )
    def test_only_what_makes_sense_holds(self, remaining, after, hold):
        headers = {"X-RateLimit-Remaining": remaining, "X-RateLimit-Reset-After": after}

        assert wait_of(HttpResponse(200, headers, b"")) == hold

    def test_without_a_word_nothing_is_held(self):
        assert wait_of(HttpResponse(200, {}, b"")) == 0.0


def test_a_thread_is_named_in_each_request(simulator, channel_to, send, alert):
    sender = channel_to(webhook_urls=[f"{simulator.addresses()[0]}?thread_id=42"])
    first = send(by=sender)
    send(alert(status="resolved"), by=sender, previous=first)

    assert [request.query.get("thread_id") for request in simulator.requests] == ["42", "42"]


def test_another_address_stands_in_for_discords(simulator, channel_to, send):
    urls = [url.replace(simulator.url, "https://discord.com") for url in simulator.addresses()]
    send(by=channel_to(webhook_urls=urls, api_url=f"{simulator.url}/proxy"))

    assert simulator.requests[0].path.startswith("/proxy/api/v10/webhooks/")
    assert len(simulator.received()) == 1


def test_nobody_is_pinged(send, alert, bodies):
    first = send(alert(title="@everyone", message="<@123> @here"))
    send(alert(status="resolved"), previous=first)

    assert [body["allowed_mentions"] for body in (*bodies("POST"), *bodies("PATCH"))] == [{"parse": []}] * 2


def test_the_simpler_form_is_sent_when_asked_for(send, bodies):
    send(plain=True)

    assert bodies()[0]["embeds"] == []


def test_a_copy_that_may_be_the_second_one_is_marked(simulator, send):
    send(repeated=True)

    assert REPEATED in simulator.received()[0].text


class TestSameDedupKey:
    """An alert with the same ``dedup_key`` edits the earlier message, unless it must be noticed."""

    @pytest.mark.parametrize("status", ["acknowledged", "resolved"])
    def test_a_new_status_edits_the_message(self, simulator, send, alert, bodies, schema, status):
        first = send()
        second = send(alert(status=status), previous=first)

        jsonschema.validate(bodies("PATCH")[0], schema("edit"))
        assert simulator.requests[1].path.endswith(f"/messages/{first.provider_id}")
        assert simulator.requests[1].query == {}
        assert second.provider_id == first.provider_id
        assert second.details == {"edited": True}
        assert simulator.posted(first.provider_id)["content"] == f"🟠 {status.capitalize()}: Disk full"

    @pytest.mark.parametrize("louder", [False, True])
    def test_what_must_be_noticed_is_a_new_message(self, send, louder):
        first = send()
        second = send(previous=first, louder=louder)

        assert (second.provider_id != first.provider_id) is louder
        assert ("edited" in second.details) is not louder

    def test_a_deleted_message_is_posted_anew(self, simulator, send, alert):
        first = send()
        simulator.delete(first.provider_id)
        second = send(alert(status="resolved"), previous=first)

        assert second.provider_id != first.provider_id
        assert "edited" not in second.details

    @pytest.mark.parametrize(
        ("status", "code"),
        [(404, 10008), (429, 20022), (400, 30046), (403, 50005), (403, 50021), (400, 50083), (403, 160005)],
    )
    def test_what_cannot_be_edited_is_posted_anew(self, simulator, send, alert, status, code):
        first = send()
        simulator.script(status, code)

        assert send(alert(status="resolved"), previous=first).provider_id != first.provider_id

    @pytest.mark.parametrize(("status", "code"), [(404, 10015), (401, 50027), (429, 0), (400, 50035)])
    def test_any_other_refusal_of_an_edit_is_a_failure(self, simulator, send, alert, refused, status, code):
        first = send()
        simulator.script(status, code)

        assert refused(alert(status="resolved"), previous=first).status_code == status
        assert simulator.calls == 2

    def test_an_edit_carries_no_mark_of_a_repeat(self, simulator, send, alert):
        first = send()
        send(alert(status="resolved"), previous=first, repeated=True)

        assert REPEATED not in simulator.received()[1].text

    def test_the_simpler_form_takes_the_embed_away(self, simulator, send, alert):
        first = send()
        send(alert(status="resolved"), previous=first, plain=True)

        assert simulator.posted(first.provider_id)["embeds"] == []

    @pytest.mark.parametrize("receipt", [Receipt(), Receipt(provider_id="x"), Receipt(provider_id="1/../2")], ids=str)
    def test_a_receipt_that_names_no_message_leads_to_a_new_one(self, simulator, send, alert, receipt):
        send(alert(status="resolved"), previous=receipt)

        assert [request.method for request in simulator.requests] == ["POST"]

    def test_a_kept_receipt_that_went_through_json_still_finds_its_message(self, send, alert):
        first = send()
        again = Receipt(**json.loads(json.dumps(first.to_dict())))

        assert send(alert(status="resolved"), previous=again).details["edited"] is True


def test_many_threads_share_one_channel(simulator, send):
    threads = [threading.Thread(target=send, kwargs={"to": number % 2}) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [len(simulator.received(address)) for address in simulator.addresses()] == [6, 6]
