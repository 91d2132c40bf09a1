"""A channel type of its own on the path, with a simulator, and the command line run against it."""

import contextlib
import importlib
import json
import logging
import os
import sys

import pytest
from click.testing import CliRunner

from tocsin.cli import main
from tocsin.clock import SystemClock

PAGER = '''
"""A pager over HTTP, and its provider on loopback."""

import json

import attrs

from tocsin import (
    AuthError, Capabilities, Health, InvalidRecipient, RateLimited, Receipt, Recipient, Secret, ServerError, hookimpl
)
from tocsin.settings import setting, to_secret, to_strings, to_table, to_url
from tocsin.testing import Answer, FaultKind, HttpSimulator, Received

STATUS = {
    FaultKind.RATE_LIMITED: 429, FaultKind.SERVER_ERROR: 503, FaultKind.UNAUTHORIZED: 401,
    FaultKind.REFUSED_RECIPIENT: 410, FaultKind.REFUSED_PAYLOAD: 422, FaultKind.LIE: 500,
}


@attrs.define(eq=False, kw_only=True)
class PagerChannel:
    """Pages people.

    More about it.
    """

    capabilities = Capabilities(http=True, max_length=500, rate_limit=0)

    token: Secret = attrs.field(converter=to_secret, metadata=setting("PAGER_TOKEN", "Token of the account"))
    users: tuple[str, ...] = attrs.field(converter=to_strings, metadata=setting("PAGER_TO", "Who is paged"))
    api_url: str = attrs.field(
        default="https://pager.example", converter=to_url, metadata=setting("PAGER_API_URL", "Base address")
    )
    headers: dict[str, str] = attrs.field(
        factory=dict, converter=to_table, metadata=setting("PAGER_HEADERS", "Sent with each request")
    )

    @property
    def recipients(self):
        return tuple(Recipient.of(user) for user in self.users)

    @hookimpl
    def send(self, alert, recipient, context):
        answer = context.http.post(
            f"{self.api_url}/{self.token.reveal()}/page",
            json={"to": recipient.address.reveal(), "title": alert.title, "text": alert.message, "key": context.key},
            headers={"Authorization": f"Bearer {self.token.reveal()}", **self.headers},
        )
        if answer.status == 410:
            raise InvalidRecipient("nobody has this pager", status_code=410, hint="Give the pager to somebody.")
        return Receipt(provider_id=str(answer.check().json().get("id")))

    @hookimpl
    def health(self, context):
        answer = context.http.get(f"{self.api_url}/{self.token.reveal()}/me")
        return Health.ok("the token works") if answer.is_success else Health.failing("the token does not work")


class PagerSimulator(HttpSimulator):
    def settings(self):
        return {"token": "CANARY-TOKEN", "users": self.addresses(), "api_url": self.url}

    def addresses(self):
        return ["alice@example.com", "bernard@example.com"]

    def message(self, request):
        if not request.path.endswith("/page"):
            return None
        page = json.loads(request.body)
        return Received(page["to"], f"{page['title']}\\n{page['text']}", key=page["key"], raw=page)

    def accept(self, request, message):
        self.take(message)
        return Answer(200, json.dumps({"id": f"page-{len(self.received())}"}).encode())

    def refuse(self, fault, request, message):
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return Answer(STATUS[fault.kind], b"{}", headers)

    def other(self, request):
        return Answer(200 if "CANARY-TOKEN" in request.path else 401, b"{}")
'''

