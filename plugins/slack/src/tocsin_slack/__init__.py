"""Sends alerts to Slack, through incoming webhooks or as a bot, with the priority's colour.

## What you need

**An incoming webhook** for each channel is the shortest way. At [api.slack.com/apps](https://api.slack.com/apps) make
an app, switch *Incoming Webhooks* on, add one to the channel and keep its URL. A webhook of Workflow Builder
(`/triggers/…`) is something else and does not fit.

```toml
[channels.slack]
webhook_urls = ["https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"]
```

**A bot** posts to many channels with one token, and can change what it has posted. Give the app the scope `chat:write`
under *OAuth & Permissions* (`chat:write.public` too, to post to public channels without an invitation; `channels:read`
and `groups:read`, so that health can look the channels up; `channels:history` and `groups:history`, so that a message
whose answer was lost is found instead of sent twice), install it in the workspace, and invite it to each channel
with `/invite @app`. The channel's details show its id.

```toml
[channels.slack-bot]
type = "slack"
bot_token = "xoxb-000000000000-000000000000-XXXXXXXXXXXXXXXXXXXXXXXX"
channel_ids = ["C0123456789", "C9876543210"]
```

The same from the environment, with commas between several; one channel can have both:

```sh
SLACK_NOTIFICATIONS_ENABLED=true
SLACK_WEBHOOK_URLS=https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX
SLACK_BOT_TOKEN=xoxb-000000000000-000000000000-XXXXXXXXXXXXXXXXXXXXXXXX
SLACK_CHANNEL_IDS=C0123456789,C9876543210
```

`channel_ids` also takes people (`U…`, as a direct message) and `#name`; ids are better, because they outlive a change
of name. `api_url` (`SLACK_API_URL`) names another address of the Web API.

## What arrives

The title as text, which is also what a phone and a screen reader show, and below it a block with the priority's colour:
emoji and title, the message, priority, type and time (in the reader's own time zone), symbol, strategy, position,
source and labels, the data as a block of code, and the alert's id.

Nothing that an alert contains becomes formatting or notifies anybody, and in the blocks a name of an emoji like `:100:`
stays what it is. Links in the message are marked as such, unless it also holds characters like `*` or a backtick: Slack
cannot escape those, and so the message is sent as plain text. The text above an edited message cannot be switched to
plain, so there such a character stands as the fallback of a date, which Slack shows as it is.

**A bot** keeps alerts with the same `dedup_key` together. An acknowledged, resolved or less urgent alert edits the
earlier message. One that has become more urgent, or fires again after it was resolved, is a reply in its thread that
the channel sees too, because an edit makes no sound. After a reply, an edit changes both it and the first message.
Where the earlier message is gone or cannot be edited, a new one is sent. **A webhook** cannot do any of this: each
alert is a new message.

## Limits

* The header shows 150 characters of the title; a longer title stands below it once more. The message is cut at
  5,600 characters, the data at 2,900, with `…` where they end. The first ten of symbol, strategy, position, source and
  labels stand in columns, and share 2,300 characters; further labels stand with the data. Escaped `&`, `<` and `>`
  count as they are written.
* One message per second in each channel, kept to by default. When Slack asks a bot to wait, all its channels wait as
  long as it says; when it asks a webhook, that webhook.
* Slack reports no delivery: `accepted` means that the message stands in the channel. A bot's receipt has the message's
  `ts`, and the channel's id where a person or a `#name` is configured; a webhook tells neither.
* Slack knows no idempotency key. A bot's message carries a hash as metadata, which every app of the workspace can read;
  with the scope `channels:history` a message that may have arrived is looked for by it among the newest 15, and found
  again instead of sent twice. Otherwise, and through a webhook, the copy is marked `(possible repeat)`.

## When it fails

* `invalid_auth`, `not_authed`, `token_revoked`, `account_inactive` (auth): correct `bot_token`. All channels of the bot
  stop, and one message tries the token again from time to time; webhooks go on.
* `missing_scope` (auth): add the scope that the hint names, and install the app again.
* `channel_not_found`, `not_in_channel` (invalid_recipient): correct the id, or invite the app.
* `is_archived`, `restricted_action` (invalid_recipient): unarchive the channel, or let the app post there.
* `no_service`, `invalid_token` from a webhook: it was removed; make a new one. Only this webhook stops, until the
  channel is enabled again.
* `invalid_blocks`, `msg_blocks_too_long`, `invalid_payload` (payload): the alert is sent once more as plain text.
  Please report it.
* `ratelimited` (rate_limited): nothing to do, the message waits its time.
* `fatal_error`, `internal_error`, and HTTP 500, 502 and 504 without a word of Slack's (server): the message may have
  been posted; a bot looks for it, and a copy is marked.
* `service_unavailable`, `rollup_error`, HTTP 503 (server): nothing was posted, and it is sent again.
* `message_limit_exceeded` (client): the workspace's plan has no messages left.

A health check asks `auth.test` (does the token work, and may it post?) and `conversations.info` for each channel id (is
the bot in it, is it archived?), and sends nothing. Webhooks, people and names cannot be looked up; for webhooks alone
the health is `unknown`.
"""

from tocsin_slack.channel import SlackChannel

__all__ = ["SlackChannel"]
