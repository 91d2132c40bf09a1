"""The suite itself: what it is there to find, it finds; what cannot apply, it leaves out."""

import pathlib

import pytest

from tocsin import Capabilities
from tocsin.testing import ChannelContract

pytest_plugins = "pytester"

ONLY_WHAT_IS_NAMED = """
def pytest_collection_modifyitems(items):
    import test_defects
    named = test_defects.CHECKS
    items[:] = [item for item in items if item.cls and item.name in named.get(item.cls.channel_class, ())]
    found = {(item.cls.channel_class, item.name) for item in items}
    missing = {(cls, check) for cls, checks in named.items() for check in checks} - found
    assert not missing, missing
"""


def test_every_defect_is_found(pytester):
    """Each check that is named for a broken channel fails there."""
    here = pathlib.Path(__file__).parent
    third_party, defects = [(here / name).read_text(encoding="utf-8") for name in ("test_third_party.py", "defects.py")]
    pytester.makeconftest(ONLY_WHAT_IS_NAMED)
    pytester.makepyfile(test_third_party=third_party, test_defects=defects)

    done = pytester.runpytest_subprocess("-q", "-rpsE", "--tb=no", "-p", "no:cacheprovider", "test_defects.py")
    outcomes = done.parseoutcomes()

    assert outcomes.keys() - {"deselected"} == {"failed"}, "\n".join(done.outlines)
    assert outcomes["failed"] >= 50


def test_every_check_says_what_it_is_for():
    checks = [getattr(ChannelContract, name) for name in dir(ChannelContract) if name.startswith("test_")]

    assert len(checks) >= 60
    assert [check.__name__ for check in checks if not check.__doc__] == []


@pytest.mark.parametrize(
    "name", ["test_health_is_ok_where_a_send_would_work", "test_a_closed_port_is_a_failed_connection"]
)
def test_what_cannot_apply_is_left_out(name):
    class Contract(ChannelContract):
        channel_class = type("MuteChannel", (), {"capabilities": Capabilities(probe=False)})

    assert callable(getattr(ChannelContract, name))
    assert getattr(Contract, name) is None
    assert callable(Contract.test_a_success_is_a_receipt)
