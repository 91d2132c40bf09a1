"""`tocsin deliveries`: what is in the store, and what a person decides about it."""

import json

import pytest


@pytest.fixture
def failed(tocsin, pager, drawer):
    """An alert, `a-1`, that one of two recipients refused."""
    pager.fail("refused_payload")
    assert tocsin("send", "Disk full", "text", "--durable", "--alert-id", "a-1").exit_code == 4
    pager.heal()
    return drawer


@pytest.fixture
def waiting(tocsin, pager, drawer):
    """Two alerts that nobody has tried."""
    for alert_id in ("w-1", "w-2"):
        tocsin("send", "t", "--durable", "--no-wait", "--alert-id", alert_id)
    return drawer


def states(store, alert_id):
    return sorted(str(one.state) for one in store.record(alert_id).deliveries)


def test_a_list_has_a_row_for_each_delivery_newest_alert_first(tocsin, failed, waiting):
    lines = tocsin("deliveries", "list").stdout.splitlines()

    assert lines[0].split() == ["ALERT", "CHANNEL", "RECIPIENT", "STATE", "TRIES", "NEXT", "WHY"]
    assert [line.split()[0] for line in lines[1:]] == ["w-2", "w-2", "w-1", "w-1", "a-1", "a-1"]
    assert "the receiver refused the message (HTTP 422) [TCN-204]" in "\n".join(lines)


def test_recipients_are_shown_by_their_masked_labels_only(tocsin, failed):
    outputs = [tocsin("deliveries", *args).output for args in (["list"], ["show", "a-1"], ["list", "--json"])]

    assert ["alice@" in output or "bernard@" in output for output in outputs] == [False] * 3
    assert all("…@example.com" in output for output in outputs)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--state", "failed"], ["a-1"]),
        (["--state", "failed", "--state", "pending"], ["w-2", "w-2", "w-1", "w-1", "a-1"]),
        (["--limit", "1"], ["w-2"]),
        (["--channel", "slack"], []),
    ],
)
def test_filters_choose(as_json, failed, waiting, options, expected):
    assert [row["alert_id"] for row in as_json("deliveries", "list", *options)] == expected


def test_an_empty_list_says_where_it_looked(tocsin, drawer):
    result = tocsin("deliveries", "list")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No such delivery in the drawer.\n")


def test_a_cut_list_says_so(tocsin, waiting):
    assert "The newest 3; --limit shows more." in tocsin("deliveries", "list", "--limit", "3").stderr


def test_an_alert_is_shown_with_each_attempt(tocsin, failed):
    text = tocsin("deliveries", "show", "a-1").stdout

    assert text.startswith("Disk full\nMEDIUM · CUSTOM · firing · ")
    assert "…@example.com  failed\n" in text
    assert "   1  refused · the receiver refused the message (HTTP 422) · " in text
    assert "    → " in text


def test_an_alert_is_shown_as_json(as_json, failed):
    found = as_json("deliveries", "show", "a-1")

    assert found["alert"]["title"] == "Disk full"
    assert found["plan"]["stages"] == [["pager"]]
    assert sorted(one["state"] for one in found["deliveries"]) == ["accepted", "failed"]


@pytest.mark.parametrize("command", ["show", "replay", "cancel"])
def test_an_alert_that_nobody_knows_is_an_error_of_the_caller(tocsin, drawer, command):
    result = tocsin("deliveries", command, "nope")

    assert result.exit_code == 2
    assert "no alert with the id 'nope'" in result.stderr


def test_a_failed_alert_is_replayed_and_arrives(tocsin, failed, pager):
    result = tocsin("deliveries", "replay", "a-1")

    assert result.exit_code == 0
    assert "✓ replayed 1 delivery" in result.stdout
    assert states(failed, "a-1") == ["accepted", "pending"]
    assert tocsin("worker", "--once").exit_code == 0
    assert states(failed, "a-1") == ["accepted", "accepted"]


