"""How a process of ours logs: one line an event, on standard error, and no secret in it.

Everybody logs with the standard library, so a host that embeds the module hears of everything in
its own way.  Only our own commands configure anything: then every line passes through here.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor

from batua.following import followed
from batua.redaction import redact
from batua.settings import Settings

__all__ = ["Lines", "configure_logs"]

OURS = ("batua", "batua_api", "batua_admin")
TELL_BODIES = ("httpx", "httpcore", "urllib3", "asyncpg", "piccolo", "hpack", "multipart")
"""Libraries that tell of whole requests, with their heads, where they are let."""


def configure_logs(settings: Settings, stream: TextIO | None = None) -> None:
    """Send the lines of the whole process to ``stream``, standard error unless told."""
    stream = sys.stderr if stream is None else stream
    is_terminal = stream.isatty()
    is_json = settings.log_format == "json" or (settings.log_format == "auto" and not is_terminal)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines(is_json=is_json, is_terminal=is_terminal))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(settings.log_level)
    for name in TELL_BODIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    # A record that can't be written must not print itself, arguments and all.
    logging.raiseExceptions = False


class Lines(structlog.stdlib.ProcessorFormatter):
    """A record as a line. One with ``lines`` stands for several, each with ids of its own."""

    def __init__(self, *, is_json: bool, is_terminal: bool = False) -> None:
        renderer: Any = (
            structlog.processors.JSONRenderer(serializer=_json)
            if is_json
            else structlog.dev.ConsoleRenderer(
                colors=is_terminal,
                timestamp_key="time",
                exception_formatter=structlog.dev.plain_traceback,
            )
        )
        traces: list[Processor] = [structlog.processors.format_exc_info] if is_json else []
        super().__init__(
            foreign_pre_chain=[_follow, structlog.stdlib.ExtraAdder()],
            processors=[_name, self.remove_processors_meta, *traces, renderer],
        )
        self._is_json = is_json
        self._render: Callable[[Any, str, EventDict], str] = renderer

    def format(self, record: logging.LogRecord) -> str:
        """The line, or lines, without what is secret."""
        many: list[Mapping[str, Any]] | None = getattr(record, "lines", None)
        if many is None:
            return redact(super().format(record))
        head = {**_head(record), "event": record.msg}
        return redact(self._render_all([{**head, **each} for each in many]))

    def _render_all(self, events: list[EventDict]) -> str:
        if self._is_json:
            return _ENCODER.encode_lines(events).decode().rstrip("\n")
        return "\n".join(self._render(None, "", each) for each in events)


_ENCODER = msgspec.json.Encoder(enc_hook=repr)


def _json(event: Any, **_: Any) -> str:
    return _ENCODER.encode(event).decode()


def _follow(_: Any, __: str, event: EventDict) -> EventDict:
    return {**event, **followed()}


def _name(_: Any, __: str, event: EventDict) -> EventDict:
    """Who says it, when and how loudly: first, as people look for it."""
    said = event.pop("event")
    return {**_head(event["_record"]), "event": said, **event}


def _head(record: logging.LogRecord) -> dict[str, Any]:
    moment = datetime.fromtimestamp(record.created, UTC)
    return {
        "time": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
    }
