"""What a browser sends, read in one way only: JSON in UTF-8, said so once."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request

__all__ = ["read_json"]

T = TypeVar("T", bound=msgspec.Struct)


async def read_json(request: Request, type: type[T]) -> T:
    """The body as ``type``. Raises 415 and 400."""
    kinds = request.headers.getlist("content-type")
    if len(kinds) != 1 or kinds[0].partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Send the content type application/json, once.")
    try:
        return msgspec.json.decode((await request.body()).decode(), type=type)
    except (msgspec.DecodeError, UnicodeDecodeError):
        wanted = ", ".join(type.__struct_fields__)
        raise HTTPException(400, f"Send a JSON object with texts: {wanted}.") from None
