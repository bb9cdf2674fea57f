"""The API's reference: ``python -m tools.api_reference`` writes ``docs/reference/api.md`` anew.

What stands above the first route and the shell examples are the page's own and stay; all else comes
out of the OpenAPI document and out of what each route says of its callers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from batua.identity import Scope
from batua.settings import read_settings
from batua_api import BatuaPlugin, create_app

__all__ = ["PAGE", "main", "operations", "rewritten"]

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "api.md"
ROOT = "/api/v1"
EXAMPLE = re.compile(r"^<!-- (\w+) -->\n(```sh\n.*?^```)$", re.MULTILINE | re.DOTALL)
NONE_YET = "```sh\n```"
CALLERS = {Scope.CUSTOMER: "customers", Scope.STAFF: "staff", Scope.SERVICE: "services"}


def main() -> None:
    """Write the page."""
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def operations(document: Mapping[str, Any]) -> dict[str, tuple[str, str, Mapping[str, Any]]]:
    """Method, path and operation of each operation id, in the document's order of nouns."""
    found = {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    nouns = list(dict.fromkeys(each["tags"][0] for _, _, each in found.values()))

    def place(item: tuple[str, tuple[str, str, Mapping[str, Any]]]) -> tuple[object, ...]:
        method, path, operation = item[1]
        return nouns.index(operation["tags"][0]), path.count("/"), path, method == "GET"

    return dict(sorted(found.items(), key=place))


def rewritten(page: str) -> str:
    """The page with all that can be known made anew. Raises ``ValueError`` for a lost example."""
    app = create_app(BatuaPlugin(read_settings({}, jwt_secret="x" * 32), {}))
    document = app.openapi_schema.to_schema()
    callers = _callers(app)
    examples = dict(EXAMPLE.findall(page))
    known = operations(document)
    if lost := examples.keys() - known.keys():
        raise ValueError(f"examples of routes that are gone: {', '.join(sorted(lost))}")
    parts = [page[: page.index("\n## ") + 1]]
    noun = ""
    for name, (method, path, operation) in known.items():
        if operation["tags"][0] != noun:
            noun = operation["tags"][0]
            parts.append(f"## {noun}\n\n")
        parts.append(f"### `{method} {path.removeprefix(ROOT)}`\n\n{operation['description']}\n\n")
        parts.append(f"For {callers[name]}.\n\n")
        parts.extend(_asked(operation))
        parts.append(f"{_answered(operation)}\n\n")
        parts.append(f"<!-- {name} -->\n{examples.get(name, NONE_YET)}\n\n")
    parts.append("## Bodies\n\n")
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts.extend(_drawn(name, schema))
    return "".join(parts).rstrip() + "\n"


def _callers(app: Litestar) -> dict[str, str]:
    return {
        str(handler.operation_id): _whose(handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.operation_id
    }


def _whose(handler: HTTPRouteHandler) -> str:
    options = handler.opt
    if options.get("is_public"):
        return "anyone, without a token"
    scopes = [CALLERS[scope] for scope in Scope if scope in options["scopes"]]
    if options.get("role"):
        return f"staff with the role `{options['role']}` or above"
    if options.get("permission"):
        scopes[-1] += f" whose key may `{options['permission']}`"
    return ", ".join(scopes[:-1]) + (" and " if scopes[1:] else "") + scopes[-1]


def _asked(operation: Mapping[str, Any]) -> Iterable[str]:
    rows = [
        (each["name"], each["in"], _type(each["schema"]), each.get("required", False))
        for each in operation.get("parameters", ())
    ]
    body = operation.get("requestBody")
    if body is not None:
        schema = body["content"]["application/json"]["schema"]
        required = schema.get("required", ())
        rows += [
            (name, "body", _type(each), name in required)
            for name, each in schema.get("properties", {}).items()
        ]
    if rows:
        yield "| field | in | what | needed |\n|---|---|---|---|\n"
        for name, place, what, is_needed in rows:
            yield f"| `{name}` | {place} | {what} | {'yes' if is_needed else 'no'} |\n"
        yield "\n"


def _answered(operation: Mapping[str, Any]) -> str:
    fine, refused = [], []
    for status, response in sorted(operation["responses"].items()):
        schemas = {kind: each["schema"] for kind, each in response.get("content", {}).items()}
        if "application/problem+json" in schemas:
            refused.append(status)
            continue
        bodies = " or ".join(f"{_type(schema)} as `{kind}`" for kind, schema in schemas.items())
        fine.append(f"{status} with {bodies}")
    return f"Answers {', '.join(fine)}. Problems: {', '.join(refused)}."


def _drawn(name: str, schema: Mapping[str, Any]) -> Iterable[str]:
    yield f"### {name}\n\n"
    if schema.get("description"):
        yield f"{schema['description']}\n\n"
    if "enum" in schema:
        yield f"{_words(schema)}\n\n"
        return
    yield "| field | what |\n|---|---|\n"
    required = schema.get("required", ())
    for field, each in schema["properties"].items():
        left_out = "" if field in required else ", may be missing"
        yield f"| `{field}` | {_type(each)}{left_out} |\n"
    yield "\n"


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in words, on one line of a table."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for joined in ("oneOf", "anyOf"):
        if joined in schema:
            return " or ".join(_type(each) for each in schema[joined])
    if "enum" in schema:
        return _words(schema)
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        kind = " or ".join(kind)
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and schema.get("additionalProperties"):
        return f"object of {_type(schema['additionalProperties'])}"
    bounds = (
        ("format", "{}"), ("minimum", "from {}"), ("maximum", "to {}"), ("maxLength", "to {} long"),
        ("pattern", "`{}`"),
    )  # fmt: skip
    said = [text.format(schema[name]) for name, text in bounds if name in schema]
    return ", ".join([str(kind), *said]).replace("|", "\\|")


def _words(schema: Mapping[str, Any]) -> str:
    return ", ".join("null" if word is None else f"`{word}`" for word in schema["enum"])


if __name__ == "__main__":
    main()
