"""There is one way out, and it is guarded: a total deadline, no redirect, TLS verified. Everything else is no way.

Simulators and the testing package stand on the providers' side of the wire, and are left out.
"""

import ast

import pytest

CLIENTS = {"aiohttp", "ftplib", "httpx", "requests", "socketserver", "telnetlib", "urllib3", "websockets"}
"""Libraries that open connections of their own; only tocsin.http may use them, where the deadline knows the sockets."""
OPENERS = {
    "asyncio.open_connection",
    "http.client.HTTPConnection",
    "http.client.HTTPSConnection",
    "socket.create_connection",
    "socket.socket",
    "urllib.request.urlopen",
    "urllib.request.urlretrieve",
}
VERBS = {"delete", "get", "head", "options", "patch", "post", "put", "request"}
UNVERIFIED = {"CERT_NONE", "CERT_OPTIONAL", "_create_unverified_context", "disable_warnings", "InsecureRequestWarning"}
NO_CHECK = {"assert_hostname", "check_hostname", "ssl_verify", "verify", "verify_ssl"}
REDIRECTS = {"allow_redirects", "follow_redirects"}
HTTP = "core/src/tocsin/http/"
DIALING = "core/src/tocsin/dialing.py"


def is_false(node):
    return isinstance(node, ast.Constant) and (node.value is False or node.value is None or node.value == 0)


def ways_out(source, name):
    """What a module has that goes round the guarded way: words for each, with its line."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for words in (*imports(node, name), *switched_off(node), *opened(node, name), *unbounded(node)):
            yield f"{getattr(node, 'lineno', 0)}: {words}"


def imports(node, name):
    found = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    found += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
    return [f"imports {module}" for module in found if module.partition(".")[0] in CLIENTS and HTTP not in name]


def switched_off(node):
    """Verification off, or redirects on, as an argument, an assignment or a name."""
    if isinstance(node, ast.keyword):
        if node.arg in NO_CHECK and is_false(node.value):
            yield f"{node.arg} is off"
        if node.arg in REDIRECTS and not is_false(node.value):
            yield f"{node.arg} is on"
    if isinstance(node, ast.Assign) and is_false(node.value):
        attributes = [target.attr for target in node.targets if isinstance(target, ast.Attribute)]
        yield from (f"{attribute} is off" for attribute in attributes if attribute in NO_CHECK)
    used = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None
    if used in UNVERIFIED:
        yield used


def opened(node, name):
    """A connection that the deadline in force does not know of."""
    if not isinstance(node, ast.Call) or name.endswith(DIALING):
        return
    called = ast.unparse(node.func)
    if called in OPENERS:
        yield called
    module, _, verb = called.rpartition(".")
    if module in CLIENTS and verb in VERBS:
        yield called


def unbounded(node):
    """A call of a session that leaves out what bounds it, or a mail session that does not dial as everything does."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("session.send"):
        given = {keyword.arg for keyword in node.keywords}
        yield from (
            f"a session sends without {needed}" for needed in {"allow_redirects", "stream", "timeout", "verify"} - given
        )
    if isinstance(node, ast.ClassDef) and {ast.unparse(base) for base in node.bases} & {
        "smtplib.SMTP",
        "smtplib.SMTP_SSL",
    }:
        calls = {ast.unparse(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}
        if not any(call.rpartition(".")[2] == "dial" for call in calls):
            yield f"{node.name} opens its own connection"
    if isinstance(node, ast.Call) and ast.unparse(node.func) in {"smtplib.SMTP", "smtplib.SMTP_SSL"}:
        yield "a mail session of the standard library's own"
    if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("HttpClient") for base in node.bases):
        methods = {method.name for method in node.body if isinstance(method, ast.FunctionDef)}
        if "request" not in methods or "super().request" in ast.unparse(node):
            yield f"{node.name} lets a client of others' go out by itself"


def is_ours(module):
    return module.stem != "simulator" and "testing" not in module.parts


def test_no_module_has_a_way_out_of_its_own(root, module):
    if not is_ours(module):
        pytest.skip("stands on the providers' side")
    name = module.relative_to(root).as_posix()

    assert list(ways_out(module.read_text(encoding="utf-8"), name)) == []


def test_there_is_a_guarded_way_to_be_checked(root):
    """One place sends, and it is there that the deadline, the redirects and TLS are seen to."""
    sending = [
        path.relative_to(root).as_posix()
        for path in [*root.glob("core/src/**/*.py"), *root.glob("plugins/*/src/**/*.py")]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("session.send")
    ]

    assert len(sending) == 1
    assert sending[0].startswith(HTTP)


@pytest.mark.parametrize(
    "source",
    [
        "import requests",
        "from urllib3.util import Retry",
        "import socket; socket.create_connection(('h', 1))",
        "import urllib.request; urllib.request.urlopen('http://h')",
        "client.get('http://h', verify=False)",
        "context.check_hostname = False",
        "context.verify_mode = ssl.CERT_NONE",
        "session.get(url, allow_redirects=True)",
        "httpx_client(follow_redirects=flag)",
        "self._session.send(request, timeout=5)",
        "smtplib.SMTP('h')",
        "class Mail(smtplib.SMTP):\n    pass",
        "class Client(TwilioHttpClient):\n    pass",
        "class Client(HttpClient):\n    def request(self):\n        return super().request()",
    ],
)
def test_the_check_itself_finds(source):
    assert list(ways_out(source, "plugins/x/src/x.py"))


@pytest.mark.parametrize(
    "source",
    [
        "from urllib.parse import urlsplit",
        "context.http.post(url, json={})",
        "session.send(r, stream=True, allow_redirects=False, verify=bundle, timeout=(1, 1))",
        "class Mail(smtplib.SMTP):\n    def _get_socket(self):\n        return dial()",
    ],
)
def test_the_check_itself_lets_through(source):
    assert list(ways_out(source, "plugins/x/src/x.py")) == []
