"""The channel keeps the contract that every channel keeps."""

from tocsin.testing import ChannelContract
from tocsin_telegram import TelegramChannel
from tocsin_telegram.simulator import TelegramSimulator


class TestTelegram(ChannelContract):
    channel_class = TelegramChannel
    simulator_class = TelegramSimulator
