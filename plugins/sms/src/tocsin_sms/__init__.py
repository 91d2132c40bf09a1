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
something long past helps nobody. Without it that is what is left of the alert's own time, at least an hour and at most
the ten hours that Twilio allows. `api_url` (`TWILIO_API_URL`) moves every request to another address, for instance to
one of Twilio's regions.

An API key takes the place of the auth token: `api_key_sid` (`TWILIO_API_KEY_SID`, `SK…`) and `api_key_secret`
(`TWILIO_API_KEY_SECRET`). A restricted key needs the permission to create messages, and that to list them for the
health check and for looking a lost message up.

## What arrives

One text for each number, the most important first: `HIGH: Position Risk Exceeded`, then the message, then symbol,
strategy, position, source, labels and data, as far as they fit. A resolved alert says so before its title.

## Segments and their price

Each segment is paid for. A text of GSM-7 characters (the Latin letters, some accents, digits and most punctuation) has
160 of them in one segment and 153 in each of several. One character outside that alphabet, an emoji for instance, turns
the whole text into UCS-2, where the numbers are 70 and 67. So this channel

* adds no emoji of its own, and drops those of the alert where a text in GSM-7 remains (`emoji = true` keeps them),
* replaces typographic quotes, dashes, spaces and dots by plain ones where that keeps a text in GSM-7,
* cuts at `max_segments` (1 unless you set more, at most 10) and shows that it cut, with `...` or `…`,
* writes the number of segments and the encoding onto the receipt.

Twilio's own replacement of look-alikes is left as the messaging service has it; `smart_encoded` switches it on or off.

What the alert itself says stays: a title in Greek arrives as it is, with its emoji, and has less room. So does an alert
that says nothing but emoji. Arrows and signs like `™` are no emoji. A trial account puts a sentence of its own before
each text, which takes part of a segment.

## Whether it arrived

Success means that Twilio took the message (`accepted`), not that it arrived. With `status_callback`, a public URL of
your application, Twilio reports what becomes of each message. There `parse_callback` checks the signature and reads the
report, and `record_receipt` keeps it:

```python
from tocsin_sms import CallbackError, InvalidSignature, parse_callback


def twilio_status(request):
    try:
        update = parse_callback(URL, request.body, request.headers.get("X-Twilio-Signature"), auth_token=TOKEN)
    except InvalidSignature:
        return 403
    except CallbackError:
        return 400
    service.record_receipt("sms", update)
    return 204
```

* `URL` is the one in `status_callback`, with what was added to its query. Behind a proxy a server sees another one.
* `TOKEN` is the account's primary auth token, also where messages are sent with an API key.
* Reports come out of order and repeated. The furthest one counts, so that a repeated or replayed one does no harm.
* `delivered` and `read` make the recipient `delivered`; `failed`, `undelivered` and `canceled` make it `failed`, with
  the reason in the words of the list below. Some carriers never report delivery, and the text stays `accepted`.
* A number that does not exist (30005), is a landline (30006) or blocks you (30004) is paused.

## A lost answer

Twilio knows no idempotency key. Where an answer was lost, the message may have been sent, and the next attempt looks at
Twilio's newest messages to that number first. One with the alert's text that is not older than the alert, was not given
up and belongs to no other delivery of this process is taken for the message: its SID is on the receipt, and nothing is
sent. Where none is found, or nobody may look, the copy goes out marked `(possible repeat)`. `look_up = false` sends the
copy at once.

## Limits

* 1,600 characters a message; ten segments stay below that.
* One message per second and channel, kept to by default: what Twilio sends from a long code in North America. Other
  senders are faster; set `rate_limit` higher for those, or to 0, because Twilio also queues by itself, for ten hours.
* A look-up sees the 20 newest messages to a number. Where two processes send the same words within a minute of each
  other, one may take the message of the other for its own.

## When it fails

* 20003, 20404 (auth): correct `account_sid` and `auth_token`, or the API key. The whole channel stops.
* 20005, 30002, 30037 (auth): the account is not active; look at its balance and state.
* 21211, 21214, 21265, 21612, 21614, 21635 (invalid_recipient): correct or remove the number. It is paused.
* 21610 (invalid_recipient): the recipient texted STOP, and only START undoes it. The number is paused; enable the
  channel again after that.
* 21408 (invalid_recipient): switch the region on under *Geo permissions* in the console.
* 21608, 572005 (invalid_recipient): a trial account reaches verified numbers only.
* 21212, 21603, 21606, 21607, 21659, 21660, 21701 (config): correct `from_number` or `messaging_service_sid`.
* 21609 (config): correct `status_callback`.
* 21602, 21617 (payload): sent once more with priority and title only. Please report it.
* 20429, 21611, 63038 (rate_limited): nothing to do, the message waits its time.
* 20500, 20503, 500, 502, 503, 504 or no answer (unknown): Twilio may have sent it. It is looked up and tried again,
  unless `on_unknown` is `fail`.

Reported later, by a status callback:

* 30003, 30008, 30410 (server): the phone was off, or the carrier gave no reason; send again later.
* 30004, 30005, 30006 (invalid_recipient): blocked, unknown or a landline. The number is paused.
* 30007 (payload): a carrier filtered it; word it differently, or register the sender.
* 30022, 30023 (rate_limited): the carriers' limit for the sender is used up.
* 30032, 30034 (config): register the toll-free or A2P 10DLC sender.
* 30036 (expired): it waited longer than `validity_period`.

A health check asks for the account's state, or with an API key for one message, and sends nothing. It cannot see
whether a number can be reached.
"""

from tocsin_sms.callback import CallbackError, InvalidSignature, parse_callback
from tocsin_sms.channel import SmsChannel

__all__ = ["CallbackError", "InvalidSignature", "SmsChannel", "parse_callback"]
