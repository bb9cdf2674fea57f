"""The look of the checkout pages. Every text that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

__all__ = ["HEADERS", "button", "details", "is_web", "link", "note", "page", "with_query"]

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
}
"""For every page: nothing of it is kept, and nothing runs on it."""

_STYLE = """
:root { color-scheme: light dark; --ink: #14213d; --paper: #fff; --line: #d9dee8; --soft: #f2f5fa;
  --main: #1f5af6; --muted: #5b6478; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e9edf5; --paper: #171d2b; --line: #2d3650; --soft: #0e131e; --main: #5b8bff;
    --muted: #9aa5bd; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--soft); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { width: min(26rem, 100%); background: var(--paper); border: 1px solid var(--line);
  border-radius: 16px; overflow: hidden; box-shadow: 0 12px 40px rgb(0 0 0 / .12); }
.banner { background: #ffd60a; color: #14213d; padding: .5rem 1.5rem; font-size: .85rem;
  font-weight: 600; }
section { padding: 1.5rem; }
.eyebrow { margin: 0; color: var(--muted); font-size: .85rem; text-transform: capitalize; }
h1 { margin: 0 0 1rem; font-size: 2rem; letter-spacing: -.02em; }
dl { margin: 0 0 1.25rem; font-size: .85rem; }
dt { color: var(--muted); }
dd { margin: 0 0 .5rem; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
form { display: grid; gap: .6rem; }
button, a { display: block; width: 100%; padding: .8rem 1rem; border: 1px solid var(--line);
  border-radius: 10px; background: none; color: inherit; font: inherit; text-align: center;
  text-decoration: none; cursor: pointer; }
.main { background: var(--main); border-color: var(--main); color: #fff; font-weight: 600; }
button:focus-visible, a:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
"""


def page(provider: str, title: str, content: str, *, eyebrow: str = "") -> str:
    """A whole page. ``content`` is HTML made by the functions of this module."""
    name = escape(provider)
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}: {name} simulator</title><style>{_STYLE}</style></head>"
        f"<body><main><div class='banner'>{name} simulator: no real money moves here</div>"
        f"<section><p class='eyebrow'>{escape(eyebrow)}</p><h1>{escape(title)}</h1>{content}"
        "</section></main></body></html>"
    )


def note(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def details(pairs: Mapping[str, str]) -> str:
    rows = (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs.items())
    return f"<dl>{''.join(rows)}</dl>"


def button(outcome: str, text: str, look: str = "") -> str:
    return (
        f"<button name='outcome' value='{escape(outcome)}' class='{escape(look)}'>"
        f"{escape(text)}</button>"
    )


def link(url: str, text: str, look: str = "") -> str:
    return f"<p><a class='{escape(look)}' href='{escape(url)}'>{escape(text)}</a></p>"


def is_web(url: str) -> bool:
    """Whether ``url`` is one that a browser may be sent to."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def with_query(url: str, values: Mapping[str, str]) -> str:
    """``url`` with ``values`` added to its query."""
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *values.items()])
    return urlunsplit(parts._replace(query=query))
