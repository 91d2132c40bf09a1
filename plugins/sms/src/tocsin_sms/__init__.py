"""Sends alerts as text messages through Twilio.

## What you need

1. An account at [Twilio](https://console.twilio.com). Its console shows the account's SID (`AC…`) and the auth token.
2. A sender: a number of the account, a short code, a sender name where the country allows one, or a messaging service
   (`MG…`) that picks the sender itself.
3. The recipients' numbers in E.164 form: a plus, the country code and the number, without spaces.

```toml
[channels.sms]
account_sid = "AC00000000000000000000000000000000"
auth_token = "the-auth-token"
from_number = "+14155550100"
to = ["+14155550123", "+442071838750"]
max_segments = 2
```

The same from the environment, with commas between the numbers:

```sh
SMS_NOTIFICATIONS_ENABLED=true
TWILIO_ACCOUNT_SID=AC00000000000000000000000000000000
TWILIO_AUTH_TOKEN=the-auth-token
TWILIO_FROM_NUMBER=+14155550100
SMS_TO=+14155550123,+442071838750
SMS_MAX_SEGMENTS=2
```

`messaging_service_sid` takes the place of `from_number`, or stands beside it where the number belongs to the service.
`validity_period` is the time in seconds after which Twilio gives up a message that it could not send: a text about
something long past helps nobody. `api_url` (`TWILIO_API_URL`) moves every request to another address, for instance to
one of Twilio's regions.

## What arrives

One text for each number, the most important first: `HIGH: Position Risk Exceeded`, then the message, then symbol,
strategy, position, source, labels and data, as far as they fit. A resolved alert says so before its title.

## Segments and their price

Each segment is paid for. A text of GSM-7 characters (the Latin letters, some accents, digits and most punctuation) has
160 of them in one segment and 153 in each of several. One character outside that alphabet, an emoji for instance, turns
the whole text into UCS-2, where the numbers are 70 and 67. So this channel

* adds no emoji of its own,
* replaces typographic quotes, dashes, spaces and dots by plain ones where that keeps a text in GSM-7,
* cuts at `max_segments` (1 unless you set more, at most 10) and shows that it cut, with `...` or `…`,
* writes the number of segments and the encoding onto the receipt.

What the alert itself says stays: a title in Greek or with an emoji arrives as it is, and has less room. A trial account
puts a sentence of its own before each text, which takes part of a segment.

## Limits

* 1,600 characters a message; ten segments stay below that.
* One message per second and channel, kept to by default: what Twilio sends from a long code in North America. Other
  senders are faster; set `rate_limit` higher for those, or to 0, because Twilio also queues by itself, for ten hours.
* Success means that Twilio took the message (`accepted`), not that it arrived.
* Twilio knows no idempotency key: a copy of a text that may have been sent is marked `(possible repeat)`.

## When it fails

* 20003, 20404 (auth): correct `account_sid` and `auth_token`. The whole channel stops.
* 20005, 30002 (auth): the account is not active; look at its balance and state.
* 21211, 21214, 21612, 21614 (invalid_recipient): correct or remove the number. It is paused.
* 21610 (invalid_recipient): the recipient texted STOP, and only START undoes it. The number is paused.
* 21408 (invalid_recipient): switch the region on under *Geo permissions* in the console.
* 21608 (invalid_recipient): a trial account reaches verified numbers only.
* 21212, 21603, 21606, 21660, 21701 (config): correct `from_number` or `messaging_service_sid`.
* 21602, 21617 (payload): sent once more with priority and title only. Please report it.
* 20429, 21611 (rate_limited): nothing to do, the message waits its time.
* 500, 502, 504 or no answer (unknown): Twilio may have sent it. It is tried again with the mark, unless `on_unknown` is
  `fail`.

A health check asks for the account's state, and sends nothing. It cannot see whether a number can be reached.
"""

from tocsin_sms.callback import CallbackError, InvalidSignature, parse_callback
from tocsin_sms.channel import SmsChannel

__all__ = ["CallbackError", "InvalidSignature", "SmsChannel", "parse_callback"]
