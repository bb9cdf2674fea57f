"""What every page has: whoever visits it, the layout, and a sentence about what was just done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from batua.audit import Actor
from batua.bootstrap import Batua
from batua.contract import format_money
from batua.identity import Role
from batua.staff import Word, may

__all__ = ["Page", "Visit", "is_inside"]

SAID = "batua_said"
"""The cookie with what was just done: it is shown once, on the next page."""
SAID_S = 60
SAID_MAX = 500

Endpoint = Callable[["Visit"], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its path below ``/admin/pages/``, and the least role that may see it.

    One with a ``title`` is in the navigation.
    """

    path: str
    endpoint: Endpoint
    role: Role = Role.VIEWER
    title: str = ""
    methods: tuple[str, ...] = ("GET",)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page, by a member of staff."""

    request: Request
    batua: Batua
    actor: Actor
    pages: tuple[Page, ...]

    @property
    def base(self) -> str:
        """Where our pages are, behind whatever prefix, with a slash at its end."""
        root: str = self.request.scope["root_path"]
        return f"{root}/"

    def asked(self, name: str) -> str:
        """A value out of the query, or an empty string."""
        return self.request.query_params.get(name, "").strip()

    def number(self, name: str) -> int | None:
        """A whole number out of the query, such as a transfer's; None for anything else."""
        text = self.asked(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    def may(self, word: Word) -> bool:
        """Whether whoever visits may do this."""
        return may(self.actor, word)

    def link(self, path: str, **query: str) -> str:
        """The address of a page of ours."""
        return f"{self.base}{path}" + (f"?{urlencode(query)}" if query else "")

    def form(self, slug: str, back: str = "", **filled: str) -> str:
        """The address of a form, filled in; it leads ``back`` to a page of ours."""
        return self.link(f"do/{slug}/", **filled, **({"back": back} if back else {}))

    def panel(self, path: str = "") -> str:
        """The address of something in the generated panel."""
        return f"{self.base.removesuffix('pages/')}{path}"

    async def sent(self) -> dict[str, str]:
        """What was typed. The CSRF guard has read the body where the token stands in it."""
        form = self.request.scope.get("form") or await self.request.form()
        return {name: value for name, value in form.items() if type(value) is str}

    def show(self, template: str, *, title: str, status: int = 200, **values: Any) -> Response:
        """The page. What was just done is said on it, once."""
        said = unquote(self.request.cookies.get(SAID, ""))
        html = _TEMPLATES.get_template(template).render(
            visit=self, title=title, said=said, csrf=self.request.scope.get("csrftoken", ""),
            menu=[page for page in self.pages if page.title and self.actor.role.reaches(page.role)],
            **values,
        )  # fmt: skip
        answer = HTMLResponse(html, status_code=status, headers={"cache-control": "no-store"})
        if said:
            answer.delete_cookie(SAID, path=self.base)
        return answer

    def done(self, sentence: str, path: str) -> Response:
        """Go to a page of ours, and say there what was done."""
        answer = RedirectResponse(self.link(path), status_code=303)
        answer.set_cookie(
            SAID, quote(sentence[:SAID_MAX]), max_age=SAID_S, path=self.base, httponly=True,
            samesite="strict", secure=self.request.url.scheme == "https",
        )  # fmt: skip
        return answer


def is_inside(path: str) -> bool:
    """Whether ``path`` is relative and stays below our pages."""
    bad = ("//", "\\", "..", ":", "\r", "\n")
    return bool(path) and not path.startswith("/") and not any(part in path for part in bad)


def _money(row: Mapping[str, Any], column: str = "amount") -> str:
    return format_money(row[column], row["currency"])


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%d %b %Y, %H:%M:%S} UTC"


def _words(value: str) -> str:
    return value.replace("_", " ")


_TEMPLATES = Environment(
    loader=PackageLoader("batua_admin.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    "money": _money,
    "amount": format_money,
    "time": _time,
    "words": _words,
}
