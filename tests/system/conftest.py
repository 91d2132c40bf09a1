"""Every installed channel, delivering to its provider's simulator."""

import contextlib

import pytest

from tocsin import Alert, NotificationConfig, NotificationService
from tocsin.discovery import SIMULATORS, installed, load

CHANNELS = ("discord", "email", "slack", "sms", "telegram", "webhook")
FAST = {"retry_delay": 0.01, "timeout": 5.0}


def pytest_generate_tests(metafunc):
    """A test that takes ``name`` runs for each channel."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", CHANNELS)


@pytest.fixture
def simulators():
    """The six simulators, started, by channel type."""
    with contextlib.ExitStack() as stack:
        plugins = installed(SIMULATORS)
        yield {name: stack.enter_context(load(plugins[name])()) for name in CHANNELS}


@pytest.fixture
def make_service(simulators):
    with contextlib.ExitStack() as stack:

        def make(channels=CHANNELS, settings=None, **delivery):
            tables = {name: simulators[name].settings() | (settings or {}).get(name, {}) for name in channels}
            config = NotificationConfig.from_mapping({"channels": tables, "delivery": FAST | delivery})
            service = NotificationService(config, strict=True)
            stack.callback(service.close, 5.0)
            return service

        yield make


@pytest.fixture
def risk():
    return Alert(
        alert_type="RISK",
        priority="HIGH",
        title="Position Risk Exceeded",
        message="Position risk 6.5% exceeds limit 5.0%",
        symbol="BTCUSDT",
        strategy_id="momentum_001",
        data={"position_size": 2.5, "risk_pct": 6.5, "limit_pct": 5.0},
    )
