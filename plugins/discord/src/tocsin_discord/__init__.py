"""Sends alerts to Discord through webhooks, as embeds with the priority's colour.

## What you need

A webhook for each channel: open the channel's settings, *Integrations*, *Webhooks*, *New Webhook*, and copy its URL.
Whoever has the URL can post there, so keep it like a password. No bot is needed.

```toml
[channels.discord]
webhook_urls = ["https://discord.com/api/webhooks/100000000000000001/XXXXXXXXXXXXXXXXXXXXXXXX"]
```

The same from the environment, with commas between several:

```sh
DISCORD_NOTIFICATIONS_ENABLED=true
DISCORD_WEBHOOK_URLS=https://discord.com/api/webhooks/100000000000000001/XXXXXXXXXXXXXXXXXXXXXXXX
```

For a thread, or one post of a forum, put `?thread_id=<its number>` behind the URL. In a forum, `thread_name` makes a
post for each new alert instead; `{title}` in it stands for the headline. It concerns every webhook of the channel whose
URL names no thread, so give forums a channel of their own:

```toml
[channels.discord-forum]
type = "discord"
webhook_urls = ["https://discord.com/api/webhooks/100000000000000002/XXXXXXXXXXXXXXXXXXXXXXXX"]
thread_name = "{title}"
```

`username` is the name above the messages, instead of the webhook's own. `api_url` (`DISCORD_API_URL`) stands in for the
scheme and host of every URL where requests must go through a proxy of your own.

## What arrives

A line of text with emoji and title, which is also what a phone shows, and an embed with the priority's colour: title,
message, symbol, strategy, position, source and labels, the data as blocks of code, and at the foot priority, type, the
alert's id and the time in the reader's own time zone.

Nothing that an alert contains becomes markup, and nobody is pinged, whatever it contains. Links in the message can be
clicked; those in the title cannot, because Discord would add a preview of their page.

An alert whose `dedup_key` was seen before edits the earlier message: it was acknowledged or resolved, or fires on at
the same or a lower priority. An edit makes no sound. So one that has become more urgent, or fires again after it was
resolved, is a new message; in a forum it stands in the earlier one's post. Where the earlier message or post is gone, a
new one is made.

## Limits

* 6,000 characters in an embed, 4,096 of them for the message; characters are code points. The message gets what the
  data leaves, and at least half of the room; the data gets at most 3,000. What is cut ends in `…`. The first ten of
  symbol, strategy, position, source and labels stand in columns, further labels with the data. A backslash that keeps
  text from being markup counts too.
* Discord changes its rate limits and asks not to write them down. Each of its answers tells how much is left: where
  that is nothing, the webhook waits as long as the answer says, before it would be refused. `rate_limit` sets a limit
  of your own.
* A success means that Discord has saved the message and shown it; the receipt has the message's id. Discord's webhooks
  know no idempotency key: a copy of a message that may have arrived is marked `(possible repeat)`.

## When it fails

* `unknown webhook` (invalid_recipient): it was deleted; make a new one. It is not called again, not even for its
  health, because Discord bans addresses that keep calling.
* `invalid webhook token` (auth): copy the URL anew. Only this webhook stops, and it is not called again either.
* `missing permissions`, `the thread is archived` (invalid_recipient): the hint says what to change.
* `a forum needs a thread` (invalid_recipient): set `thread_name`, or put `?thread_id=` behind the URL.
* `threads are made in forums only` (invalid_recipient): `thread_name` is set, and the webhook is not a forum's.
* `invalid form body` (payload): the alert is sent once more as plain text. Please report it.
* `blocked by automatic moderation` (payload): the server filters the text; let it pass the webhook.
* `too many requests` (rate_limited): nothing to do, the message waits its time.
* `too many requests from this address` (rate_limited): Cloudflare holds back everything from this machine; every
  webhook waits, a minute where it does not say how long.
* `blocked by Cloudflare`, `refused before Discord was asked` (client): Discord's protection, or a proxy, refuses this
  program or address. Every webhook waits a minute, or as long as the answer says; then the next alert is tried.
* `Discord's answer shows no message` (timeout), HTTP 500, 502, 504, 520 and 524 (server): it may have been posted; the
  copy that follows is marked as a repeat.
* `overloaded`, HTTP 503 (server): nothing was posted, and it is sent again.

A webhook that is not called again is paused until somebody enables the channel again. A health check asks for each
other webhook by its URL and sends nothing. It cannot see that a thread is archived.
"""

from tocsin_discord.channel import DiscordChannel

__all__ = ["DiscordChannel"]
