"""What every channel keeps to."""

from tocsin.testing import ChannelContract
from tocsin_discord import DiscordChannel
from tocsin_discord.simulator import DiscordSimulator


class TestDiscord(ChannelContract):
    channel_class = DiscordChannel
    simulator_class = DiscordSimulator
