"""What a person sees when an alert arrives: each plugin's preview of the alerts that channels are shown with.

A preview comes from the entry point group `tocsin.previews`: a function from an alert to a fragment of HTML, without
script and remote resources. Each stands in a shadow root of its own, which browsers build from the markup alone, so
that neither theme nor preview reaches into the other. Browsers that do not know it show the picture instead.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

import attrs

from tocsin.testing.showcase import showcase
from tocsin_docs.manual import Manual, manuals

__all__ = ["PICTURES", "TITLES", "WIDTH", "Arrival", "all_arrivals", "arrivals_of", "gallery", "with_pictures"]

WIDTH = 712
"""Pixels of CSS: the widest preview, 680, and the paper around it."""
PICTURES = Path(__file__).parents[1] / "_static" / "what-arrives"
TITLES = {"risk": "An alert about risk", "milestone": "A milestone", "worst": "The worst case"}
"""What the pictures of each alert of `showcase` are called."""
SURFACE = "box-sizing:border-box;padding:16px;background:#fff;color:#1d1c1d;color-scheme:light;overflow-x:auto"
"""White paper, in a dark theme too: a preview shows the provider's light colours."""

_TAB = """\
:::{{tab-item}} {title}
````````{{raw}} html
<div class="tocsin-arrival" role="figure" aria-label="{label}">
<template shadowrootmode="open">
<style>:host {{ all: initial; display: block; {surface} }}</style>
{fragment}
</template>
{fallback}
</div>
````````
:::
"""


@attrs.frozen
class Arrival:
    """One alert as it arrives through one channel.

    Attributes:
        channel: the channel type.
        alert: the alert's name in `showcase`.
        fragment: HTML of what a person sees.
    """

    channel: str
    alert: str
    fragment: str

    @property
    def picture(self) -> Path:
        """Where its picture is kept."""
        return PICTURES / f"{self.channel}-{self.alert}.png"

    @property
    def page(self) -> str:
        """The fragment as a page of its own."""
        head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{self.channel}</title>'
        return f'{head}<body style="margin:0;{SURFACE}">{self.fragment}</body></html>'


def arrivals_of(manual: Manual) -> list[Arrival]:
    """What arrives through one channel; nothing where its plugin has no preview."""
    preview = manual.preview
    if preview is None:
        return []
    return [Arrival(manual.type, name, preview(alert)) for name, alert in showcase().items()]


def all_arrivals() -> Iterator[Arrival]:
    """What arrives through each channel of this checkout."""
    for manual in manuals():
        yield from arrivals_of(manual)


def with_pictures(manual: Manual) -> str:
    """The manual, with the previews at the end of its section `What arrives`, which is made where it is missing."""
    found = arrivals_of(manual)
    if not found:
        return manual.text
    before, heading, rest = manual.text.partition(f"{_HEADING}\n")
    own, following, after = rest.partition("\n## ")
    tabs = "\n".join(map(_tab, found))
    lines = [before.rstrip(), "", _HEADING, "", own.strip() if heading else "", "", _INTRODUCTION, ""]
    return "\n".join([*lines, "::::{tab-set}", "", tabs, "::::", ""]) + following + after


_HEADING = "## What arrives"
_INTRODUCTION = """\
Below is what a person sees, drawn from the very payload that the channel sends, as close to the receiving program as a
static page gets. The worst case has more text than fits, markup and mentions of several providers, and emoji of several
code points: what is cut or escaped there is what the channel cuts and escapes."""


def gallery() -> str:
    """A card for each channel that has a picture: the first alert, with a link to the channel's page."""
    first = next(iter(TITLES))
    cards = [_card(manual) for manual in manuals() if (PICTURES / f"{manual.type}-{first}.png").exists()]
    return "\n".join(["::::{grid} 1 1 2 2", ":gutter: 3", "", *cards, "::::"]) if cards else ""


def _card(manual: Manual) -> str:
    return _CARD.format(type=manual.type, image=f"/_static/{PICTURES.name}/{manual.type}-{next(iter(TITLES))}.png")


_CARD = """\
:::{{grid-item-card}} {type}
:link: channel-{type}
:link-type: ref
:class-img-bottom: tocsin-thumbnail
:img-bottom: {image}
:img-alt: {type}, showing an alert
:::
"""


def _tab(arrival: Arrival) -> str:
    label = f"{TITLES[arrival.alert]}, as it arrives through {arrival.channel}"
    return _TAB.format(
        title=TITLES[arrival.alert],
        label=html.escape(label),
        surface=SURFACE,
        fragment=arrival.fragment,
        fallback=_image(arrival.picture, label),
    )


def _image(picture: Path, label: str) -> str:
    if not picture.exists():
        return ""
    return f'<img loading="lazy" src="../../_static/{picture.parent.name}/{picture.name}" alt="{html.escape(label)}">'
