"""Alerts by email over SMTP: one message for each recipient, as HTML and as plain text.

## What it needs

An account at a mail server that takes submissions (port 587 or 465), or a relay on your own network.

```toml
[channels.email]
host = "smtp.example.com"
username = "alerts@example.com"
password = "${SMTP_PASSWORD}"
from_email = "Tocsin <alerts@example.com>"
to = ["ops@example.com", "Desk <desk@example.com>"]
```

The same from the environment, where `SMTP_PASSWORD_FILE` may name a file instead:

```sh
EMAIL_NOTIFICATIONS_ENABLED=true
SMTP_HOST=smtp.example.com
SMTP_USERNAME=alerts@example.com
SMTP_PASSWORD=an-app-password
SMTP_FROM_EMAIL="Tocsin <alerts@example.com>"
EMAIL_TO=ops@example.com,desk@example.com
```

`tls` says how the connection is protected; it is never guessed and never falls back:

| `tls` | port | what happens |
|---|---|---|
| `starttls` (default) | 587 | begins in clear text and must change to TLS; a server without it gets nothing |
| `implicit` | 465 | TLS from the first byte; set `port = 465` with it |
| `none` | 25 | clear text; with a login only to `localhost` and other loopback addresses |

Certificate and host name are always checked. `ca_file` names a PEM file to trust *instead of* the system's
authorities. A server that wants to see a certificate of this side gets the one in `client_cert_file` (and
`client_key_file`, `client_key_password`); a relay may then need no login.

`auth` is `auto` (PLAIN, else LOGIN), `plain`, `login` or `xoauth2`. With `xoauth2` the `password` is an access token.
The channel does not renew it: it is read once, and suits processes that live no longer than the token. No name and no
password is said before TLS is in force, and a refused login is not tried again in another way.

Gmail wants an app password. Exchange Online takes no password for SMTP from the end of December 2026 on: use
`xoauth2` there. `ehlo_name` introduces this host under another name than its own, for relays that insist on one they
know.

## What arrives

The subject is `subject_prefix`, the priority's emoji, "Resolved:" or "Acknowledged:" where the alert is not firing,
and the title. The body shows the message, the facts (symbol, strategy, position, source, labels), the data, and
priority, type, time and id. The HTML half has the priority's colour and loads nothing from elsewhere. CRITICAL and
HIGH are marked urgent (`X-Priority`, `Importance`). `Auto-Submitted` keeps out-of-office answers away. For filters
there are `X-Tocsin-Priority`, `X-Tocsin-Type` and `X-Tocsin-Status`.

Alerts with the same `dedup_key` make a thread (`References`, `In-Reply-To`). Gmail also wants the same subject for
that, so there a resolved alert may stand beside the thread. A sent mail cannot be changed.

SMTP knows no idempotency key. Each attempt for one alert and recipient has the same `Message-ID`, and most mail
programs and servers show such a copy only once. A copy that may be a second one also says "(possible repeat)".

A success means that the server has queued the mail, not that it was read; a bounce comes later, as a mail to
`from_email`. A server with DSN is asked for a bounce that also tells of delays, holds the header only and names the
mail by the first half of its `Message-ID` (`Original-Envelope-Id`). The report's `provider_id` is the server's queue id
where it tells one, `message_id` stands in the receipt's details: with either the mail is found in the server's log.

## Limits

| what | limit | beyond it |
|---|---|---|
| subject | 255 characters (Exchange) | cut; the title stands whole in the body |
| message | 262,144 characters as text, 60 kB as HTML | the HTML half is cut, because Gmail clips it at 102 kB |
| facts and data | 65,536 characters as text, 30 kB as HTML | "… 12 more" |
| the mail | what the server announces with SIZE | sent once more as short plain text |
| address | 64 octets before the `@`, 254 in all; no quoted local part | refused by the configuration |

Addresses beyond ASCII need a server with SMTPUTF8; their domains are written as `xn--…`. There is no rate limit of
our own: set `rate_limit` where the provider has one (Gmail: 500 recipients a day, Exchange Online: 30 messages a
minute).

Connections are kept for 30 s after a mail and used again. One that the server has ended meanwhile is replaced before
anything was sent on it. After RSET it takes the next mail where one was refused, and no more mails than the server
allows (LIMITS). A forked child opens connections of its own.

A server that looks into mails before it answers may take longer than the `timeout` of 15 s. What became of the mail is
then unknown, and it is sent again; raise `timeout` for such a server (RFC 5321 speaks of 10 minutes).

## Errors and what to do

| error | code | what to do |
|---|---|---|
| `tls` | | the certificate is not trusted or for another host (`ca_file`, `host`), or STARTTLS is not offered (`tls`) |
| `tls` | | the server wants to see a certificate (`client_cert_file`) |
| `auth` | 523 to 538, 550 5.7.30 | check username and password; an app password may be needed. The channel pauses |
| `config` | 550, 553 to the sender, 5.1.8 | `from_email` is not this account's, or the provider blocks it |
| `config` | 5.7.20 to 5.7.27, 5.7.515 | the domain of `from_email` lacks SPF, DKIM or DMARC |
| `invalid_recipient` | 550, 551, 553 to the recipient | the address does not exist; it is paused, the others go on |
| `client` | 554, 550 5.7.1 to the recipient | the server does not relay: log in, or check `from_email` |
| `client` | 552 5.2.2, 5.7.124, 5.7.133 to 5.7.136 | the mailbox is full, or takes mails from certain senders only |
| `payload` | 552, 554 to the message | too large or taken for spam; tried once more as short plain text |
| `rate_limited` | 450 4.7.1, 421 4.7.0, 432, 454 | greylisting or too many mails; tried again, SMTP does not say when |
| `rate_limited` | 550 5.4.5, 5.1.90, 5.7.705 | the account's quota for the day is used up; not tried again |
| `server` | 421, 4yz | the server has a fault or no room; tried again later |
| `timeout`, `connection` | | tried again; unknown once the message had been sent, since it may have been taken |

A server that says nothing at all often expects TLS at once: set `tls = "implicit"` and `port = 465`.
"""

from tocsin_email.channel import EmailChannel

__all__ = ["EmailChannel"]
