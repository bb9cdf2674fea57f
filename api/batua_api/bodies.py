"""Bodies, decoded strictly: Litestar would take ``"5"`` and ``5.0`` for the integer 5."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody

from batua.errors import InvalidRequest

__all__ = ["body_of", "decode_body"]

S = TypeVar("S", bound=msgspec.Struct)


def decode_body(body: bytes, struct: type[S]) -> S:
    """The body as ``struct``. Raises ``InvalidRequest`` with the place of the first misfit."""
    try:
        return msgspec.json.decode(body or b"{}", type=struct)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        raise InvalidRequest(f"{reason}.", pointer=_pointer(path, reason)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"The body is not JSON: {error}.") from None


def _pointer(path: str, reason: str) -> str:
    parts = re.findall(r"\.([A-Za-z_]\w*)|\[(\d+|\.\.\.)\]", path.strip("`"))
    pointer = "".join(f"/{name or index}" for name, index in parts)
    # A missing or unknown field is named in the reason, its parent in the path.
    named = re.search(r"field `(\w+)`", reason)
    return f"{pointer}/{named.group(1)}" if named else pointer


def body_of(struct: type[msgspec.Struct], *, is_required: bool = True) -> type[Operation]:
    """Draws ``struct`` as the request body in OpenAPI, where the handler takes raw bytes."""
    schema: Any = msgspec.json.schema(struct)
    definitions = schema.pop("$defs", {})
    inlined = _inline(schema, definitions)

    @dataclass
    class WithBody(Operation):
        def __post_init__(self) -> None:
            self.request_body = RequestBody(
                required=is_required,
                content={"application/json": OpenAPIMediaType(schema=inlined)},
            )

    return WithBody


def _inline(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inline(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref", "")
    if reference:
        return _inline(definitions[reference.rpartition("/")[2]], definitions)
    return {key: _inline(value, definitions) for key, value in node.items()}
