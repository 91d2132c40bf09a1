"""`tocsin send --durable` and `tocsin worker`: what is kept arrives, at once or with the next worker."""

import json

import pytest

from tocsin.testing import Fault


def states(store):
    return [(one.channel, str(one.state)) for one in store.select()]


def test_an_alert_is_kept_first_and_delivered_then(tocsin, pager, drawer):
    result = tocsin("send", "Disk full", "text", "--durable")

    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    assert first.startswith("✓ kept in the drawer · alert ")
    assert second.startswith("✓ pager  accepted in ")
    assert states(drawer) == [("pager", "accepted")] * 2


def test_no_wait_keeps_it_and_sends_nothing(tocsin, pager, drawer):
    result = tocsin("send", "t", "--durable", "--no-wait")

    assert result.exit_code == 0
    assert pager.received() == []
    assert states(drawer) == [("pager", "pending")] * 2


def test_a_full_queue_says_the_wait_and_what_to_do(tocsin, pager, drawer, monkeypatch):
    monkeypatch.setattr(drawer.memory._shelf, "max_waiting", 4)
    tocsin("send", "t", "--durable", "--no-wait")
    result = tocsin("send", "t", "--durable", "--no-wait")
    told = json.loads(tocsin("send", "t", "--durable", "--no-wait", "--json").stdout)["error"]

    assert result.exit_code == 74
    assert result.stderr.splitlines() == [
        "error: 2 deliveries are waiting, the bound is 3, and 1 more for CRITICAL alone; "
        "try again in 1 s, when some have been delivered [TCN-160]",
        "tocsin worker delivers what waits; tocsin store stats tells how much it is.",
    ]
    assert (told["code"], told["retry_after"]) == ("TCN-160", 1.0)


def test_a_worker_delivers_what_is_due_and_ends(tocsin, pager, drawer):
    tocsin("send", "t", "--durable", "--no-wait")
    result = tocsin("worker", "--once")

    assert result.exit_code == 0
    assert "Delivering through pager from the drawer." in result.stderr
    assert result.stderr.splitlines()[-1] == "2 delivered · exit 0"
    assert states(drawer) == [("pager", "accepted")] * 2
    assert len(pager.received()) == 2


def test_a_worker_that_finds_nothing_ends_at_once(tocsin, pager, drawer):
    result = tocsin("worker", "--once")

    assert (result.exit_code, result.stdout) == (0, "")


@pytest.fixture
def patient(outside, drawer, configure):
    """The configuration waits ten minutes before it tries again, and for an alert one second."""
    text = (outside / "tocsin.toml").read_text()
    configure(text.replace("retry_delay = 0.01", "retry_delay = 600\ndeadline = 1"), add=False)


def test_what_a_worker_cannot_deliver_yet_waits(tocsin, pager, drawer, patient):
    tocsin("send", "t", "--durable", "--no-wait", "--to", "pager")
    pager.fail("server_error")
    result = tocsin("worker", "--once")

    assert result.exit_code == 0
    assert sorted(states(drawer)) == [("pager", "accepted"), ("pager", "retrying")]
    assert "1 waiting" in result.stderr


def test_what_is_not_delivered_by_the_deadline_is_kept(tocsin, pager, drawer, patient):
    pager.fail("server_error")
    result = tocsin("send", "t", "--durable")

    assert result.exit_code == 75
    assert "not everything has arrived yet; it is kept, and tocsin worker goes on" in result.stderr
    assert "exit 75" in result.stderr
    assert sorted(states(drawer)) == [("pager", "accepted"), ("pager", "retrying")]


def test_the_same_key_sends_nothing_again(tocsin, pager, drawer):
    first = tocsin("send", "t", "--durable", "--key", "order-1", "--json")
    again = tocsin("send", "t", "--durable", "--key", "order-1", "--json")
    kept, known = json.loads(first.stdout), json.loads(again.stdout)

    assert (kept["known"], known["known"]) == (False, True)
    assert kept["alert_id"] == known["alert_id"]
    assert known["report"]["is_complete"] is True
    assert len(pager.received()) == 2
    assert "known: this key is that of alert" in again.stderr


@pytest.mark.parametrize("option", [["--no-wait"], ["--key", "k"]])
def test_what_needs_a_store_asks_for_durable(tocsin, pager, option):
    result = tocsin("send", "t", *option)

    assert result.exit_code == 2
    assert f"{option[0]} needs --durable" in result.stderr


def test_json_says_what_was_kept_and_what_became_of_it(as_json, pager, drawer):
    found = as_json("send", "t", "--durable", "--alert-id", "a-1")

    assert (found["kept"], found["alert_id"], found["ended"]) == (True, "a-1", True)
    assert found["report"]["is_complete"] is True
    assert as_json("send", "t", "--durable", "--no-wait", "--alert-id", "a-2") == {
        "kept": True, "alert_id": "a-2", "known": False,
    }  # fmt: skip


def test_a_failure_is_told_as_ever(tocsin, pager, drawer):
    pager.fail("refused_recipient")
    result = tocsin("send", "t", "--durable")

    assert result.exit_code == 4
    assert "1 of 2 recipients delivered" in result.stderr


