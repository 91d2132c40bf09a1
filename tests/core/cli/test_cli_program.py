"""The program: fast, lazy, and quiet however it ends."""

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import textwrap

import click
import pytest
from click.testing import CliRunner

from tocsin.cli import main
from tocsin.cli.table import lay_out
from tocsin.cli.terminal import Terminal, clean, seconds

HEAVY = ["requests", "rich", "stevedore", "structlog", "pluggy", "tocsin.service", "tocsin.registry", "tocsin.testing"]


def run(code, environment, **kwargs):
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50, **kwargs)


def test_help_loads_no_command_and_nothing_heavy(process_environment):
    code = f"""
        import sys
        from tocsin.cli import main
        main(["--help"], standalone_mode=False)
        print("LOADED", *sorted(set(sys.modules) & {set(HEAVY)!r}))
        print("COMMANDS", *[name for name in sys.modules if name.startswith("tocsin.cli.send")])
    """
    output = run(code, process_environment).stdout

    assert "LOADED\nCOMMANDS\n" in output
    assert "Usage: tocsin [OPTIONS] COMMAND [ARGS]..." in output


def test_a_process_that_is_the_programs_collects_no_garbage_while_it_starts_and_ends(process_environment):
    code = """
        import atexit, gc, sys
        ours, counts = gc.get_threshold(), []
        atexit.register(lambda: print("EXIT", gc.get_freeze_count() > counts[0]))
        from tocsin.cli import main
        from tocsin.service import NotificationService
        loaded, enqueue = NotificationService.__init__, NotificationService.enqueue
        def load(self, *args, **kwargs):
            print("START", gc.isenabled(), gc.get_threshold()[0] >= 100_000, gc.get_threshold()[1:] == ours[1:])
            loaded(self, *args, **kwargs)
        def send(self, *args, **kwargs):
            print("BEGUN", gc.isenabled(), gc.get_threshold() == ours, gc.get_freeze_count() > 10_000)
            counts.append(gc.get_freeze_count())
            return enqueue(self, *args, **kwargs)
        NotificationService.__init__, NotificationService.enqueue = load, send
        sys.argv = ["tocsin", "send", "t", "m", "--to", "console"]
        main()
    """
    lines = run(code, process_environment).stdout.splitlines()

    assert [line for line in lines if line.startswith(("START", "BEGUN", "EXIT"))] == [
        "START True True True",
        "BEGUN True True True",
        "EXIT True",
    ]


def test_in_somebody_elses_process_garbage_is_collected_as_before(outside):
    before = gc.get_threshold(), gc.get_freeze_count()
    result = CliRunner().invoke(main, ["send", "t", "m", "--to", "console"])

    assert result.exit_code == 0
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


@pytest.mark.parametrize("name", list(main.table))
def test_the_table_of_commands_says_what_the_commands_say(name):
    command = main.get_command(click.Context(main), name)

    assert command.name == name
    assert command.get_short_help_str(200) == main.table[name][1]


def test_every_command_has_help(tocsin):
    for name in main.table:
        result = tocsin(name, "--help")
        assert result.exit_code == 0
        assert result.stdout.startswith(f"Usage: tocsin {name} [OPTIONS]")


def test_the_version_is_that_of_the_distribution(tocsin):
    from importlib.metadata import version

    assert tocsin("--version").stdout == f"tocsin {version('tocsin')}\n"


def test_an_unknown_command_names_the_nearest(tocsin):
    result = tocsin("snd")

    assert result.exit_code == 2
    assert "there is no command 'snd'; did you mean 'send'?" in result.stderr


@pytest.mark.parametrize(("shell", "word"), [("bash", "complete -o nosort"), ("zsh", "compdef"), ("fish", "complete ")])
def test_completion_prints_the_script_of_a_shell(tocsin, shell, word):
    result = tocsin("completion", shell)

    assert result.exit_code == 0
    assert word in result.stdout
    assert "_TOCSIN_COMPLETE" in result.stdout


