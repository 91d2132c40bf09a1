"""The channel keeps the contract that every channel keeps."""

from tocsin.testing import ChannelContract, FaultKind
from tocsin_webhook import WebhookChannel
from tocsin_webhook.simulator import WebhookSimulator


class TestWebhook(ChannelContract):
    channel_class = WebhookChannel
    simulator_class = WebhookSimulator
    reads_answers = False

    def supports(self, fault):
        """A webhook says nothing but its status, so none can lie."""
        return fault is not FaultKind.LIE
