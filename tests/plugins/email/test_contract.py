"""The contract that every channel keeps."""

from tocsin.testing import ChannelContract
from tocsin_email import EmailChannel
from tocsin_email.simulator import EmailSimulator


class TestEmail(ChannelContract):
    channel_class = EmailChannel
    simulator_class = EmailSimulator