def test_a_dry_run_keeps_nothing(tocsin, pager, drawer):
    assert tocsin("send", "t", "--durable", "--dry-run").exit_code == 0
    assert states(drawer) == []


def test_an_alert_that_goes_nowhere_is_not_kept(tocsin, pager, drawer, configure):
    configure("[[routes]]\nmatch = {priority = 'CRITICAL'}\nchannels = ['pager']\n")
    result = tocsin("send", "t", "--durable", "--no-wait")

    assert result.exit_code == 3
    assert "nobody was told" in result.stderr
    assert states(drawer) == []


@pytest.mark.parametrize("args", [["send", "t", "--durable"], ["worker"], ["deliveries", "list"], ["store", "check"]])
def test_without_a_store_the_way_to_one_is_said(tocsin, pager, args):
    result = tocsin(*args)

    assert result.exit_code == 78
    assert 'write [store] url = "sqlite:///tocsin.db" into tocsin.toml or set TOCSIN_STORE_URL' in result.stderr


@pytest.mark.parametrize("args", [["worker"], ["store", "stats"]])
def test_an_unknown_driver_is_named(tocsin, pager, configure, args):
    configure("[store]\ndriver = 'drwer'\n")
    result = tocsin(*args)

    assert result.exit_code == 78
    assert "did you mean 'drawer'?" in result.stderr


def test_a_worker_without_a_channel_refuses(tocsin, drawer):
    result = tocsin("worker", "--once")

    assert result.exit_code == 78
    assert "no channel is ready" in result.stderr


def test_a_worker_says_whose_deliveries_it_cannot_take(tocsin, pager, drawer, configure):
    tocsin("send", "t", "--durable", "--no-wait")
    configure("[channels.null]\n[store]\ndriver = 'drawer'\n", add=False)
    result = tocsin("worker", "--once")

    assert result.exit_code == 0
    assert "! pager has deliveries due, and no channel of that name is ready here" in result.stderr
    assert states(drawer) == [("pager", "pending")] * 2


def test_a_worker_tells_each_ended_alert_in_json(tocsin, pager, drawer):
    pager.fail(Fault("refused_recipient"))
    tocsin("send", "t", "--durable", "--no-wait", "--alert-id", "a-1")
    lines = [json.loads(line) for line in tocsin("worker", "--once", "--json").stdout.splitlines()]

    assert [line["event"] for line in lines] == ["started", "alert", "stopped"]
    assert lines[1]["report"]["alert_id"] == "a-1"
    assert lines[2] == {"event": "stopped", "delivered": 1, "failed": 1, "waiting": 0, "exit": 0}


def test_a_stream_is_kept_line_by_line_under_keys_of_its_own(tocsin, pager, drawer):
    lines = '{"title": "one"}\n\n{"title": "two"}\n'
    first = tocsin("send", "--jsonl", "-", "--durable", "--key", "night", "--json", input=lines)
    again = tocsin("send", "--jsonl", "-", "--durable", "--key", "night", "--json", input=lines)

    assert (first.exit_code, again.exit_code) == (0, 0)
    told = [[json.loads(line) for line in result.stdout.splitlines()] for result in (first, again)]
    assert [[(line["line"], line["known"]) for line in lines] for lines in told] == [
        [(1, False), (3, False)], [(1, True), (3, True)],
    ]  # fmt: skip
    assert len(pager.received()) == 4
    assert "2 of 2 alerts delivered" in first.stderr


def test_a_stream_that_is_not_waited_for_is_only_kept(tocsin, pager, drawer):
    result = tocsin("send", "--jsonl", "-", "--durable", "--no-wait", input='{"title": "one"}\n{"tit')

    assert result.exit_code == 4
    assert "line 2: ✗" in result.stderr
    assert states(drawer) == [("pager", "pending")] * 2
    assert pager.received() == []


def test_check_tells_what_is_wrong_with_the_store(tocsin, pager, configure):
    configure("[store]\ndriver = 'drawer'\ncolour = 'blue'\n")
    result = tocsin("check")

    assert result.exit_code == 78
    assert "error: store: unknown setting 'colour'" in result.stdout


def test_a_channel_that_is_down_is_named_and_not_waited_for(tocsin, pager, drawer):
    tocsin("send", "--jsonl", "-", "--durable", "--no-wait", input='{"title": "one"}\n' * 20)
    pager.fail(*["server_error"] * 40)
    result = tocsin("worker", "--once")

    assert result.exit_code == 0
    assert "! pager is down (server); its deliveries wait until it is back" in result.stderr
    assert len(pager.received()) < 40
    assert len(states(drawer)) == 40


def test_deliveries_are_counted_before_their_alert_has_ended(tocsin, pager, drawer, patient):
    tocsin("send", "t", "--durable", "--no-wait")
    pager.fail("server_error")
    result = tocsin("worker", "--once")

    assert result.stderr.splitlines()[-1] == "1 delivered, 1 waiting · exit 0"
