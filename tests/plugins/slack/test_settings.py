"""Settings are checked when they are read, and no message repeats a value."""

import pytest

from tocsin.settings import Sourced, build, settings_of
from tocsin_slack import SlackChannel

HOOK = "https://hooks.slack.com/services/T0/B0/s3cr3t"
TOKEN = "xoxb-s3cr3t"


def built(**values):
    sourced = {name: Sourced(value, name) for name, value in values.items()}
    return build(SlackChannel, settings_of(SlackChannel, "slack"), sourced)


def test_settings_have_the_documented_names():
    settings = {item.name: item for item in settings_of(SlackChannel, "slack")}

    assert {name: item.env for name, item in settings.items()} == {
        "webhook_urls": "SLACK_WEBHOOK_URLS",
        "bot_token": "SLACK_BOT_TOKEN",
        "channel_ids": "SLACK_CHANNEL_IDS",
        "api_url": "SLACK_API_URL",
    }
    assert [name for name, item in settings.items() if item.secret] == ["webhook_urls", "bot_token"]
    assert settings["api_url"].default == "https://slack.com/api"
    assert settings["webhook_urls"].kind == settings["channel_ids"].kind == "array"


def test_recipients_are_all_webhooks_and_then_all_channels():
    channel = SlackChannel(webhook_urls=f"{HOOK}1,{HOOK}2", bot_token=TOKEN, channel_ids="C1,U2,#alerts")

    assert [recipient.kind for recipient in channel.recipients] == ["webhook"] * 2 + ["channel"] * 3
    assert [recipient.address.reveal() for recipient in channel.recipients] == [
        f"{HOOK}1",
        f"{HOOK}2",
        "C1",
        "U2",
        "#alerts",
    ]


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({}, "webhook_urls, or bot_token and channel_ids"),
        ({"webhook_urls": []}, "webhook_urls, or bot_token and channel_ids"),
        ({"bot_token": TOKEN}, "webhook_urls, or channel_ids for the bot"),
        ({"channel_ids": ["C1"]}, "bot_token is missing"),
        ({"channel_ids": ["C1"], "webhook_urls": [HOOK]}, "bot_token is missing"),
    ],
)
def test_what_is_missing_is_named_and_leaves_the_channel_unconfigured(values, missing):
    instance, problems = built(**values)

    assert instance is None
    assert [problem.missing for problem in problems] == [True]
    assert missing in problems[0].message


def test_a_token_without_channels_does_not_stop_the_webhooks():
    assert len(SlackChannel(webhook_urls=[HOOK], bot_token=TOKEN).recipients) == 1


@pytest.mark.parametrize("path", ["triggers/T0/1/s3cr3t", "workflows/T0/A0/1/s3cr3t"])
def test_a_webhook_of_workflow_builder_is_refused(path):
    instance, problems = built(webhook_urls=[HOOK, f"https://hooks.slack.com/{path}"])

    assert instance is None
    assert "item 2" in problems[0].message
    assert "Workflow Builder" in problems[0].message
    assert "s3cr3t" not in problems[0].message


@pytest.mark.parametrize("item", ["general", "c012", "@name", "C01 23", "#", "#a b", "<#C1>", "https://x.slack.com"])
def test_what_is_no_channel_is_refused_without_being_repeated(item):
    instance, problems = built(bot_token=TOKEN, channel_ids=["C1", item])

    assert instance is None
    assert problems[0].message == (
        "channel_ids item 2 must be an id like C0123456789, from the channel's details, or #name"
    )


def test_secrets_and_channels_are_not_shown():
    channel = SlackChannel(webhook_urls=[HOOK], bot_token=TOKEN, channel_ids=["C0123456789"])

    assert "s3cr3t" not in repr(channel)
    assert "C0123456789" not in repr(channel)
    assert [recipient.label.partition(" #")[0] for recipient in channel.recipients] == [
        "https://hooks.slack.com/…",
        "C0…89",
    ]


def test_equal_settings_make_different_channels():
    one, other = (SlackChannel(webhook_urls=[HOOK]) for _ in range(2))

    assert one != other
