"""What a mail looks like, byte for byte, and what no alert can do to it."""

import email
import functools
import html
import re
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.policy import default
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import Alert
from tocsin.rendering import REPEATED, measure, without_overrides
from tocsin_email.addresses import to_mailbox
from tocsin_email.format import FULL, PLAIN, SUBJECT_LIMIT, Letter, mail_for
from tocsin_email.markup import HTML_LIMIT, MESSAGE_ROOM, VALUE_ROOM, fitted

GOLDEN = Path(__file__).parent / "golden"
LETTER = Letter(
    sender=to_mailbox("Tocsin <alerts@example.com>"),
    to=to_mailbox("ops@example.com"),
    key="0123456789abcdef0123456789abcdef",
    now=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
)
ALERT = Alert(
    title="Position Risk Exceeded",
    message="Position risk is above its limit.\nReduce the position.",
    alert_type="RISK",
    priority="HIGH",
    symbol="BTCUSDT",
    strategy_id="momentum_001",
    data={"position_size": 2.5, "risk_pct": 6.5, "limit_pct": 5.0},
    alert_id="demo-1",
    created_at="2026-11-23T09:29:58+00:00",
)
DEMO = {
    "risk": ALERT,
    "milestone": Alert(
        title="Monthly Goal Achieved",
        message="The goal of this month was reached.",
        alert_type="MILESTONE",
        priority="INFO",
        data={"target": 5.0, "achieved": 5.2},
        alert_id="demo-2",
        created_at="2026-11-23T09:29:59+00:00",
    ),
    "worst": Alert(
        title="=?utf-8?q?Bcc:_x?= \u202e<b>Ünïcode</b> 👩‍👩‍👧 \"quotes\" & 'more' " + "long " * 100,
        message=".\n..\nFrom here\n\tindented  twice\n<script>alert(1)</script> </div> &amp;\n" + "🔴" * 100,
        priority="CRITICAL",
        source="a<b>&\"'",
        labels={"team": "x\ny"},
        data={"deep": {"er": {"<i>": ["<u>", None, True]}}, "empty": {}, "text": "=_0123456789abcdef"},
        dedup_key="disk-1",
        status="resolved",
        alert_id="demo-3",
        created_at="2026-11-23T09:30:00+00:00",
    ),
}
NASTY = st.one_of(
    st.characters(),
    st.sampled_from(["<", "&", '"', "'", "=?utf-8?q?a=0ABcc:_x?=", "\r\n", "\n.\n", "\n"]),
    st.sampled_from(["\u2028", "\u0085", "e\u0301", "👩‍👩‍👧", "\u202e"]),
)
TEXTS = st.lists(NASTY, max_size=40).map("".join)
NAMES = TEXTS.map(lambda text: f"x{text}"[:200])
ALERTS = st.builds(
    Alert,
    title=NAMES,
    message=TEXTS,
    priority=st.sampled_from(["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"]),
    symbol=st.none() | NAMES,
    labels=st.dictionaries(NAMES, TEXTS, max_size=3),
    data=st.dictionaries(TEXTS, TEXTS | st.floats(allow_nan=False, allow_infinity=False) | st.none(), max_size=4),
    dedup_key=st.none() | NAMES,
    status=st.sampled_from(["firing", "acknowledged", "resolved"]),
    alert_id=NAMES,
)
LETTERS = st.builds(
    lambda **changes: attrs.evolve(LETTER, **changes),
    plain=st.booleans(),
    repeated=st.booleans(),
    prefix=st.sampled_from(["", "[prod]"]),
)
TAGS = {"DOCTYPE", "html", "head", "meta", "title", "body", "table", "tr", "td", "th", "div", "span", "h1", "br"}
LARGE = {
    "ascii": Alert(title="a" * 1000, message="a" * 262_144, dedup_key="k" * 256),
    "markup": Alert(title="<&\"'" * 250, message="<&\"'" * 65_536, priority="CRITICAL"),
    "emoji": Alert(title="👩‍👩‍👧" * 200, message="👩‍👩‍👧" * 50_000),
    "marks": Alert(title="a" + "\u0301" * 999, message="a" + "\u0301" * 100_000),
    "lines": Alert(title="t", message="\n" * 262_144),
    "keys": Alert(title="t", message="", data={f"<{number}>" * 50: "'" * 500 for number in range(500)}),
    "deep": Alert(
        title="t", message="", data=functools.reduce(lambda inner, _: {"k" * 99: inner}, range(31), {"x": 1})
    ),
    "labels": Alert(title="t", message="", labels={f"{number}" * 50: "🔴" * 1000 for number in range(100)}),
    "everything": Alert(
        title="'" * 1000,
        message="'" * 262_144,
        alert_id="'" * 200,
        status="acknowledged",
        data={f"{number}": "'" * 3 for number in range(1000)},
    ),
}


