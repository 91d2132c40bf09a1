"""One alert to the six real channel types.

Twice: to receivers that answer at once with what each provider answers, and to the plugins' own simulators, which read
and judge each request. Apprise has Slack's, Discord's, Telegram's and Twilio's addresses in its code; its player sets
the attribute that holds the address, and switches its rate limits off, as Tocsin's are.
"""

import contextlib
import json

from benchmarks import sinks
from benchmarks.bench import Entry, percentile
from benchmarks.figures import Bound, Comparison, Figure

from .mail import mailbox

__all__ = ["six_types"]

_ACCOUNT = "AC00000000000000000000000000000001"
_BOT = "100000001:simulated-telegram-token-0000000000"
_MESSAGE = {"message_id": 42, "date": 1, "chat": {"id": 1, "type": "private"}, "text": "t"}
_POSTED = {"id": "1", "channel_id": "2"}
_ANSWERS = {
    "/services/T00000001/B00000001/simulatedsimulatedsimula": (200, "ok"),
    "/api/webhooks/100000000000000001/simulated-token-simulated-token": (200, json.dumps(_POSTED)),
    f"/bot{_BOT}/sendMessage": (200, json.dumps({"ok": True, "result": _MESSAGE})),
    f"/2010-04-01/Accounts/{_ACCOUNT}/Messages.json": (
        201,
        json.dumps({"sid": "SM" + "0" * 32, "status": "queued", "error_code": None, "num_segments": "1"}),
    ),
}
_SLACK, _DISCORD, _TELEGRAM, _TWILIO = _ANSWERS
_ANSWERS[_DISCORD.replace("/api/", "/api/v10/")] = _ANSWERS[_DISCORD]
_TOKEN = "0123456789abcdef0123456789abcdef"


def six_types(bench):
    with sinks.start("mail", bench.certificate) as mails:
        bench.http.reset(answers=_ANSWERS)
        try:
            config = _config(bench, bench.http.facts["http"], mails.facts["port"])
            urls = _urls(bench.http.facts["http"].split("//")[1], mails.facts["port"])
            results = _contest(bench, config, urls, bench.http.facts["http"], _Both(bench.http, mails), profiled=True)
        finally:
            bench.http.reset()
    yield _figure("real", "one alert to the six channel types, instant receivers: p50", results, Bound.at_most(0.16))
    with sinks.start("providers") as providers:
        config = _simulated(providers.facts)
        results = _contest(bench, config, None, None, providers)
    yield _figure("real-simulated", "the same, the plugins' simulators as receivers: p50", results, None)


def _figure(row, name, results, bound):
    peers = [Comparison("apprise", absent="not installed", bound=bound)] if bound else []
    if "apprise" in results:
        peers = [Comparison("apprise", percentile(results["apprise"], 50), bound)]
    return Figure(row, name, "ms", percentile(results["tocsin"], 50), tuple(peers))


class _Both:
    """Two sinks, counted as one."""

    def __init__(self, *sinks):
        self._sinks = sinks

    def count(self):
        return {"distinct": sum(sink.count()["distinct"] for sink in self._sinks)}


def _contest(bench, config, urls, base, sink, profiled=False):
    with contextlib.ExitStack() as stack:
        players = {"tocsin": stack.enter_context(bench.player("tocsin", config=config))}
        if urls:
            addresses = {
                "slack": f"{base}/services",
                "discord": f"{base}/api/webhooks",
                "telegram": f"{base}/bot",
                "twilio": f"{base}/2010-04-01/Accounts/{{sid}}/Messages.json",
            }
            setup = {"urls": urls, "authorities": str(bench.authorities), "addresses": addresses}
            players["apprise"] = stack.enter_context(bench.player("apprise", **setup))
        entries = {
            name: Entry(lambda first, count, one=one: one("serial", first=first, count=count), copies=6, sink=sink)
            for name, one in players.items()
            if one is not None
        }
        results = bench.contest(entries, bench.size(150))
        if profiled:
            player = stack.enter_context(bench.player("tocsin", config=config))
            bench.profile("real", player, "serial", count=bench.size(150))
    return results


def _config(bench, base, port):
    channels = {
        "slack": {"webhook_urls": [base + _SLACK], "api_url": f"{base}/api"},
        "discord": {"webhook_urls": [base + _DISCORD]},
        "telegram": {"bot_token": _BOT, "chat_ids": ["12315544"], "api_url": base},
        "sms": {
            "account_sid": _ACCOUNT,
            "auth_token": _TOKEN,
            "from_number": "+15005550006",
            "to": ["+15005550010"],
            "api_url": base,
        },
        "webhook": {"urls": [f"{base}/hook"]},
        "email": mailbox(bench, port),
    }
    return {"channels": {name: {"rate_limit": 0} | settings for name, settings in channels.items()}}


def _urls(place, port):
    return [
        "slack://T00000001/B00000001/simulatedsimulatedsimula",
        "discord://100000000000000001/simulated-token-simulated-token",
        f"tgram://{_BOT}/12315544",
        f"twilio://{_ACCOUNT}:{_TOKEN}@15005550006/15005550010",
        f"json://{place}/hook",
        f"mailtos://127.0.0.1:{port}?from=alerts@example.com&to=ops@example.com&mode=starttls",
    ]


_FIRST_ONLY = ("webhook_urls", "urls", "chat_ids", "to")


def _simulated(facts):
    """The simulators' settings with the first of their recipients; of Slack's two ways the webhook."""
    channels = {}
    for name, fact in facts.items():
        settings = {key: value[:1] if key in _FIRST_ONLY else value for key, value in fact["settings"].items()}
        if "bot_token" in settings and "webhook_urls" in settings:
            del settings["bot_token"], settings["channel_ids"]
        channels[name] = {"rate_limit": 0} | settings
    return {"channels": channels}
