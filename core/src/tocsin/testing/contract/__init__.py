"""The contract suite: what every channel is checked for, by subclassing one class."""

import pytest

# Before they are imported, so that a failing check shows the values that it compared.
pytest.register_assert_rewrite(
    *(f"{__name__}.{module}" for module in ("conduct", "delivery", "faults", "promises", "secrecy", "settings"))
)

from tocsin.testing.contract.conduct import ConductChecks  # noqa: E402 -- see above
from tocsin.testing.contract.delivery import DeliveryChecks  # noqa: E402 -- see above
from tocsin.testing.contract.faults import FaultChecks  # noqa: E402 -- see above
from tocsin.testing.contract.promises import PromiseChecks  # noqa: E402 -- see above
from tocsin.testing.contract.secrecy import SecrecyChecks  # noqa: E402 -- see above
from tocsin.testing.contract.settings import SettingsChecks  # noqa: E402 -- see above

__all__ = ["ChannelContract"]


class ChannelContract(SettingsChecks, DeliveryChecks, FaultChecks, PromiseChecks, SecrecyChecks, ConductChecks):
    """What every channel keeps, as tests; subclass it under a name that begins with ``Test``.

    ::

        class TestSlack(ChannelContract):
            channel_class = SlackChannel
            simulator_class = SlackSimulator

    The simulator is started anew for each test. Its ``settings()`` configure two recipients. Checks that cannot apply
    (a probe where ``capabilities.probe`` is off, faults where there is no provider) are left out.

    Attributes:
        channel_class: the class under test.
        simulator_class: stands in for its provider; None for a channel inside this process.
        channel_type: the entry point's name; by default the class's, in lower case and without ``Channel``.
        settings: settings besides those of the simulator; put a value into each secret that it leaves out.
        without_recipients: the channel has no ``recipients`` of its own.
        reads_answers: False where any 2xx is a success, whatever the answer's body says.
        checks_credentials: False where the simulator takes any.
        expected: error kinds by fault, where the provider's own words differ from the usual ones.

    Methods to override: ``supports(fault)``, for a provider that cannot have a fault; ``texts(channel)``, for a channel
    without a simulator that can be looked into; the fixture ``channel_settings``, for settings that need a fixture.
    """
