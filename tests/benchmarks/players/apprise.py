"""Apprise, as its documentation shows it: one object, its services added as URLs, ``notify``."""

import os

import apprise

from benchmarks.marks import fields

from .playing import Playing, serve

# Services whose address cannot be part of the URL, and the attribute that holds it.
_ADDRESSES = {
    "slack": ("webhook_url",),
    "discord": ("notify_url",),
    "telegram": ("notify_url",),
    "twilio": ("notify_sms_url",),
}


class Apprise(Playing):
    """Its target is a list of service URLs; ``authorities`` is the file of those to trust."""

    def setup(self, urls, authorities=None, addresses=None):
        if authorities:
            os.environ["REQUESTS_CA_BUNDLE"] = os.environ["SSL_CERT_FILE"] = authorities
        self.apprise = apprise.Apprise()
        for url in urls:
            service = apprise.Apprise.instantiate(url)
            if service is None:
                raise RuntimeError(f"apprise does not take {url}")
            kind = type(service).__module__.rpartition(".")[2]
            service.request_rate_per_sec = 0
            for name in _ADDRESSES.get(kind, ()):
                setattr(service, name, addresses[kind])
            self.apprise.add(service)

    def send(self, number):
        message = fields(number)
        details = "\n".join(f"{name}: {value}" for name, value in message["data"].items())
        body = f"{message['message']}\n{message['symbol']} {message['strategy_id']}\n{details}"
        if not self.apprise.notify(body=body, title=message["title"]):
            raise RuntimeError("apprise.notify returned a failure")


if __name__ == "__main__":
    serve(Apprise())
