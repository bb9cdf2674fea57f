"""A page for each form: filled in by whoever linked to it, filed once, however often clicked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from batua.errors import Forbidden, NotFound, Refusal
from batua_admin.forms import FORMS, Filing, StaffForm
from batua_admin.pages.shell import Visit, is_inside

__all__ = ["file_form", "show_form"]

BY_SLUG = {form.slug: form for form in FORMS}
UNFILED = frozenset({"id_of_form", "csrftoken", "back"})
"""What a form sends beside its fields."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field as the page draws it."""

    name: str
    label: str
    kind: str
    value: str
    choices: tuple[str, ...]
    is_required: bool
    length_max: int | None
    error: str


async def show_form(visit: Visit) -> Response:
    """An empty form, or one that a link has filled in."""
    form = _form(visit)
    _require(visit, form)
    return _draw(visit, form, dict(visit.request.query_params), visit.batua.new_id(form.prefix))


async def file_form(visit: Visit) -> Response:
    """File it. The id came with the form: filed twice, it is done once."""
    form = _form(visit)
    _require(visit, form)
    sent = await visit.sent()
    filing_id = sent.get("id_of_form", "")
    if not re.fullmatch(rf"{form.prefix}_[0-9a-z]{{26}}", filing_id):
        return _draw(visit, form, sent, visit.batua.new_id(form.prefix), "Send the form again.")
    values = {name: value for name, value in sent.items() if name not in UNFILED}
    try:
        data = form.model(**{name: value for name, value in values.items() if value != ""})
    except ValidationError as error:
        wrong = {str(each["loc"][0]): each["msg"] for each in error.errors() if each["loc"]}
        return _draw(visit, form, sent, filing_id, "Look at the fields below.", wrong)
    try:
        said = await form.file(Filing(visit.batua, visit.actor, filing_id), data)
    except Refusal as refusal:
        return _draw(visit, form, sent, filing_id, str(refusal))
    back = sent.get("back", "")
    back = back if is_inside(back) else ""
    if form.reveals:
        return visit.show("revealed.html", title=form.name, sentence=said, back=back)
    return visit.done(said, back)


def _form(visit: Visit) -> StaffForm:
    slug: str = visit.request.path_params["slug"]
    if slug not in BY_SLUG:
        raise NotFound("form", slug)
    return BY_SLUG[slug]


def _require(visit: Visit, form: StaffForm) -> None:
    if not visit.may(form.word):
        raise Forbidden("forbidden", f"Your role, {visit.actor.role}, may not do this.")


def _draw(
    visit: Visit,
    form: StaffForm,
    values: dict[str, str],
    filing_id: str,
    refused: str = "",
    wrong: dict[str, str] | None = None,
) -> Response:
    back = values.get("back", "")
    return visit.show(
        "form.html",
        title=form.name,
        status=422 if refused else 200,
        form=form,
        fields=_fields(form.model, values, wrong or {}),
        filing_id=filing_id,
        back=back if is_inside(back) else "",
        refused=refused,
    )


def _fields(model: type[BaseModel], values: dict[str, str], wrong: dict[str, str]) -> list[Field]:
    schema = model.model_json_schema()
    required = schema.get("required", [])
    fields = []
    for name, told in schema["properties"].items():
        words = told
        if "$ref" in told:
            words = schema["$defs"][told["$ref"].rpartition("/")[2]]
        default = told.get("default")
        fields.append(
            Field(
                name=name,
                label=told.get("title", name),
                kind=_kind(told, words),
                value=values.get(name, "" if default is None else str(default)),
                choices=tuple(words.get("enum", ())),
                is_required=name in required,
                length_max=words.get("maxLength"),
                error=wrong.get(name, ""),
            )
        )
    return fields


def _kind(told: dict[str, Any], words: dict[str, Any]) -> str:
    if "enum" in words:
        return "select"
    if told.get("writeOnly"):
        return "password"
    return "textarea" if words.get("maxLength", 0) > 500 else "text"
