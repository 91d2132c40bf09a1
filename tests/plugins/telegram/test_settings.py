"""Settings are checked when they are read, and no message repeats a value."""

import pytest

from tocsin import AlertPriority
from tocsin.settings import Sourced, build, settings_of
from tocsin_telegram import TelegramChannel
from tocsin_telegram.chat import Chat, Moves, to_chats

TOKEN = "123456789:AAsecretsecretsecretsecretsecretsecret"


@pytest.mark.parametrize(
    ("address", "chat"),
    [
        ("42", Chat(42)),
        ("-1001234567890", Chat(-1001234567890)),
        ("-1001234567890:7", Chat(-1001234567890, 7)),
        ("@ops_alerts", Chat("@ops_alerts")),
        ("@ops_alerts:7", Chat("@ops_alerts", 7)),
        (str(2**52 - 1), Chat(2**52 - 1)),
        (str(1 - 2**52), Chat(1 - 2**52)),
        ("@abcd", Chat("@abcd")),
        ("@" + "a" * 32, Chat("@" + "a" * 32)),
    ],
)
def test_a_chat_is_an_id_or_a_name_and_perhaps_a_topic(address, chat):
    assert Chat.parse(address) == chat


@pytest.mark.parametrize(
    "address",
    [
        "0",
        "ops_alerts",
        "@abc",
        "@1abc",
        "@a-bcd",
        "-100 123",
        "12:0",
        "12:x",
        "12:",
        "1:2:3",
        "+12",
        "1.5",
        str(2**52),
        str(-(2**52)),
        "@" + "a" * 33,
        "٣",
    ],
)
def test_anything_else_is_refused_without_being_repeated(address):
    with pytest.raises(ValueError, match=r"^item 2 ") as caught:
        to_chats(["1", address])

    assert address == "0" or address not in str(caught.value).removeprefix("item 2 ").replace("-1001234567890", "")


def test_the_capabilities_are_the_providers():
    known = TelegramChannel.capabilities

    assert (known.rate_limit, known.rate_scope, known.circuit_scope) == (1.0, "recipient", "channel")
    assert (known.max_length, known.unit, known.formats) == (4096, "characters", ("html", "text"))
    assert (known.update, known.thread, known.plain) == (True, True, True)
    assert (known.receipts, known.idempotent) == (False, False)


def test_settings_have_the_documented_names():
    settings = {item.name: item for item in settings_of(TelegramChannel, "telegram")}

    assert {name: item.env for name, item in settings.items()} == {
        "bot_token": "TELEGRAM_BOT_TOKEN",
        "chat_ids": "TELEGRAM_CHAT_IDS",
        "silent": "TELEGRAM_SILENT",
        "protect_content": "TELEGRAM_PROTECT_CONTENT",
        "api_url": "TELEGRAM_API_URL",
    }
    assert settings["bot_token"].secret
    assert settings["silent"].schema()["default"] == ["LOW", "INFO"]
    assert settings["api_url"].default == "https://api.telegram.org"


def test_chats_from_the_environment_are_separated_by_commas_and_integers_in_a_file_will_do():
    assert TelegramChannel(bot_token=TOKEN, chat_ids="1, -2:3,@name").chat_ids == ("1", "-2:3", "@name")
    assert TelegramChannel(bot_token=TOKEN, chat_ids=[1, -2]).chat_ids == ("1", "-2")


@pytest.mark.parametrize(
    ("value", "priorities"),
    [
        ("info, Medium", ("MEDIUM", "INFO")),
        (["LOW", "low"], ("LOW",)),
        ([AlertPriority.HIGH], ("HIGH",)),
        ("none", ()),
        ([], ()),
    ],
)
def test_priorities_are_named_in_any_case_and_order(value, priorities):
    assert TelegramChannel(bot_token=TOKEN, chat_ids="1", silent=value).silent == priorities


@pytest.mark.parametrize("value", ["quiet", "low,quiet", "none,low", 7])
def test_other_priorities_are_refused(value):
    with pytest.raises(ValueError, match=r"^must be ") as caught:
        TelegramChannel(bot_token=TOKEN, chat_ids="1", silent=value)

    assert "quiet" not in str(caught.value)


def test_the_general_topic_has_no_number_of_its_own():
    assert [Chat.parse(address).thread for address in ("-100:1", "-100:2", "-100")] == [None, 2, None]


def test_without_a_chat_the_channel_is_unconfigured():
    values = {"bot_token": Sourced(TOKEN, "x"), "chat_ids": Sourced("", "x")}
    instance, problems = build(TelegramChannel, settings_of(TelegramChannel, "telegram"), values)

    assert instance is None
    assert [problem.missing for problem in problems] == [True]


def test_the_token_and_the_chats_are_not_shown():
    channel = TelegramChannel(bot_token=TOKEN, chat_ids=["-1001234567890"])

    assert "secret" not in repr(channel)
    assert "1234567890" not in repr(channel)
    assert [recipient.label for recipient in channel.recipients] == ["-1…90"]


def test_equal_settings_make_different_channels():
    one, other = (TelegramChannel(bot_token=TOKEN, chat_ids=["1"]) for _ in range(2))

    assert one != other


def test_a_move_is_remembered_for_its_chat_alone():
    moves = Moves()
    moves.remember(Chat(-5), -1005)

    assert moves.current(Chat(-5)) == -1005
    assert moves.current(Chat(-5, topic=3)) == -1005
    assert moves.current(Chat(-6)) == -6
