"""The forms as the generated panel wants them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from piccolo_admin.endpoints import FormConfig
from starlette.exceptions import HTTPException
from starlette.requests import Request

from batua.bootstrap import Batua
from batua.errors import Refusal
from batua_admin.forms.filing import Filing, StaffForm
from batua_admin.guards import signed_in
from batua_admin.recent import Recent

__all__ = ["panel_forms"]

ROLE_IS_TOO_LOW = "forbidden"


def panel_forms(batua: Batua, forms: tuple[StaffForm, ...]) -> list[FormConfig]:
    """All forms, in their groups."""
    recent = Recent(batua.now)
    return [
        FormConfig(
            name=form.name,
            pydantic_model=form.model,
            endpoint=_endpoint(batua, recent, form),
            description=form.description,
            form_group=form.group,
        )
        for form in forms
    ]


def _endpoint(
    batua: Batua, recent: Recent, form: StaffForm
) -> Callable[[Request, Any], Coroutine[None, None, str]]:
    async def file(request: Request, data: Any) -> str:
        actor = signed_in(request).actor
        # The panel sends no id: it is made here, and the same words at once are a double click.
        words = (actor.name, form.slug, data.model_dump_json())
        recent.refuse_repeat(words)
        filing = Filing(batua, actor, batua.new_id(form.prefix))
        try:
            return await form.file(filing, data)
        except Refusal as refusal:
            recent.forget(words)
            if refusal.code == ROLE_IS_TOO_LOW:
                raise HTTPException(403, str(refusal)) from refusal
            # The panel shows a ValueError's text; a refusal's is written for people.
            raise ValueError(str(refusal)) from refusal

    return file
