"""Canaries: what must never come out again, put in wherever somebody may put something in."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from batua.database import Database, Dialect

__all__ = ["PANS", "TEXT", "Listener", "listening", "planted", "tables_of"]

PANS = ("4111111111111111", "5555 5555 5555 4444", "3782-822463-10005")
TEXT = "canary text of a person"
"""What people may write: it is kept where it was meant for, and told to nobody else."""


@dataclass
class Listener:
    """A provider who answers with what it should not, and a collector of traces."""

    base: str
    traces: list[bytes] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


@contextlib.contextmanager
def listening(answer: dict[str, Any]) -> Iterator[Listener]:
    """Answer every call with 400 and ``answer``, and take in traces."""

    class Talk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/v1/traces":
                listener.traces.append(body)
                self._say(200, b"")
            else:
                listener.calls.append(self.path)
                self._say(400, json.dumps(answer).encode())

        do_GET = do_POST  # noqa: N815 - http.server's own names

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Talk) as server:
        listener = Listener(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()


def planted(document: dict[str, Any], schema: dict[str, Any], canary: str) -> Any:
    """A body that fits ``schema`` as well as one with ``canary`` in every text can."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for each in schema.get("anyOf", ()) or schema.get("oneOf", ()):
        if each.get("type") != "null":
            return planted(document, each, canary)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        named = {
            name: planted(document, each, canary)
            for name, each in schema.get("properties", {}).items()
        }
        return named or {canary: canary}
    if kind == "array":
        return [planted(document, schema.get("items") or {}, canary)]
    if kind in {"integer", "number", "boolean"}:
        return True if kind == "boolean" else 100
    return "INR" if schema.get("pattern", "").startswith("^[A-Z]{3}") else canary


async def tables_of(database: Database) -> dict[str, list[dict[str, str]]]:
    """Every table there is, Batua's or not, as text: table, rows, and what their columns say."""
    listed = {
        Dialect.SQLITE: "select name from sqlite_master where type = 'table'",
        Dialect.POSTGRES: "select tablename as name from pg_tables where schemaname = 'public'",
    }[database.dialect]
    return {
        row["name"]: [
            {column: _text(value) for column, value in dict(each).items()}
            for each in await database.fetch(f'select * from "{row["name"]}"')
        ]
        for row in await database.fetch(listed)
    }


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
