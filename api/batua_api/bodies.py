"""Bodies, decoded strictly: Litestar would take ``"5"`` and ``5.0`` for the integer 5."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import msgspec
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Parameter, RequestBody
from litestar.openapi.spec import Schema as OpenAPISchema

from batua.audit import asked
from batua.errors import InvalidRequest
from batua.limits import require_shallow
from batua.redaction import has_card_number
from batua_api.documenting import Documented

__all__ = ["KEY_HEADER", "KEY_LENGTH_MAX", "KeyUse", "body_of", "decode_body", "decode_proof"]

KEY_HEADER = "Idempotency-Key"
KEY_LENGTH_MAX = 255
PROOF_FIELDS_MAX = 20

_MANY_DIGITS = re.compile(rb"[0-9](?:[^0-9A-Za-z\"]?[0-9]){12}")


class KeyUse(StrEnum):
    """What a route makes of the ``Idempotency-Key``; the text is what the document says of it."""

    REQUIRED = "A new one for a new request, the same one to repeat it."
    WITH_PAYMENT = "Required where the request pays: with `pay_with`."
    OPTIONAL = "The same one to repeat a request."


JSON_BYTES_MAX = 65_536
"""Every part of it is looked at for card numbers. A webhook may be longer, as bodies go."""

S = TypeVar("S", bound=msgspec.Struct)


def decode_body(body: bytes, struct: type[S]) -> S:
    """The body as ``struct``. Raises ``InvalidRequest`` with the place of the first misfit, and
    ``RequestEntityTooLarge``."""
    require_shallow(body)
    if len(body) > JSON_BYTES_MAX:
        raise RequestEntityTooLarge(f"The body is longer than {JSON_BYTES_MAX} bytes.")
    try:
        decoded = msgspec.json.decode(body or b"{}", type=struct)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        raise InvalidRequest(f"{reason}.", pointer=_pointer(path, reason)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The body is not JSON: {error}.") from None
    # Few bodies have so many digits in a row, and an escape or another script may hide them.
    if _MANY_DIGITS.search(body) or b"\\" in body or not body.isascii():
        _refuse_card_number(decoded)
    asked(decoded)
    return decoded


def _refuse_card_number(decoded: msgspec.Struct) -> None:
    for name in decoded.__struct_fields__:
        value = getattr(decoded, name)
        # A field that is a number is an amount: it may have as many digits as a card.
        if type(value) is not int and has_card_number(value):
            raise InvalidRequest.card_number(name)


def _pointer(path: str, reason: str) -> str:
    parts = re.findall(r"\.([A-Za-z_]\w*)|\[(\d+|\.\.\.)\]", path.strip("`"))
    pointer = "".join(f"/{name or index}" for name, index in parts)
    # A missing or unknown field is named in the reason, its parent in the path.
    named = re.search(r"field `(\w+)`", reason)
    return f"{pointer}/{named.group(1)}" if named else pointer


def body_of(
    struct: type[msgspec.Struct], *, is_required: bool = True, key: KeyUse | None = None
) -> type[Operation]:
    """Draws ``struct`` as the request body in OpenAPI, where the handler takes raw bytes.

    ``key`` draws the ``Idempotency-Key`` too, which the handler reads for itself.
    """
    schema: Any = msgspec.json.schema(struct)
    definitions = schema.pop("$defs", {})
    inlined = _inline(schema, definitions)

    @dataclass
    class WithBody(Documented):
        def __post_init__(self) -> None:
            super().__post_init__()
            self.request_body = RequestBody(
                required=is_required,
                content={"application/json": OpenAPIMediaType(schema=inlined)},
            )
            if key is not None:
                self.parameters = [*(self.parameters or ()), _key_header(key)]
                self.say_what_is_replayed()

    return WithBody


def _key_header(key: KeyUse) -> Parameter:
    return Parameter(
        name=KEY_HEADER,
        param_in="header",
        description=str(key),
        required=key is KeyUse.REQUIRED,
        schema=OpenAPISchema(
            type=OpenAPIType.STRING, min_length=1, max_length=KEY_LENGTH_MAX, pattern="^[ -~]+$"
        ),
    )


def _inline(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inline(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref", "")
    if reference:
        return _inline(definitions[reference.rpartition("/")[2]], definitions)
    return {
        # Python's word for the end of a text is a letter Z to everybody else.
        key: value.replace("\\Z", "$") if key == "pattern" else _inline(value, definitions)
        for key, value in node.items()
    }


def decode_proof(body: bytes) -> dict[str, str]:
    """What a browser brought back from a provider: names and texts. Raises ``InvalidRequest``."""
    require_shallow(body)
    try:
        proof = msgspec.json.decode(body, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidRequest("The proof must be a JSON object of strings.") from None
    if len(proof) > PROOF_FIELDS_MAX:
        raise InvalidRequest(f"The proof has more than {PROOF_FIELDS_MAX} fields.")
    return proof
