"""The channel keeps the contract that every channel keeps."""

from tocsin.testing import ChannelContract
from tocsin_sms import SmsChannel
from tocsin_sms.simulator import SmsSimulator


class TestSms(ChannelContract):
    channel_class = SmsChannel
    simulator_class = SmsSimulator
