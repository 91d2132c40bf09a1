"""What a mail server says, as bytes of somebody's making: a reply, and the failure that it stands for."""

import io
import smtplib

from tocsin import DeliveryError
from tocsin_email.errors import Stage, failure_for
from tocsin_email.reply import BadReply, read_reply

SEEDS = (b"250 2.0.0 Ok: queued as A1\r\n", b"250-SIZE 1000\r\n250 AUTH PLAIN\r\n", b"550-5.1.1 No\r\n550 5.1.1 No\r\n")


def answers(data: bytes) -> None:
    """A reply has a code, or is none; each refusal at each stage is a failure with words."""
    try:
        code, text = read_reply(io.BytesIO(data).readline)
    except (BadReply, smtplib.SMTPServerDisconnected):
        return
    for stage in Stage if code >= 400 else ():
        assert isinstance(failure_for(stage, code, text), DeliveryError)
