"""Sends alerts to Telegram chats as a bot: private chats, groups, topics of forum groups, and channels.

## What you need

1. Write to [@BotFather](https://t.me/BotFather), send `/newbot`, and keep the token it shows.
2. Let the bot into each chat. A user must press *Start* in the bot's chat, because a bot cannot write first. A group
   must add the bot; a channel must make it an administrator that may post.
3. Find each chat's id: write something there and open `https://api.telegram.org/bot<token>/getUpdates`; the id stands
   under `chat`. Groups have negative ids, those of supergroups and channels begin with `-100`. A public group or
   channel can be named as `@name`. For a topic of a forum put its number behind a colon: `-1001234567890:42`.

```toml
[channels.telegram]
bot_token = "123456789:AAExampleExampleExampleExampleExample"
chat_ids = ["-1001234567890", "-1001234567890:42", "@ops_alerts"]
```

The same from the environment, with commas between the chats:

```sh
TELEGRAM_NOTIFICATIONS_ENABLED=true
TELEGRAM_BOT_TOKEN=123456789:AAExampleExampleExampleExampleExample
TELEGRAM_CHAT_IDS=-1001234567890,-1001234567890:42,@ops_alerts
```

Nothing is named behind the colon for the *General* topic: that is the group itself.

`silent` (`TELEGRAM_SILENT`) lists the priorities that arrive without a sound, LOW and INFO by default; `none` for no
priority. `protect_content = true` (`TELEGRAM_PROTECT_CONTENT`) keeps the messages from being forwarded and saved.
`api_url` (`TELEGRAM_API_URL`) names a
[local Bot API server](https://core.telegram.org/bots/api#using-a-local-bot-api-server), where there is one.

## What arrives

One message in each chat: the priority's emoji and the title in bold, the message, symbol, strategy, position, source
and labels, the data in a fixed-width block, and at the end priority, type, time and the alert's id.

An alert whose `dedup_key` was seen before edits the earlier message, so that an acknowledged or resolved alert replaces
the firing one. An edit makes no sound, so an alert that is more urgent than before, or fires again, is a new message
that answers the earlier one. Where the earlier message is gone, a new one is sent.

Nothing that an alert contains becomes markup. A `@name` in it notifies nobody, because an invisible character stands
behind the `@`; in the fixed-width block, where Telegram makes no mentions, the data stays exact. Links have no preview.
The characters that Telegram drops from any text (U+2028 to U+202E, U+030A, U+0333, U+033F) are dropped before.

## Limits

* 4,096 characters a message, counted as Telegram counts them. Message and data are cut, with `…` where they end; the
  title and the last lines stay whole.
* About one message per second in each chat, kept to by default. Telegram also states 20 a minute for a group and about
  30 a second for a bot over all chats; when it asks to wait, that chat waits as long as it says. Where groups get many
  alerts, `rate_limit = 0.33` keeps to the 20 a minute beforehand.
* Telegram reports no delivery: `accepted` means that the message stands in the chat, and the receipt has its id. It
  knows no idempotency key either: a copy of a message that may have arrived is marked `(possible repeat)`.

## When it fails

* `Telegram refused the token` (auth): correct `bot_token`, or `api_url` where it is set. The whole channel stops.
* `chat not found`, `bot can't initiate conversation` (invalid_recipient): let the user press *Start*, add the bot to
  the group, or correct the id.
* `bot was blocked by the user`, `bot was kicked`, `user is deactivated` (invalid_recipient): only the other side can
  undo that. The chat is paused until then.
* `not enough rights`, `need administrator rights` (invalid_recipient): give the bot the right to post.
* `message thread not found` (invalid_recipient): correct the topic's number.
* `allow_payment_required` (invalid_recipient): the chat takes paid messages only; its owner can let the bot write for
  nothing.
* `group chat was upgraded` (invalid_recipient): put the supergroup's id into `chat_ids`. Where Telegram names the new
  id, which is the rule, the message goes there at once, and so do all others until the program ends; health says which
  chat it is. Messages from before the upgrade are not edited any more, because their numbers are others' there.
* `logged out` (auth): the bot was moved to another Bot API server; name that one in `api_url`.
* `can't parse entities`, `message is too long` (payload): the alert is sent once more as plain text. Please report it.
* `too many requests` (rate_limited): nothing to do, the message waits its time.

A health check asks `getMe` (does the token work?) and `getChat` for each chat (does the bot see it, and has it topics
where one is named?), and sends nothing. It cannot see that a topic is closed, that a user has blocked the bot, or that
the bot may read a public chat but not post there; only a message shows that.
"""

from tocsin_telegram.channel import TelegramChannel

__all__ = ["TelegramChannel"]
