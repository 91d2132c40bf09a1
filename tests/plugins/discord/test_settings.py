"""Settings are checked when they are read, and no message repeats a value."""

import pytest

from tocsin.settings import Sourced, build, settings_of
from tocsin_discord import DiscordChannel
from tocsin_discord.webhook import Webhook

URL = "https://discord.com/api/webhooks/1/s3cr3t"
V10 = "https://discord.com/api/v10/webhooks/1/s3cr3t"


def built(**values):
    sourced = {name: Sourced(value, name) for name, value in values.items()}
    return build(DiscordChannel, settings_of(DiscordChannel, "discord"), sourced)


def test_settings_have_the_documented_names():
    settings = {item.name: item for item in settings_of(DiscordChannel, "discord")}

    assert {name: item.env for name, item in settings.items()} == {
        "webhook_urls": "DISCORD_WEBHOOK_URLS",
        "api_url": "DISCORD_API_URL",
        "username": "DISCORD_USERNAME",
        "thread_name": "DISCORD_THREAD_NAME",
    }
    assert settings["webhook_urls"].secret
    assert settings["webhook_urls"].kind == "array"


@pytest.mark.parametrize(
    ("url", "base", "thread_id"),
    [
        (URL, V10, None),
        (f"{URL}/", V10, None),
        (f"{URL}?wait=true", V10, None),
        (f"{URL}?thread_id=42", V10, "42"),
        (f"{URL}?wait=false&thread_id=42", V10, "42"),
        ("https://discord.com/api/v6/webhooks/1/s3cr3t", V10, None),
        ("https://discordapp.com/api/webhooks/1/s3cr3t", V10.replace("discord.com", "discordapp.com"), None),
        (
            "https://canary.discord.com/api/webhooks/1/a-B_9",
            "https://canary.discord.com/api/v10/webhooks/1/a-B_9",
            None,
        ),
        ("http://127.0.0.1:8080/x/api/webhooks/1/t", "http://127.0.0.1:8080/x/api/v10/webhooks/1/t", None),
        ("http://proxy/hooks/webhooks/1/t", "http://proxy/hooks/webhooks/1/t", None),
    ],
)
def test_a_webhooks_url_is_read_and_asks_for_one_version(url, base, thread_id):
    assert Webhook.parse(url) == Webhook(base, thread_id)


@pytest.mark.parametrize(
    ("api_url", "base"),
    [
        ("http://proxy:81", "http://proxy:81/api/v10/webhooks/1/s3cr3t"),
        ("http://proxy/to/discord/", "http://proxy/to/discord/api/v10/webhooks/1/s3cr3t"),
    ],
)
def test_another_address_stands_in_for_scheme_and_host(api_url, base):
    assert Webhook.parse(URL, api_url).base == base


def test_the_addresses_that_follow_from_it():
    webhook = Webhook.parse(f"{URL}?thread_id=42")

    assert webhook.execute().reveal() == f"{V10}?wait=true&thread_id=42"
    assert webhook.message("7").reveal() == f"{V10}/messages/7?thread_id=42"
    assert webhook.itself().reveal() == V10
    assert Webhook.parse(URL).message("7").reveal() == f"{V10}/messages/7"
    assert webhook.message("7", "8").reveal() == f"{V10}/messages/7?thread_id=8"
    assert Webhook.parse(URL).execute("8").reveal() == f"{V10}?wait=true&thread_id=8"


@pytest.mark.parametrize(
    "url",
    [
        "https://discord.com/api/webhooks/s3cr3t",
        "https://discord.com/api/webhooks/name/s3cr3t",
        "https://discord.com/channels/1/2",
        "https://hooks.slack.com/services/T/B/s3cr3t",
        f"{URL}/messages/2",
        f"{URL}/slack",
        f"{URL}/github",
        f"{URL}%2F..",
        f"{URL}?thread_id=s3cr3t",
        f"{URL}?thread_id=",
        f"{URL}?other=s3cr3t",
    ],
)
def test_anything_else_is_refused_without_being_repeated(url):
    instance, problems = built(webhook_urls=[URL, url])

    assert instance is None
    assert problems[0].message.startswith("webhook_urls item 2 ")
    assert "s3cr3t" not in problems[0].message


def test_what_is_no_webhook_is_told_what_one_looks_like():
    _, problems = built(webhook_urls=["https://discord.com/channels/1/2"])

    words = "webhook_urls item 1 must be a webhook's URL, like https://discord.com/api/webhooks/<id>/<token>"
    assert [problem.message for problem in problems] == [words]


def test_without_a_webhook_the_channel_is_unconfigured():
    for values in ({}, {"webhook_urls": []}, {"webhook_urls": " , "}):
        instance, problems = built(**values)

        assert instance is None
        assert [problem.missing for problem in problems] == [True]


class TestUsername:
    """docs.discord.com/developers/resources/webhook#create-webhook says what a webhook may be called."""

    @pytest.mark.parametrize("name", ["x", "x" * 80, "🔴" * 80, "Night watch", "everyone", "Диск"])
    def test_a_name_that_discord_takes(self, name):
        assert built(webhook_urls=[URL], username=name)[0].username == name

    def test_blanks_are_trimmed_before_it_is_measured(self):
        assert built(webhook_urls=[URL], username=f"  a   b{'c' * 77}  ")[0].username == f"a b{'c' * 77}"

    @pytest.mark.parametrize("name", ["", " ", "x" * 81, "Clyde", "my discord", "DISCORD", "bonniecLYDE", "a\nb"])
    def test_a_name_that_discord_refuses(self, name):
        instance, problems = built(webhook_urls=[URL], username=name)

        assert instance is None
        assert [problem.message.partition(" ")[0] for problem in problems] == ["username"]


class TestThreadName:
    @pytest.mark.parametrize("name", ["x", "x" * 100, "🔴" * 100, "{title}", "x" * 100 + "{title}"])
    def test_a_name_that_discord_takes(self, name):
        assert built(webhook_urls=[URL], thread_name=name)[0].thread_name == name

    @pytest.mark.parametrize("name", ["", "x" * 101, "x" * 101 + "{title}"])
    def test_a_name_that_discord_refuses(self, name):
        instance, problems = built(webhook_urls=[URL], thread_name=name)

        assert instance is None
        assert [problem.message.partition(" ")[0] for problem in problems] == ["thread_name"]


def test_the_urls_are_not_shown():
    channel = DiscordChannel(webhook_urls=f"{URL}1,{URL}2")

    assert "s3cr3t" not in f"{channel!r} {channel.recipients!r} {Webhook.parse(URL)!r}"
    assert {recipient.label.partition(" #")[0] for recipient in channel.recipients} == {"https://discord.com/…"}


def test_equal_settings_make_different_channels():
    one, other = (DiscordChannel(webhook_urls=[URL]) for _ in range(2))

    assert one != other