def test_who_replayed_and_cancelled_is_on_record(tocsin, failed, waiting, monkeypatch):
    monkeypatch.setenv("SUDO_USER", "grace")
    tocsin("deliveries", "replay", "a-1")
    tocsin("deliveries", "cancel", "w-1")

    assert [(action, subject.split()[0], actor.split("@")[0]) for action, subject, actor in failed.audited] == [
        ("replay", "a-1", "grace"), ("cancel", "w-1", "grace"),
    ]  # fmt: skip


def test_a_cancelled_alert_says_who_and_why(tocsin, waiting, monkeypatch):
    monkeypatch.setenv("SUDO_USER", "grace")
    result = tocsin("deliveries", "cancel", "w-1", "--reason", "maintenance")

    assert "✓ cancelled 2 deliveries" in result.stdout
    assert states(waiting, "w-1") == ["cancelled", "cancelled"]
    assert states(waiting, "w-2") == ["pending", "pending"]
    text = tocsin("deliveries", "show", "w-1").stdout
    assert text.count("cancelled by grace@") == 1
    assert ": maintenance" in text


def test_one_recipient_is_cancelled_by_its_label(tocsin, waiting):
    assert tocsin("deliveries", "cancel", "w-1", "--recipient", "a…@example.com").exit_code == 0
    assert states(waiting, "w-1") == ["cancelled", "pending"]


def test_many_are_asked_for_and_need_yes_where_nobody_can_answer(tocsin, waiting):
    result = tocsin("deliveries", "cancel", "--state", "pending")

    assert result.exit_code == 2
    assert "this would cancel 4 deliveries; say --yes" in result.stderr
    assert states(waiting, "w-1") == ["pending", "pending"]

    result = tocsin("deliveries", "cancel", "--state", "pending", "--yes", "--json")
    assert len(json.loads(result.stdout)["cancelled"]) == 4
    assert states(waiting, "w-2") == ["cancelled", "cancelled"]


def test_a_decision_about_everything_is_refused(tocsin, waiting):
    result = tocsin("deliveries", "replay", "--yes")

    assert result.exit_code == 2
    assert "say which" in result.stderr


@pytest.mark.parametrize(("args", "code"), [(["w-1"], 1), (["--state", "failed", "--yes"], 0)])
def test_nothing_to_replay_is_a_failure_only_for_an_alert_that_was_named(tocsin, waiting, args, code):
    result = tocsin("deliveries", "replay", *args)

    assert result.exit_code == code
    assert "there was nothing to replay" in result.stderr


def test_a_cancelled_alert_can_be_replayed(tocsin, waiting, pager):
    tocsin("deliveries", "cancel", "w-1")
    tocsin("deliveries", "replay", "--state", "cancelled", "--yes")
    tocsin("worker", "--once")

    assert states(waiting, "w-1") == ["accepted", "accepted"]


def test_states_and_channels_are_completed(tocsin, outside, pager):
    from click.testing import CliRunner

    from tocsin.cli import main

    def complete(*words):
        environment = {
            "_TOCSIN_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(("tocsin", *words)),
            "COMP_CWORD": str(len(words)),
        }
        return CliRunner().invoke(main, env=environment, prog_name="tocsin").stdout.split()

    assert complete("deliveries", "list", "--state", "ex") == ["plain,expired"]
    assert complete("deliveries", "list", "--channel", "pag") == ["plain,pager"]
    assert complete("deliveries", "ca") == ["plain,cancel"]


@pytest.mark.parametrize("command", [["deliveries", "list"], ["deliveries", "show", "a-1"], ["store", "stats"]])
def test_a_command_that_looks_opens_the_store_to_read_where_it_can(tocsin, failed, monkeypatch, command):
    opened = []
    monkeypatch.setattr(type(failed), "open_to_read", lambda self, clock: opened.append("read"), raising=False)
    monkeypatch.setattr(type(failed), "open", lambda self, clock, news: opened.append("write"), raising=False)
    result = tocsin(*command)

    assert (result.exit_code, opened) == (0, ["read"])


def test_a_command_that_decides_opens_it_to_write(tocsin, failed, monkeypatch):
    monkeypatch.setattr(type(failed), "open_to_read", lambda self, clock: pytest.fail("to read"), raising=False)

    assert tocsin("deliveries", "replay", "a-1").exit_code == 0
