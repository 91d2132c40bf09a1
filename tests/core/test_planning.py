"""Plans: alerts that go the same way share one, as long as the same channels are ready."""

import pytest

from tocsin import Alert, NotificationConfig, NotificationService

ROUTES = [
    {"match": {"symbol": "A"}, "channels": ["one"], "fallback": ["two"]},
    {"match": {"symbol": "B"}, "channels": ["one"]},
]


@pytest.fixture
def service_with():
    services = []

    def make(*names, **mapping):
        service = NotificationService(NotificationConfig.from_mapping(mapping))
        services.append(service)
        for name in names:
            service.add_channel(name, lambda alert: None)
        return service

    yield make
    for service in services:
        service.close()


def an_alert(**fields):
    return Alert(title="t", message="m", **fields)


@pytest.mark.parametrize("fields", [{}, {"channels": ["two"]}])
@pytest.mark.parametrize("routes", [(), [{"channels": ["one", "two"]}]])
def test_alerts_that_go_the_same_way_share_their_plan(service_with, routes, fields):
    service = service_with("one", "two", routes=routes)

    assert service.plan(an_alert(**fields)) is service.plan(an_alert(**fields))


def test_ways_that_differ_in_their_fallback_are_two(service_with):
    service = service_with("one", "two", routes=ROUTES)
    plans = [service.plan(an_alert(symbol=symbol)) for symbol in "ABAB"]

    assert [list(plan.fallback) for plan in plans] == [["two"], [], ["two"], []]


def test_naming_the_channels_of_a_route_does_not_name_its_fallback(service_with):
    service = service_with("one", "two", routes=ROUTES)
    routed, named = service.plan(an_alert(symbol="A")), service.plan(an_alert(symbol="A", channels=["one"]))

    assert (list(routed.fallback), list(named.fallback)) == (["two"], [])


@pytest.mark.parametrize("fields", [{}, {"channels": ["one", "two"]}])
def test_a_plan_ends_with_the_channels_it_was_made_for(service_with, fields):
    service = service_with("one", "two")
    before = service.plan(an_alert(**fields))
    service.disable_channel("two")
    after = service.plan(an_alert(**fields))
    service.enable_channel("two")

    assert [name for _, name in before.staged] == ["one", "two"]
    assert [name for _, name in after.staged] == ["one"]
    assert ("two" in after.unavailable) is bool(fields)
    assert [name for _, name in service.plan(an_alert(**fields)).staged] == ["one", "two"]


def test_nothing_ready_is_no_plan_until_something_is(service_with):
    service = service_with()
    assert service.plan(an_alert()) == "no channel is ready"

    service.add_channel("one", lambda alert: None)
    assert [name for _, name in service.plan(an_alert()).staged] == ["one"]
