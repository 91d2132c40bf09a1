"""The same message through python-telegram-bot makes the same request.

It sends a form where this channel sends JSON; the parameters are compared as the server decodes them.
"""

import asyncio

import pytest

telegram = pytest.importorskip("telegram")
HTTPXRequest = pytest.importorskip("telegram.request").HTTPXRequest

GROUP = "-1001000000001"
OPTIONS = telegram.LinkPreviewOptions(is_disabled=True)


@pytest.fixture
def reference(simulator, monkeypatch):
    """Call one method of the reference client's bot."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # else it warns that waits will no longer be numbers

    def call(method, **parameters):
        async def ask():
            async with HTTPXRequest() as request:
                token = simulator.settings()["bot_token"]
                bot = telegram.Bot(token, base_url=f"{simulator.url}/bot", request=request)
                return await getattr(bot, method)(**parameters)

        return asyncio.run(ask())

    return call


@pytest.fixture
def alike(simulator):
    """Check that the last two requests have the same path and parameters, and give the parameters."""

    def check():
        ours, theirs = simulator.requests[-2:]
        messages = [simulator.message(request) for request in (ours, theirs)]
        assert (ours.method, ours.path) == (theirs.method, theirs.path)
        assert messages[0].raw == messages[1].raw
        assert messages[0] == messages[1]
        return messages[0].raw

    return check


def test_a_new_message(send, alert, reference, alike, requests):
    receipt = send(alert(priority="LOW", message="<&> 👩‍👩‍👧\n@ops"))
    text = requests()[0]["text"]
    theirs = reference(
        "send_message",
        chat_id=int(GROUP),
        text=text,
        parse_mode=telegram.constants.ParseMode.HTML,
        link_preview_options=OPTIONS,
        disable_notification=True,
    )

    assert alike()["disable_notification"] is True
    assert theirs.message_id == int(receipt.provider_id) + 1


def test_a_protected_message_to_a_topic(simulator, channel_to, send, reference, alike, requests):
    simulator.chats.add(f"{GROUP}:42")
    send(by=channel_to(chat_ids=[f"{GROUP}:42"], protect_content=True))
    reference(
        "send_message",
        chat_id=int(GROUP),
        text=requests()[0]["text"],
        parse_mode="HTML",
        link_preview_options=OPTIONS,
        message_thread_id=42,
        protect_content=True,
    )

    assert alike()["message_thread_id"] == 42


def test_a_message_that_answers_another(send, alert, reference, alike, requests):
    send(alert(priority="CRITICAL"), previous=send(), louder=True)
    reference(
        "send_message",
        chat_id=int(GROUP),
        text=requests()[1]["text"],
        parse_mode="HTML",
        link_preview_options=OPTIONS,
        reply_parameters=telegram.ReplyParameters(message_id=1, allow_sending_without_reply=True),
    )

    assert alike()["reply_parameters"]["message_id"] == 1


def test_an_edited_message(send, alert, reference, alike, requests):
    send(alert(status="resolved"), previous=send())
    with pytest.raises(telegram.error.BadRequest, match="Message is not modified"):
        reference(
            "edit_message_text",
            chat_id=int(GROUP),
            message_id=1,
            text=requests()[1]["text"],
            parse_mode="HTML",
            link_preview_options=OPTIONS,
        )

    assert alike()["message_id"] == 1


def test_a_plain_message_to_a_named_chat(simulator, channel_to, send, reference, alike, requests):
    simulator.chats.add("@ops_alerts")
    send(by=channel_to(chat_ids=["@ops_alerts"]), plain=True)
    reference("send_message", chat_id="@ops_alerts", text=requests()[0]["text"], link_preview_options=OPTIONS)

    assert "parse_mode" not in alike()


@pytest.mark.parametrize(
    ("code", "description", "raised", "kind"),
    [
        (400, "Bad Request: chat not found", "BadRequest", "invalid_recipient"),
        (401, "Unauthorized", "InvalidToken", "auth"),
        (403, "Forbidden: bot was blocked by the user", "Forbidden", "invalid_recipient"),
        (404, "Not Found", "InvalidToken", "auth"),
        (429, "Too Many Requests: retry after 7", "RetryAfter", "rate_limited"),
        (502, "Bad Gateway", "NetworkError", "server"),
    ],
)
def test_both_read_an_answer_in_the_same_way(simulator, refused, reference, code, description, raised, kind):
    wait = {"retry_after": 7} if code == 429 else {}
    simulator.script(code, description, **wait)
    simulator.script(code, description, **wait)
    error = refused()
    with pytest.raises(getattr(telegram.error, raised)) as caught:
        reference("send_message", chat_id=int(GROUP), text="x")

    assert error.kind == kind
    assert error.retry_after == (caught.value.retry_after.total_seconds() if wait else None)


def test_both_read_an_upgrade_in_the_same_way(simulator, send, reference):
    simulator.upgrade(GROUP, -1009999999999)
    with pytest.raises(telegram.error.ChatMigrated) as caught:
        reference("send_message", chat_id=int(GROUP), text="x")
    send()

    assert simulator.received()[0].address == str(caught.value.new_chat_id)