def parsed(alert, letter=LETTER):
    return email.message_from_bytes(mail_for(alert, letter), policy=default)


def header_of(raw, name="Subject"):
    head = raw.partition(b"\r\n\r\n")[0].decode()
    folded = re.search(rf"^{name}: ([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", head, re.MULTILINE)[1]
    return str(make_header(decode_header(folded.replace("\r\n", ""))))


def part(mail, subtype):
    body = mail.get_body((subtype,))
    return None if body is None else body.get_content().replace("\r\n", "\n")


@pytest.mark.parametrize("name", DEMO)
def test_a_mail_is_the_golden_one(name):
    golden = (GOLDEN / f"{name}.eml").read_bytes().replace(b"\r\n", b"\n")

    assert mail_for(DEMO[name], LETTER).replace(b"\r\n", b"\n") == golden


@settings(max_examples=300)
@given(alert=ALERTS, letter=LETTERS)
def test_any_alert_makes_a_mail_that_every_server_takes(alert, letter):
    check_wire(alert, letter)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("name", LARGE)
def test_a_large_alert_makes_a_mail_that_every_server_takes(name, plain):
    check_wire(LARGE[name], attrs.evolve(LETTER, plain=plain))
    if plain:
        assert len(mail_for(LARGE[name], attrs.evolve(LETTER, plain=True))) < 65_536
    else:
        check_page(LARGE[name])


def check_wire(alert, letter):
    """CRLF line ends and no others, lines of at most 998 octets, 7-bit, each header once and none from the alert."""
    raw = mail_for(alert, letter)
    mail = email.message_from_bytes(raw, policy=default)
    known = {"references", "in-reply-to"} if alert.dedup_key else set()
    known |= {"x-priority", "importance"} if alert.priority in ("CRITICAL", "HIGH") else set()
    known |= {"content-transfer-encoding"} if letter.plain else set()

    assert raw.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert sorted(name.lower() for name in mail) == sorted({*ALWAYS, *known})
    assert not mail.defects
    assert [piece.get_content_type() for piece in mail.walk()][-1] == ("text/plain" if letter.plain else "text/html")


ALWAYS = {
    "date",
    "from",
    "to",
    "message-id",
    "subject",
    "auto-submitted",
    "x-auto-response-suppress",
    "x-tocsin-priority",
    "x-tocsin-type",
    "x-tocsin-status",
    "mime-version",
    "content-type",
}


@settings(max_examples=300)
@given(alert=ALERTS, letter=LETTERS)
def test_the_subject_shows_the_title_as_it_is(alert, letter):
    subject = header_of(mail_for(alert, letter))

    assert measure(subject, "utf16") <= SUBJECT_LIMIT
    if "…" not in subject:
        assert without_overrides(alert.title) in subject
    assert subject.startswith(letter.prefix)
    assert subject.endswith(REPEATED) is letter.repeated


@settings(max_examples=200)
@given(alert=ALERTS)
def test_the_page_holds_the_alert_as_text_and_no_markup_of_it(alert):
    check_page(alert)


def check_page(alert):
    page = part(parsed(alert), "html")
    tags = set(re.findall(r"<[!/]?([A-Za-z0-9]+)", page))

    assert tags <= TAGS
    assert len(page.encode()) <= HTML_LIMIT == 102_400
    assert html.escape(without_overrides(alert.title)) in page
    assert not re.search(r"(?i)<[^>]*\b(src|href|on\w+|url\()", page)
    assert page.count("<table") == page.count("</table>")
    assert page.count("<td") == page.count("</td>")


@settings(max_examples=200)
@given(alert=ALERTS)
def test_the_text_holds_the_whole_message(alert):
    assert without_overrides(alert.message) in part(parsed(alert), "plain")


