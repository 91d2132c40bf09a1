"""Generates the parts of the documentation that the code knows best, and resolves references to public names.

A line `<!-- generate: errors -->` in a page is replaced by what `tocsin_docs.generators.GENERATORS["errors"]` returns;
`how-to/channels/`, `how-to/stores/` and `reference/facts/` are written as a whole, one page for each plugin of this
checkout.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin_docs.catalogue import channel_pages, store_pages
from tocsin_docs.facts import fact_pages
from tocsin_docs.generators import expand

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__all__ = ["setup"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the hooks with Sphinx."""
    app.connect("builder-inited", write_pages)
    app.connect("source-read", expand_source)
    app.connect("missing-reference", resolve_home)
    app.connect("autodoc-process-signature", shorten_defaults)
    app.connect("autodoc-process-docstring", list_attributes, priority=400)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_pages(app: Sphinx) -> None:
    """Write the pages that are generated as a whole."""
    _write(Path(app.srcdir) / "how-to" / "channels", channel_pages())
    _write(Path(app.srcdir) / "how-to" / "stores", store_pages())
    _write(Path(app.srcdir) / "reference" / "facts", fact_pages())


def _write(folder: Path, pages: dict[str, str]) -> None:
    """Write each page where it changed, and remove those of plugins that are gone."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.md"):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")


def expand_source(app: Sphinx, name: str, source: list[str]) -> None:
    """Replace the markers of one page."""
    source[0] = expand(source[0])


def shorten_defaults(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Write `…` for a default that is made on each call, which attrs calls NOTHING; a protocol is not called at all."""
    if what == "class" and getattr(obj, "_is_protocol", False):
        return "", returns
    return signature and signature.replace("= NOTHING", "= …"), returns


def list_attributes(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Make a list of an `Attributes:` section, whose entries may name several attributes at once."""
    if "Attributes:" not in lines:
        return
    start = lines.index("Attributes:")
    end = next((n for n in range(start + 1, len(lines)) if lines[n] and not lines[n].startswith(" ")), len(lines))
    entries = [_ENTRY.sub(_item, line.removeprefix("    ")) for line in lines[start + 1 : end] if line.strip()]
    lines[start:end] = [".. rubric:: Attributes", "", *entries, ""]


_ENTRY = re.compile(r"^(\w+(?:, \w+)*): ")


def _item(match: re.Match[str]) -> str:
    names = ", ".join(f"``{name}``" for name in match.group(1).split(", "))
    return f"* {names}: "


def resolve_home(app: Sphinx, env: Any, node: Any, contnode: Any) -> Any:
    """Find `tocsin.alert.Alert`, and `Alert` inside any module, where `tocsin.Alert` is documented.

    What `tocsin.store` exports is found the same way.
    """
    if node.get("refdomain") != "py":
        return None
    import tocsin
    import tocsin.store as tocsin_store

    name = node.get("reftarget", "").removeprefix("~").split(".")
    public = next((index for index, part in enumerate(name) if part in tocsin.__all__), None)
    if public is not None:
        target = ".".join(["tocsin", *name[public:]])
    elif name[-1] in tocsin_store.__all__:
        target = f"tocsin.store.{name[-1]}"
    else:
        return None
    domain = env.get_domain("py")
    reftype = node["reftype"]
    return domain.resolve_xref(env, node["refdoc"], app.builder, reftype, target, node, contnode)
