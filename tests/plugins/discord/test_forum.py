"""In a forum each new alert makes a post, and what follows it stays there."""

import jsonschema
import pytest

from tocsin import Receipt
from tocsin_discord.names import THREAD_NAME_LIMIT, thread_name


@pytest.fixture
def forum(simulator, channel_to):
    """A channel to two forums, which names each post after its alert."""
    simulator.forums = set(simulator.hooks)
    return channel_to(thread_name="{title}")


def threads(simulator):
    return [request.query.get("thread_id") for request in simulator.requests]


def test_an_alert_makes_a_post_that_bears_its_headline(forum, send, bodies, schema):
    receipt = send(by=forum)

    jsonschema.validate(bodies()[0], schema("execute"))
    assert bodies()[0]["thread_name"] == "🟠 Disk full"
    assert receipt.details == {"thread_id": receipt.provider_id}


def test_its_message_is_edited_in_its_post(simulator, forum, send, alert, bodies):
    first = send(by=forum)
    second = send(alert(status="resolved"), by=forum, previous=first)

    assert (second.provider_id, second.details) == (first.provider_id, first.details | {"edited": True})
    assert threads(simulator) == [None, first.provider_id]
    assert "thread_name" not in bodies("PATCH")[0]


def test_a_louder_alert_is_a_new_message_in_the_same_post(simulator, forum, send, bodies):
    first = send(by=forum)
    second = send(by=forum, previous=first, louder=True)

    assert second.provider_id != first.provider_id
    assert second.details == first.details
    assert threads(simulator) == [None, first.provider_id]
    assert "thread_name" not in bodies()[1]


@pytest.mark.parametrize("code", [10003, 50083, 160005])
@pytest.mark.parametrize("louder", [False, True])
def test_a_post_that_takes_nothing_more_is_followed_by_a_new_one(simulator, forum, send, louder, code):
    first = send(by=forum)
    simulator.threads.clear()
    simulator.script(404 if code == 10003 else 400, code)
    second = send(by=forum, previous=first, louder=louder)

    assert second.details["thread_id"] not in (None, first.details["thread_id"])


def test_a_deleted_message_is_followed_in_its_post(simulator, forum, send, alert):
    first = send(by=forum)
    simulator.delete(first.provider_id)
    second = send(alert(status="resolved"), by=forum, previous=first)

    assert (second.details, second.provider_id != first.provider_id) == (first.details, True)


def test_any_other_refusal_in_the_post_is_a_failure(simulator, forum, send, refused):
    first = send(by=forum)
    simulator.script(404, 10015)

    assert refused(by=forum, previous=first, louder=True).provider_code == 10015
    assert simulator.calls == 2


def test_a_receipt_without_a_post_leads_to_a_new_one(simulator, forum, send):
    send(by=forum, previous=Receipt(provider_id="1", details={"thread_id": "../2"}), louder=True)

    assert threads(simulator) == [None]


def test_a_url_that_names_a_thread_makes_no_post(simulator, channel_to, send, bodies):
    sender = channel_to(webhook_urls=[f"{simulator.addresses()[0]}?thread_id=42"], thread_name="{title}")
    receipt = send(by=sender)

    assert threads(simulator) == ["42"]
    assert "thread_name" not in bodies()[0]
    assert receipt.details == {}


def test_a_forum_without_a_thread_is_refused_with_what_to_do(simulator, refused):
    simulator.forums = set(simulator.hooks)
    error = refused()

    assert (error.kind, error.provider_code) == ("invalid_recipient", 220001)
    assert "thread_name" in error.hint
    assert "?thread_id=" in error.hint


def test_another_channel_makes_no_posts(channel_to, refused):
    error = refused(by=channel_to(thread_name="Alerts"))

    assert (error.kind, error.provider_code) == ("invalid_recipient", 220003)
    assert "thread_name" in error.hint


class TestName:
    @pytest.mark.parametrize("surplus", [0, 1])
    def test_a_name_is_cut_at_100_code_points(self, alert, surplus):
        title = "👩" * (THREAD_NAME_LIMIT - len("🟠 ") + surplus)
        name = thread_name("{title}", alert(title=title))

        assert name == (f"🟠 {title}" if surplus == 0 else f"🟠 {'👩' * (len(title) - 2)}…")
        assert len(name) == THREAD_NAME_LIMIT

    def test_words_may_stand_around_the_headline(self, alert):
        assert thread_name("ops: {title} (night)", alert(title="a_b")) == "ops: 🟠 a_b (night)"

    def test_a_name_may_stand_still(self, alert):
        assert thread_name("Alerts", alert()) == "Alerts"

    def test_a_title_with_a_placeholder_is_no_template(self, alert):
        assert thread_name("{title}", alert(title="{title} {0}")) == "🟠 {title} {0}"
