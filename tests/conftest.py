"""What holds for every test."""

import contextlib
import logging
import signal

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background, where shells have interrupts ignored; the programs under test must hear them.
    signal.signal(signal.SIGINT, signal.default_int_handler)

with contextlib.suppress(ModuleNotFoundError):  # the documentation's tests do without
    import hypothesis

    # A busy machine makes no test fail.
    hypothesis.settings.register_profile("tocsin", deadline=None)
    hypothesis.settings.load_profile("tocsin")


@pytest.fixture(autouse=True)
def logger_as_it_was():
    """Handlers that a test gives the logger ``tocsin`` end with it: the command line's ``-v`` adds one for good."""
    logger = logging.getLogger("tocsin")
    handlers, level = logger.handlers[:], logger.level
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)