def test_channels_are_completed_without_importing_them(outside, pager):
    (outside / "tocsin.toml").write_text('[channels.pager-ops]\ntype = "pager"\n')
    environment = {"_TOCSIN_COMPLETE": "bash_complete", "COMP_WORDS": "tocsin test pag", "COMP_CWORD": "2"}
    result = CliRunner().invoke(main, env=environment, prog_name="tocsin")

    assert result.stdout.split() == ["plain,pager", "plain,pager-ops"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no way to send one process Ctrl-C")
def test_an_interrupt_ends_with_130_and_without_a_traceback(process_environment, outside, command):
    (outside / "tocsin.toml").write_text("[channels.null]\n")
    process = subprocess.Popen(
        [*command, "send", "t", "-"], env=process_environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert "Reading the message from standard input" in process.stderr.readline()
    process.send_signal(signal.SIGINT)

    assert process.wait(20) == 130
    assert process.stderr.read().strip() == ""
    process.stdin.close()
    process.stderr.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGPIPE")
def test_a_reader_that_goes_away_is_met_quietly(process_environment, outside, command):
    lines = '{"title": "one"}\n' * 5000
    process = subprocess.Popen(
        [*command, "send", "--jsonl", "-", "--json", "-q", "--to", "null"],
        env=process_environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.stdout.close()
    for part in (lambda: process.stdin.write(lines), process.stdin.close):
        with contextlib.suppress(BrokenPipeError):
            part()

    assert process.wait(30) == 141
    assert process.stderr.read() == ""
    process.stderr.close()


def test_a_real_process_delivers_and_reports(process_environment, outside, command, pager):
    result = subprocess.run(
        [*command, "send", "t", "--json"], env=process_environment, input="from a pipe", capture_output=True, text=True
    )

    assert result.returncode == 0
    assert json.loads(result.stdout)["is_complete"] is True
    assert {message.text for message in pager.received()} == {"t\nfrom a pipe"}


def test_no_standard_input_is_no_message(process_environment, outside, command):
    result = subprocess.run(
        [*command, "send", "t", "--to", "null"], env=process_environment, stdin=subprocess.DEVNULL, capture_output=True
    )

    assert result.returncode == 0


BROKEN = """
    import tocsin.service
    from tocsin.cli import main

    def broken(*args, **kwargs):
        raise KeyError("CANARY")

    tocsin.service.NotificationService.__init__ = broken
    main({args!r})
"""


def test_a_fault_of_the_program_is_one_line_and_a_hint(process_environment, outside):
    result = run(BROKEN.format(args=["send", "t"]), process_environment, stdin=subprocess.DEVNULL)

    assert result.returncode == 70
    assert "error: unexpected KeyError at broken, line 6" in result.stderr
    assert "-v -v" in result.stderr
    assert "CANARY" not in result.stderr
    assert "Traceback" not in result.stderr


def test_a_traceback_is_shown_to_those_who_ask(process_environment, outside):
    result = run(BROKEN.format(args=["-v", "-v", "send", "t"]), process_environment, stdin=subprocess.DEVNULL)

    assert result.returncode == 70
    assert "Traceback" in result.stderr


def test_output_that_is_piped_has_no_colours(process_environment, outside, command):
    environment = {name: value for name, value in process_environment.items() if name != "FORCE_COLOR"}
    result = subprocess.run([*command, "channels", "list"], env=environment, capture_output=True)

    assert b"\x1b" not in result.stdout + result.stderr


def test_a_stream_without_unicode_gets_ascii_signs(process_environment, outside, command):
    environment = process_environment | {"PYTHONIOENCODING": "ascii"}
    result = subprocess.run(
        [*command, "send", "tä", "--to", "null"], env=environment, stdin=subprocess.DEVNULL, capture_output=True
    )

    assert result.returncode == 0
    assert result.stdout.startswith(b"ok null")


@pytest.mark.parametrize(("variable", "expected"), [({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({}, None)])
def test_the_environment_may_switch_colours_off(monkeypatch, variable, expected):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variable.items():
        monkeypatch.setenv(name, value)

    assert Terminal().color is expected


def test_what_is_shown_cannot_steer_the_terminal():
    assert clean("a\x1b[31mb\nc\x9bd") == "a [31mb c d"


@pytest.mark.parametrize(
    ("duration", "words"), [(None, ""), (0.0001, "<1 ms"), (0.0304, "30 ms"), (0.999, "999 ms"), (1.254, "1.25 s")]
)
def test_durations_are_short(duration, words):
    assert seconds(duration) == words


def test_a_table_without_a_terminal_has_one_line_for_each_row():
    lines = [line for _, line in lay_out(("name", "why"), [["a", "x " * 100], ["b", ""]], None)]

    assert len(lines) == 3
    assert lines[0] == "NAME  WHY"


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_table_fits_the_terminal(width):
    rows = [["a-long-name", "https://example.com/a-word-that-cannot-be-broken", "some reason with many words " * 4]]
    lines = [line for _, line in lay_out(("name", "where", "why"), rows, width)]

    assert max(map(len, lines)) <= width


def test_columns_count_what_a_terminal_shows():
    lines = [line for _, line in lay_out(("name", "why"), [["注意", "x"], ["e\u0301", "y"]], None)]

    assert lines == ["NAME  WHY", "注意  x", "e\u0301     y"]


def test_columns_without_any_cell_are_left_out():
    assert [line for _, line in lay_out(("a", "b"), [["1", ""]], None)] == ["A", "1"]
