"""Posts alerts as JSON to HTTP endpoints of your own, signed when a secret is set.

## What you need

1. An endpoint that takes a POST and answers with a 2xx status as soon as it has stored the alert. Each endpoint is a
   recipient of its own: one that fails is tried again alone.
2. A secret, so that the endpoint can tell your alerts from anybody else's: `whsec_` and the base64 form of 24 to 64
   random bytes. This makes one:

```console
$ python -c "import base64, os; print('whsec_' + base64.b64encode(os.urandom(32)).decode())"
whsec_…
```

```toml
[channels.webhook]
urls = ["https://alerts.example.com/hooks/4f1c", "https://backup.example.net/alerts"]
secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
headers = { Authorization = "Bearer the-endpoint-token" }
```

The same from the environment, with commas between URLs and between headers:

```sh
WEBHOOK_NOTIFICATIONS_ENABLED=true
WEBHOOK_URLS=https://alerts.example.com/hooks/4f1c,https://backup.example.net/alerts
WEBHOOK_SECRET=whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
WEBHOOK_HEADERS="Authorization=Bearer the-endpoint-token"
```

All endpoints of one channel get the same headers and signatures. Where they differ, configure several channels of this
type. A header whose value has a comma can only be written in a file. The channel sets `Content-Type`, `Content-Length`,
`Host` and its own three headers itself; those and the headers of a connection are refused in `headers`.

`ca_file` names a PEM file with the authority of an endpoint inside your own network.

## Endpoints that others name

Where people you do not know well may set URLs, one could lead into your own network: to a database, or to the metadata
service of a cloud, which gives a machine's credentials to whoever asks from it. With `public_only` the channel connects
to public addresses and to no other:

```toml
[channels.webhook]
urls = ["https://alerts.example.com/hooks/4f1c"]
public_only = true
allow_networks = ["10.20.0.0/16"]
```

The name is resolved once, every address of the answer is checked, and one of them is connected to: a name that answers
differently the second time gains nothing. Refused are private, loopback, link-local, multicast, reserved and all other
networks of IANA's special-purpose registries, addresses behind a carrier's NAT, metadata addresses, and IPv6 addresses
that carry one of those inside. `allow_networks` lets networks through; a metadata address only where it is named alone.
A guarded channel uses no proxy, since the proxy would resolve the name itself.

It is off by default: most receivers of alerts are inside.

## What arrives

A POST with the alert as one flat JSON object in UTF-8, all fields, nothing shortened:

```json
{
  "title": "Position Risk Exceeded",
  "message": "6.5 % is above the limit of 5.0 %",
  "alert_type": "RISK",
  "priority": "HIGH",
  "channels": [],
  "symbol": "BTCUSDT",
  "strategy_id": "momentum_001",
  "position_id": null,
  "labels": {},
  "data": {"risk_pct": 6.5, "limit_pct": 5.0},
  "source": null,
  "dedup_key": null,
  "status": "firing",
  "alert_id": "0f6f1e0f2bb94b8f8f2f1c6f9a3b7d21",
  "created_at": "2026-11-23T09:30:00+00:00"
}
```

The headers are those of [Standard Webhooks](https://www.standardwebhooks.com) 1.0:

* `webhook-id`, on every request: the same in all attempts to bring one alert to one endpoint. Keep the ids of the last
  days and answer 2xx to one you know already; then nothing happens twice.
* `webhook-timestamp`, with a secret: seconds since 1970, of this attempt. Refuse what is older than five minutes.
* `webhook-signature`, with a secret: `v1,` and the base64 form of the HMAC-SHA256 over id, timestamp and body, with a
  full stop between them. While you change the key set both, `secret = ["whsec_new", "whsec_old"]`: two signatures then
  stand there with a space between, and each receiver finds the one it knows.

With `format = "cloudevents"` the body is a [CloudEvent](https://cloudevents.io) 1.0 in structured mode, as Knative,
Azure Event Grid and others take it: `Content-Type: application/cloudevents+json`, the alert above in `data`, its
`alert_id` as `id`, `tocsin.alert.firing` (`acknowledged`, `resolved`) as `type`, and its `source`, percent-encoded, as
`source`. Signature and `webhook-id` are the same.

The libraries of Standard Webhooks check all that, in many languages. In Python without one:

```python
import base64, hmac, time


def is_genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    if abs(time.time() - int(headers["webhook-timestamp"])) > 300:
        return False
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return any(hmac.compare_digest(expected, given) for given in headers["webhook-signature"].split(" "))
```

Check the body as it arrived, before anything parses it.

## Limits

* Standard Webhooks advises bodies below 20 kB, and CloudEvents has intermediaries pass 64 KiB on. This channel cuts
  nothing: `data` may have 1 MiB.
* No rate limit of its own; set `rate_limit` where an endpoint needs one.
* The endpoint has 15 s for its answer, or what `timeout` says. Only its status counts; the body is not needed.
* Each endpoint has its own circuit: one that is down does not stop the others.

## When it fails

* 3xx (client): redirects are never followed, because they would carry the alert to where nobody configured it. Set the
  final URL.
* 401, 403 (auth): the endpoint refused signature, header or URL. The alert is not sent again, and the circuit of that
  endpoint opens: after 5 s, doubling to 75 s, the next alert is tried. It heals by itself, since secret and clock may
  be mended at the endpoint.
* 404 (invalid_recipient): nothing is at this URL. The alert is not sent again; a later one is tried, because proxies
  answer so while the endpoint behind them restarts. Standard Webhooks counts it among the ordinary failures.
* 410 (invalid_recipient): the endpoint wants no more alerts. It is never called again until the channel is enabled
  anew; remove its URL.
* 400, 413, 415, 422 (payload) and other 4xx (client): the endpoint does not take this alert. It is not sent again.
* 408, 425, 429 and 5xx other than 501 and 505 (rate_limited, server): sent again, not before the time in `Retry-After`.
  The wait holds back that endpoint alone.
* No answer in time, or a connection that broke after the request had left (timeout, connection; unknown): the endpoint
  may have the alert. It is sent again under the same `webhook-id`.
* `no trusted TLS connection` (tls): not sent. Correct the certificate, or name its authority in `ca_file`.
* `the host leads to a private address` (config), with `public_only`: not sent. The next alert asks anew, since it may
  be the name's answer that was wrong.

## Health

A health check sends nothing and cannot tell: there is no request that every endpoint would answer without taking it
for an alert. With `ping = true` it posts a signed event to each endpoint,
`{"type": "ping", "timestamp": "…", "data": {}}`, which the endpoint answers with 2xx and otherwise ignores (as a
CloudEvent its type is `tocsin.ping`). `tocsin test webhook` sends a test alert.
"""

from tocsin_webhook.channel import WebhookChannel

__all__ = ["WebhookChannel"]
