"""Pictures are taken with whatever Chromium there is; a stand-in shows what it is asked for."""

import sys

import pytest
from tocsin_docs.chromium import OPTIONS, Chromium, NoChromium

BROWSER = """#!{python}
import sys

open({log!r}, "a").write("\\n".join(sys.argv[1:]) + "\\n\\n")
for option in sys.argv:
    if option.startswith("--screenshot="):
        page = open(sys.argv[-1].removeprefix("file://")).read()
        open(option.partition("=")[2], "w").write(page)
print('<body data-size="{height},513">')
sys.exit({status})
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script with a first line")


@pytest.fixture
def browser(tmp_path, monkeypatch):
    """Makes a stand-in that is the only browser to be found; returns the options of each of its runs."""

    def make(height=300, status=0):
        script, log = tmp_path / "chromium", tmp_path / "log"
        script.write_text(BROWSER.format(python=sys.executable, log=str(log), height=height, status=status))
        script.chmod(0o755)
        monkeypatch.delenv("TOCSIN_CHROMIUM", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        return lambda: [run.splitlines() for run in log.read_text().split("\n\n") if run]

    return make


def test_without_a_browser_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.delenv("TOCSIN_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NoChromium, match=r"apt install chromium.*TOCSIN_CHROMIUM"):
        Chromium.find()


def test_a_browser_that_is_named_and_not_there_is_told(browser, monkeypatch):
    browser()
    monkeypatch.setenv("TOCSIN_CHROMIUM", "/nowhere/chromium")

    with pytest.raises(NoChromium, match="/nowhere/chromium"):
        Chromium.find()


def test_the_window_is_as_high_as_the_page_and_what_the_browser_needs_around_it(browser):
    runs = browser(height=300)

    page, rows = Chromium.find().picture("<p>page</p>", width=712, scale=2)

    assert (page, rows) == (b"<p>page</p>", 600)
    assert "--window-size=712,387" in runs()[1]
    assert "--force-device-scale-factor=2" in runs()[1]


def test_a_long_page_is_taken_to_its_end(browser):
    runs = browser(height=7_000)

    page, rows = Chromium.find().picture("<p>page</p>", width=712, scale=1)

    assert (page, rows) == (b"<p>page</p>", 7_000)
    assert "--window-size=712,7087" in runs()[1]


def test_each_run_has_a_profile_that_nobody_used_before(browser):
    runs = browser()

    for _ in range(2):
        Chromium.find().picture("", width=712, scale=1)

    profiles = [next(option for option in run if option.startswith("--user-data-dir=")) for run in runs()]
    assert len(set(profiles)) == 2
    assert all(set(OPTIONS) <= set(run) for run in runs())


def test_a_browser_that_fails_is_an_error(browser):
    browser(status=3)

    with pytest.raises(RuntimeError, match="ended with 3"):
        Chromium.find().picture("", width=712, scale=1)