@pytest.mark.parametrize("size", [SUBJECT_LIMIT - 2, SUBJECT_LIMIT - 1])
def test_a_title_is_cut_in_the_subject_where_exchange_would_cut_it(size):
    """The emoji counts two UTF-16 units, the space one: what is left for the title is three less."""
    mail = parsed(Alert(title="x" * (size - 1), message="", priority="HIGH"))

    assert ("…" in mail["Subject"]) is (size == SUBJECT_LIMIT - 1)
    assert "x" * (size - 1) in part(mail, "plain")


@pytest.mark.parametrize(("length", "cut"), [(PLAIN.message, False), (PLAIN.message + 1, True)])
def test_the_plain_form_is_short_and_shows_that_it_was_cut(length, cut):
    mail = parsed(Alert(title="t", message="m" * length, data={"k": "v" * 500}), attrs.evolve(LETTER, plain=True))
    text = part(mail, "plain")

    assert mail.get_content_type() == "text/plain"
    assert (f"{'m' * (length - 2)}…" in text) is cut
    assert f"k: {'v' * (PLAIN.value - 1)}…" in text


def test_the_plain_form_stays_below_what_every_server_takes():
    """64 kB (RFC 5321, section 4.5.3.1.7), also where each character takes four bytes."""
    data = {f"{'🔴' * 300}{number}": "🔴" * 1000 for number in range(50)}
    alert = Alert(title="🔴" * 1000, message="🔴" * 262_144, data=data)

    assert len(mail_for(alert, attrs.evolve(LETTER, plain=True))) < 65_536


def test_the_longest_message_arrives_whole():
    message = "m" * FULL.message

    assert message in part(parsed(Alert(title="t", message=message)), "plain")


@pytest.mark.parametrize(("text", "room"), [("m" * 9, 9), ("<" * 9, 36), ("\n" * 9, 36), ("é" * 9, 18), ("🔴" * 9, 36)])
def test_a_text_is_cut_where_its_html_takes_more_bytes_than_there_is_room(text, room):
    whole, cut = fitted(text, room), fitted(text, room - 1)

    assert len(whole.encode()) == room
    assert "…" not in whole
    assert len(cut.encode()) < room
    assert cut.endswith("…")
    assert re.fullmatch(r"(m*|(&lt;)*|(<br>)*|é*|🔴*)…", cut), "never inside an entity, a tag or a letter"


@pytest.mark.parametrize("size", [MESSAGE_ROOM, MESSAGE_ROOM + 1])
def test_a_message_is_cut_in_the_page_where_gmail_would_clip_it(size):
    mail = parsed(Alert(title="t", message="m" * size))

    assert ("…" in part(mail, "html")) is (size > MESSAGE_ROOM)
    assert "m" * size in part(mail, "plain")


@pytest.mark.parametrize("size", [VALUE_ROOM, VALUE_ROOM + 1])
def test_a_value_is_cut_in_the_page_and_in_the_text(size):
    mail = parsed(Alert(title="t", message="", data={"k": "v" * size}))

    for half in ("plain", "html"):
        assert ("…" in part(mail, half)) is (size > VALUE_ROOM), half


def test_rows_that_do_not_fit_are_counted():
    mail = parsed(Alert(title="t", message="m", data={f"k{number}": "v" * 1000 for number in range(200)}))

    assert re.search(r"^… \d+ more$", part(mail, "plain"), re.MULTILINE)
    assert re.search(r">\d+ more</td>", part(mail, "html"))


def test_facts_data_priority_time_and_id_are_in_both_halves():
    mail = parsed(ALERT)

    for half in ("plain", "html"):
        body = part(mail, half)
        for fact in ("BTCUSDT", "momentum_001", "position_size", "2.5", "RISK", "HIGH", "demo-1"):
            assert fact in body, (half, fact)
        assert "2026-11-23 09:29:58 UTC" in body


def test_the_page_bears_the_colour_of_the_priority():
    assert "border-top:6px solid #FF8800" in part(parsed(ALERT), "html")


def test_the_message_id_is_the_key_at_the_senders_domain():
    assert parsed(ALERT)["Message-ID"] == f"<{LETTER.key}@example.com>"


def test_a_key_that_no_message_id_can_hold_becomes_a_digest():
    strange = parsed(ALERT, attrs.evolve(LETTER, key="a b>\r\nBcc: x"))["Message-ID"]

    assert re.fullmatch(r"<[0-9a-f]{64}@example\.com>", strange)


