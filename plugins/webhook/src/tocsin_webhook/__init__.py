"""Sends each alert as JSON to web addresses of your own, signed where they share a secret.

## What you need

An address that takes a POST. Each address is a recipient of its own: one that fails is tried again alone.

```toml
[channels.webhook]
urls = ["https://alerts.example.com/hook"]
```

The same from the environment, with commas between the addresses:

```sh
WEBHOOK_NOTIFICATIONS_ENABLED=true
WEBHOOK_URLS=https://alerts.example.com/hook,https://backup.example.com/hook
```

With a `secret` every request is signed. Several secrets sign side by side, so that a key can be changed without a gap:
add the new one, change the receivers, remove the old one.

```toml
[channels.webhook]
urls = ["https://alerts.example.com/hook"]
secret = ["${NEW_SECRET}", "${OLD_SECRET}"]
headers = { Authorization = "Bearer ${TOKEN}" }
```

A secret is `whsec_` and the base64 of 24 to 64 random bytes:

```sh
python3 -c "import base64, secrets; print('whsec_' + base64.b64encode(secrets.token_bytes(32)).decode())"
```

## What arrives

The alert as one flat JSON object, with all of its fields. The headers follow
[Standard Webhooks 1.0](https://www.standardwebhooks.com/):

* `webhook-id` is on every request and the same in every attempt of one alert at one address. A receiver that remembers
  it takes a repeated delivery for what it is.
* `webhook-timestamp` is the time of the attempt in whole seconds.
* `webhook-signature` is there with a secret: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`, one for each
  secret, with spaces between.

A repeat after a lost answer carries the same `webhook-id`, so nothing in the body marks it.

## Limits

The alert is sent whole; the receiver decides what it takes. Any 2xx is a success, and what its body says is not read.
No rate is kept to unless `rate_limit` is set.

## When it fails

* HTTP 401 or 403 (auth): correct the address, `headers` or `secret`. Only that address stops.
* HTTP 404 or 410 (invalid_recipient): the address is gone; it is paused until you correct it.
* HTTP 3xx (client): redirects are never followed; set the final address.
* HTTP 400, 413, 415, 422 (payload): the receiver does not take this alert. It is not tried again.
* HTTP 429 or 5xx (rate_limited, server): tried again, never before the time that `Retry-After` names.
* `no trusted TLS connection` (tls): name the authority's file in `ca_file` where the certificate is your own.

There is no health check: no request is harmless to every receiver. `tocsin test webhook` sends a real one.
"""

from tocsin_webhook.channel import WebhookChannel

__all__ = ["WebhookChannel"]
