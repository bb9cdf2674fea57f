"""What the JavaScript client knows of the API: ``python -m tools.client_api`` writes ``api.js``.

Its types, its routes and the digits of currencies are the server's own, so that they can't drift
apart; a test fails where the file is not what this would write.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from batua.contract import active_currencies, minor_digits
from batua.settings import read_settings
from batua_api import BatuaPlugin, create_app

__all__ = ["API_FILE", "OPERATIONS", "openapi_document", "written"]

API_FILE = Path(__file__).parents[1] / "frontend" / "client" / "api.js"
PREFIX = "/api/v1"

OPERATIONS = (
    "list_gateways",
    "create_top_up",
    "get_top_up",
    "confirm_top_up",
    "get_wallet",
    "watch_wallet",
    "list_transactions",
    "create_order",
    "list_orders",
    "get_order",
    "pay_order",
    "confirm_order_payment",
    "cancel_order",
    "get_refund",
)
"""What a customer may do."""

HEAD = """\
/**
 * What the API takes and answers: `python -m tools.client_api` writes it from the OpenAPI document.
 * Amounts are whole numbers of minor units, times are ISO 8601 in UTC.
 */

"""

DIGITS = """\
/**
 * Digits of the minor unit, where they are not two. A browser's own data differ.
 *
 * @type {Record<string, number>}
 */
"""

Document = Mapping[str, Any]


def openapi_document() -> Document:
    """The document of a shop, as it is served."""
    app = create_app(BatuaPlugin(read_settings({}, jwt_secret="x" * 32), {}))
    return app.openapi_schema.to_schema()


def written(document: Document) -> str:
    """The whole file."""
    found = dict(_operations(document))
    schemas = document["components"]["schemas"]
    named = {name: schemas[name] for name in sorted(_reached([*found.values()], schemas))}
    bodies = {body["title"]: body for body in map(_body, found.values()) if body.get("properties")}
    typedefs = (_typedef(name, schema) for name, schema in sorted((named | bodies).items()))
    return "".join([HEAD, *typedefs, *_routes(found), _digits()])


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    every = {
        operation["operationId"]: {**operation, "path": path, "method": method.upper()}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    for name in OPERATIONS:
        yield name, every[name]


def _body(operation: Document) -> Document:
    content = operation.get("requestBody", {}).get("content", {})
    schema: Document = content.get("application/json", {}).get("schema", {})
    return schema


def _reached(within: Any, schemas: Document) -> set[str]:
    """The names of the schemas that ``within`` speaks of, and those that these speak of."""
    found: set[str] = set()
    waiting = [within]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                waiting.append(schemas[name])
            waiting += part.values()
        elif isinstance(part, Sequence) and not isinstance(part, str):
            waiting += part
    return found


def _typedef(name: str, schema: Document) -> str:
    if "enum" in schema:
        values = "".join(f" *   | '{value}'\n" for value in schema["enum"])
        return f"/**\n * @typedef {{(\n{values} * )}} {name}\n */\n\n"
    required = set(schema.get("required", ()))
    fields = "".join(
        f" * @property {{{_type(field)}}} {each if each in required else f'[{each}]'}\n"
        for each, field in schema["properties"].items()
    )
    return f"/**\n * @typedef {{object}} {name}\n{fields} */\n\n"


PLAIN = {"string": "string", "integer": "number", "boolean": "boolean", "null": "null"}


def _type(schema: Document) -> str:
    kind = str(schema.get("type"))
    if "$ref" in schema:
        found = str(schema["$ref"]).rpartition("/")[2]
    elif "enum" in schema:
        found = " | ".join(f"'{value}'" for value in schema["enum"])
    elif either := schema.get("oneOf", schema.get("anyOf")):
        found = " | ".join(dict.fromkeys(_type(each) for each in either))
    elif kind == "array":
        found = f"Array<{_type(schema['items'])}>"
    elif kind == "object":
        values = schema.get("additionalProperties")
        found = f"Record<string, {_type(values if isinstance(values, Mapping) else {})}>"
    else:
        found = PLAIN.get(kind, "any")
    return found


def _routes(operations: Mapping[str, Document]) -> Iterator[str]:
    yield "/** Where each operation is, and whether it takes an `Idempotency-Key`. */\n"
    yield "export const OPERATIONS = /** @type {const} */ ({\n"
    for name, operation in operations.items():
        path = operation["path"].removeprefix(PREFIX)
        names = {each["name"] for each in operation.get("parameters", ())}
        keyed = json.dumps("Idempotency-Key" in names)
        yield f"  {name}: {{\n    method: '{operation['method']}',\n    path: '{path}',\n"
        yield f"    isKeyed: {keyed},\n  }},\n"
    yield "});\n\n"


def _digits() -> str:
    odd = "".join(
        f"  {code}: {minor_digits(code)},\n"
        for code in sorted(active_currencies())
        if minor_digits(code) != 2
    )
    return f"{DIGITS}export const MINOR_DIGITS = {{\n{odd}}};\n"


def main() -> None:
    API_FILE.write_text(written(openapi_document()), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