def test_a_mail_says_that_no_person_wrote_it():
    mail = parsed(ALERT)

    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "OOF, AutoReply"


@pytest.mark.parametrize(
    ("priority", "urgency"),
    [
        ("CRITICAL", ("1 (Highest)", "high")),
        ("HIGH", ("2 (High)", "high")),
        ("MEDIUM", (None, None)),
        ("LOW", (None, None)),
        ("INFO", (None, None)),
    ],
)
def test_urgent_alerts_are_marked_urgent(priority, urgency):
    mail = parsed(attrs.evolve(ALERT, priority=priority))

    assert (mail["X-Priority"], mail["Importance"]) == urgency


def test_alerts_about_the_same_thing_gather_under_one_id_per_recipient():
    firing = attrs.evolve(ALERT, dedup_key="disk-1")
    resolved = attrs.evolve(firing, status="resolved", alert_id="demo-9")
    other = attrs.evolve(LETTER, to=to_mailbox("desk@example.com"))

    first, second = parsed(firing), parsed(resolved, attrs.evolve(LETTER, key="b" * 32))

    assert first["References"] == second["References"] == first["In-Reply-To"]
    assert first["Message-ID"] != second["Message-ID"]
    assert parsed(firing, other)["References"] != first["References"]
    assert parsed(attrs.evolve(ALERT, dedup_key="disk-2"))["References"] != first["References"]
    assert parsed(ALERT)["References"] is None


def test_a_mail_answers_the_one_before_it():
    mail = parsed(attrs.evolve(ALERT, dedup_key="disk-1"), attrs.evolve(LETTER, previous=f"<{'c' * 32}@example.com>"))

    assert mail["In-Reply-To"] == f"<{'c' * 32}@example.com>"
    assert re.fullmatch(r"<thread-[0-9a-f]{32}@example\.com> <c{32}@example\.com>", mail["References"])


@pytest.mark.parametrize("previous", ["<a@b>\r\nBcc: x", "a@b", "<a b@c>", "", 7 * "<a@b>"])
def test_a_message_id_from_elsewhere_that_is_none_is_left_out(previous):
    mail = parsed(attrs.evolve(ALERT, dedup_key="disk-1"), attrs.evolve(LETTER, previous=previous))

    assert mail["In-Reply-To"] == mail["References"]
    assert mail["Bcc"] is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("n" * 100, '"' + "n" * 100 + '"'),
        ("🔴" * 100, "🔴" * 100),
        ("=?utf-8?q?x?=" * 7, "=?utf-8?q?x?=" * 7),
        ("\\" * 100, '"' + "\\" * 200 + '"'),
        ("", ""),
    ],
    ids=["ascii", "emoji", "encoded", "quoted", "none"],
)
def test_the_longest_addresses_and_names_keep_lines_within_998_octets(name, shown):
    longest = to_mailbox(f"{name} <{'a' * 64}@{'d' * 63}.{'d' * 63}.{'d' * 61}>")
    letter = attrs.evolve(LETTER, sender=longest, to=longest, key="k" * 64, previous=f"<{'k' * 64}@{'d' * 255}>")

    check_wire(attrs.evolve(ALERT, dedup_key="k"), letter)
    assert header_of(mail_for(ALERT, letter), "To").rpartition("<")[0].strip() == shown


def test_addresses_beyond_ascii_stand_in_the_header_in_utf_8():
    letter = attrs.evolve(LETTER, to=to_mailbox("Jürgen <jürgen@bücher.example>"))
    head = mail_for(ALERT, letter).partition(b"\r\n\r\n")[0].decode()

    assert letter.needs_utf8
    assert not LETTER.needs_utf8
    assert "<jürgen@xn--bcher-kva.example>" in head


def test_the_same_alert_makes_the_same_bytes():
    assert mail_for(DEMO["worst"], LETTER) == mail_for(DEMO["worst"], LETTER)


def test_no_part_of_a_mail_is_turned_by_an_override_of_the_alert():
    turned = "x\u202egnp.exe\u2067"
    alert = Alert(title=turned, message=turned, labels={turned: turned}, data={turned: turned}, alert_id=turned)
    mail = parsed(alert)
    texts = [mail["Subject"], part(mail, "plain"), part(mail, "html")]

    assert [re.findall("[\u202a-\u202e\u2066-\u2069]", text) for text in texts] == [[], [], []]
    assert all("xgnp.exe" in text for text in texts)