DRAWER = '''
"""A store for one process that behaves as if others used it too: each folder has one, which outlives a command."""

import os

import attrs

from tocsin.settings import setting
from tocsin.store import MemoryStore

DRAWERS = {}


@attrs.define(eq=False, kw_only=True, slots=False)
class Bare:
    label: str = attrs.field(default="top", metadata=setting("TOCSIN_STORE_LABEL", "Which one"))
    shared = True
    place = "the drawer"

    def __attrs_post_init__(self):
        self.memory, self.audited = DRAWERS.setdefault((os.getcwd(), self.label), (MemoryStore(), []))

    def __getattr__(self, name):
        return getattr(self.memory, name)

    def close(self):
        pass


class Drawer(Bare):
    def stats(self):
        return {"alerts": 1234, "states": {"failed": 2}, "size_bytes": None, "wal": True, "notes": []}

    def prune(self):
        return {"contents": 3}

    def check(self):
        return ["a page is damaged; salvage it"] if self.label == "broken" else []

    def hazards(self):
        return ["the disk is slow; use another"] if self.label in {"broken", "risky"} else []

    def salvage(self, source):
        return {"alerts": len(source), "losses": ["alert 7: its content is lost; send it again"]}

    def upgrade(self):
        return "it was up to date"

    def audit(self, action, subject, actor):
        self.audited.append((action, subject, actor))
'''


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """A folder with the distributions `tocsin-pager` and `tocsin-drawer` installed in it."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "drawer_of_the_tests.py").write_text(DRAWER, encoding="utf-8")
    info = folder / "tocsin_drawer-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tocsin-drawer\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[tocsin.stores]\ndrawer = drawer_of_the_tests:Drawer\nbare = drawer_of_the_tests:Bare\n"
    )
    (folder / "pager_of_the_tests.py").write_text(PAGER, encoding="utf-8")
    info = folder / "tocsin_pager-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tocsin-pager\nVersion: 1.0\nProvides-Extra: simulator\n"
    )
    (info / "entry_points.txt").write_text(
        "[tocsin.channels]\npager = pager_of_the_tests:PagerChannel\n"
        "[tocsin.simulators]\npager = pager_of_the_tests:PagerSimulator\n"
    )
    return folder


@pytest.fixture
def outside(tmp_path, monkeypatch, packages):
    """An empty folder and environment around the command, and the pager on the path."""
    for name in list(os.environ):
        if name.startswith(("TOCSIN_", "NOTIFICATION_", "PAGER_", "_TOCSIN")) or name.endswith(
            "_NOTIFICATIONS_ENABLED"
        ):
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(packages))
    yield tmp_path
    logger = logging.getLogger("tocsin")
    logger.setLevel(logging.NOTSET)
    logger.handlers = [handler for handler in logger.handlers if isinstance(handler, logging.NullHandler)]


@pytest.fixture
def tocsin(outside):
    """Run the program in this process: ``tocsin("send", "title")``; the result has exit_code, stdout and stderr."""

    def run(*args, **kwargs):
        result = CliRunner().invoke(main, [str(arg) for arg in args], **kwargs)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    return run


@pytest.fixture
def as_json(tocsin):
    """Run the program with --json and decode what it prints."""
    return lambda *args, **kwargs: json.loads(tocsin(*args, "--json", **kwargs).stdout)


@pytest.fixture
def pager(outside):
    """The pager's provider, running; the configuration in the folder delivers to it."""
    with contextlib.ExitStack() as stack:
        simulator = stack.enter_context(importlib.import_module("pager_of_the_tests").PagerSimulator())
        settings = "\n".join(f"{name} = {json.dumps(value)}" for name, value in simulator.settings().items())
        (outside / "tocsin.toml").write_text(
            f"[delivery]\nretry_delay = 0.01\nbackoff = 'constant'\n\n[channels.pager]\n{settings}\n"
        )
        yield simulator


@pytest.fixture
def configure(outside):
    """Write (more of) tocsin.toml."""

    def write(text, *, add=True):
        path = outside / "tocsin.toml"
        before = path.read_text() if add and path.exists() else ""
        path.write_text(f"{before}\n{text}")
        return path

    return write


@pytest.fixture
def drawer(outside, configure):
    """A store that outlives the commands of a test, as the configuration in the folder names it."""
    configure('[store]\ndriver = "drawer"\n')
    store = importlib.import_module("drawer_of_the_tests").Drawer()
    store.open(SystemClock(), lambda: None)
    return store


@pytest.fixture
def process_environment(outside, packages):
    """Variables for a real process that sees the same packages."""
    return {**os.environ, "PYTHONPATH": str(packages), "PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8"}


@pytest.fixture
def command():
    """The first words of a real process."""
    return [sys.executable, "-m", "tocsin"]
