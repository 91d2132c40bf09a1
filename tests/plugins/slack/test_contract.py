"""What every channel keeps to, for both ways into Slack at once and for each alone."""

from typing import ClassVar

from tocsin.testing import ChannelContract
from tocsin_slack import SlackChannel
from tocsin_slack.simulator import SlackSimulator


class _TwoHooks(SlackSimulator):
    def start(self):
        super().start()
        self.hooks.add("/services/T00000001/B00000002/another")

    def settings(self):
        return {"webhook_urls": self.addresses()}

    def addresses(self):
        return [f"{self.url}{path}" for path in sorted(self.hooks)]


class _TwoChannels(SlackSimulator):
    def __init__(self):
        super().__init__()
        self.channels["C0000000002"] = {"is_archived": False, "is_member": True}

    def settings(self):
        values = super().settings()
        del values["webhook_urls"]
        return values | {"channel_ids": self.addresses()}

    def addresses(self):
        return list(self.channels)


class TestSlack(ChannelContract):
    channel_class = SlackChannel
    simulator_class = SlackSimulator


class TestSlackWebhooks(ChannelContract):
    """Without a bot there is nothing that could be asked without sending."""

    channel_class = SlackChannel
    simulator_class = _TwoHooks
    CONDITIONS: ClassVar = {
        **ChannelContract.CONDITIONS,
        "probe": lambda cls: False,
        "no probe": lambda cls: True,
    }


class TestSlackBot(ChannelContract):
    channel_class = SlackChannel
    simulator_class = _TwoChannels
