"""Notifiers; its Slack provider takes any URL and posts JSON to it, so that it stands for a webhook."""

import os

import notifiers

from benchmarks.marks import fields

from .playing import Playing, serve


class Notifiers(Playing):
    """Its target is a list of URLs, or a mail server's ``port``; ``authorities`` is the file of those to trust."""

    def setup(self, urls=(), port=None, authorities=None):
        if authorities:
            os.environ["REQUESTS_CA_BUNDLE"] = os.environ["SSL_CERT_FILE"] = authorities
        self.urls, self.port = urls, port
        self.provider = notifiers.get_notifier("email" if port else "slack")

    def send(self, number):
        message = fields(number)
        if self.port:
            envelope = {"to": "ops@example.com", "from": "alerts@example.com", "subject": message["title"]}
            server = {"host": "127.0.0.1", "port": self.port, "tls": True, "login": False}
            self.provider.notify(message=message["message"], **envelope, **server, raise_on_errors=True)
        for url in self.urls:
            text = f"{message['title']}\n{message['message']}\n{message['data']}"
            self.provider.notify(webhook_url=url, message=text, raise_on_errors=True)


if __name__ == "__main__":
    serve(Notifiers())
