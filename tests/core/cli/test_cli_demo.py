"""`tocsin demo`: real receivers on loopback, faults, and a verdict."""

from importlib.metadata import EntryPoint

import pytest

from tocsin.cli import rehearsal
from tocsin.cli.rehearsal import plan_faults
from tocsin.discovery import Plugin, installed


@pytest.fixture
def only_the_pager(outside, monkeypatch):
    """Play with the pager's simulator alone."""
    monkeypatch.setattr(rehearsal, "installed", lambda group: {"pager": installed(group)["pager"]})


def test_the_demo_delivers_through_faults_and_says_what_arrived(tocsin, only_the_pager):
    result = tocsin("demo")

    assert result.exit_code == 0
    assert "Receivers on 127.0.0.1: pager." in result.stderr
    assert "1. Position Risk Exceeded (RISK, HIGH) → every channel" in result.stderr
    assert "2. Monthly Goal Achieved (MILESTONE, INFO)" in result.stderr
    assert "pager asks to wait 1 s (429 with Retry-After) (at b…@example.com)" in result.stderr
    assert "again in 1.00 s" in result.stderr
    assert result.stdout.count("CHANNEL") == 4
    assert "✓ Every recipient ended as it should" in result.stderr


def test_json_holds_the_reports_and_what_was_received(as_json, only_the_pager):
    found = as_json("demo")

    assert (found["as_expected"], found["left_out"]) == (True, {})
    titles = [entry["alert"]["title"] for entry in found["alerts"]]
    assert titles == ["Position Risk Exceeded", "Monthly Goal Achieved", "Position Risk Exceeded"]
    last = {r["recipient"]: r for r in found["alerts"][2]["report"]["results"]["pager"]["recipients"]}
    assert last["a…@example.com"]["state"] == "failed"
    assert last["b…@example.com"]["state"] == "accepted"
    assert last["b…@example.com"]["attempts"][0]["retry_after"] == 1.0
    assert [len(entry["messages"]) for entry in found["received"]["pager"]] == [2, 3]


def test_the_configuration_and_proxies_of_the_machine_do_not_matter(tocsin, only_the_pager, configure, monkeypatch):
    configure("[delivery]\nnonsense = 1\n")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    assert tocsin("demo").exit_code == 0


def test_an_outcome_that_is_not_as_expected_is_exit_code_1(tocsin, only_the_pager, monkeypatch):
    monkeypatch.setattr(rehearsal.Stage, "misbehave", lambda stage, faults: None)
    result = tocsin("demo")

    assert result.exit_code == 1
    assert "✗ pager b…@example.com: was to need a second attempt" in result.stderr


def test_a_simulator_that_lacks_a_module_is_named_with_the_install_line(tocsin, only_the_pager, monkeypatch):
    pager = installed("tocsin.simulators")["pager"]
    lacking = EntryPoint("lacking", "no_such_module_anywhere:X", "tocsin.simulators")
    found = {
        "broken": Plugin("broken", "tocsin-broken", "1.0", EntryPoint("broken", "json:loads", "tocsin.simulators")),
        "lacking": Plugin("lacking", "tocsin-pager", "1.0", lacking._for(pager.entry_point.dist)),
        "pager": pager,
    }
    monkeypatch.setattr(rehearsal, "installed", lambda group: found)
    result = tocsin("demo")

    assert result.exit_code == 0
    assert (
        "! lacking is left out: the module 'no_such_module_anywhere' is missing; pip install 'tocsin-pager[simulator]'"
        in result.stderr
    )
    assert "! broken is left out: its simulator does not start: TypeError" in result.stderr


def test_without_simulators_there_is_nothing_to_show(tocsin, outside, monkeypatch):
    monkeypatch.setattr(rehearsal, "installed", lambda group: {})
    result = tocsin("demo")

    assert result.exit_code == 3
    assert "pip install" in result.stderr


def test_faults_go_to_different_channels_first():
    faults = plan_faults({"a": 2, "b": 2, "c": 2, "d": 2}, {"b", "c", "d"})

    assert [(fault.channel, fault.position, fault.kind) for fault in faults] == [
        ("b", 1, "rate_limited"),
        ("a", 1, "refused_recipient"),
        ("c", 1, "status"),
        ("d", 1, "lost_answer"),
    ]


@pytest.mark.parametrize("recipients", [{}, {"a": 1}, {"a": 2}, {"a": 1, "b": 3}])
def test_no_recipient_gets_two_faults(recipients):
    places = [(fault.channel, fault.position) for fault in plan_faults(recipients, set())]

    assert len(places) == len(set(places)) == min(4, sum(recipients.values()))
