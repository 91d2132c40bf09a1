"""smtplib with a connection per mail: what one writes without a framework, its TLS context made once."""

import smtplib
import ssl
from email.message import EmailMessage

from benchmarks.marks import fields

from .playing import Playing, serve


class Mails(Playing):
    """Its target is a mail server's ``port``."""

    def setup(self, port, authorities):
        self.port, self.context = port, ssl.create_default_context(cafile=authorities)

    def send(self, number):
        content, mail = fields(number), EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = content["title"], "alerts@example.com", "ops@example.com"
        mail.set_content(f"{content['message']}\n\n{content['data']}")
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="localhost", timeout=15) as server:
            server.starttls(context=self.context)
            server.send_message(mail)


if __name__ == "__main__":
    serve(Mails())
