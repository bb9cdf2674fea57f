"""What OpenAPI says of a route's answers: every status that can occur, its body and its headers.

A client is generated from it, and a test sends what nobody would think of: an answer that is not
in the document fails it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIHeader, OpenAPIType, Operation
from litestar.openapi.spec import Schema as OpenAPISchema

from batua_api.problems import PROBLEM, TITLES, Problem

__all__ = ["BODY", "KEYED", "Documented", "answers", "unavailable"]

ANYBODY = (400, 500, 503)
SIGNED_IN = (*ANYBODY, 401, 403, 429)
BODY = (413,)
"""What a route that takes a body may answer beside."""
KEYED = (*BODY, 409, 422)
"""What a route that takes an ``Idempotency-Key`` may answer beside."""


def answers(
    body: Any,
    *problems: int,
    status: int = 200,
    says: str = "Done",
    media_type: str = "application/json",
    is_public: bool = False,
) -> dict[int, ResponseSpec]:
    """``body`` with ``status``, and a problem with each other status that can occur."""
    specs = {status: ResponseSpec(body, False, says, media_type)}
    for each in sorted({*(ANYBODY if is_public else SIGNED_IN), *problems}):
        specs[each] = ResponseSpec(Problem, False, TITLES[each], PROBLEM)
    return specs


def unavailable(body: Any) -> dict[int, ResponseSpec]:
    """503 in the words of a route that tells how the shop stands, not as a problem."""
    return {503: ResponseSpec(body, False, TITLES[503])}


@dataclass
class Documented(Operation):
    """An operation whose answers have their headers."""

    def __post_init__(self) -> None:
        for status in ("429", "503"):
            self._add_header(status, "Retry-After", "Seconds to wait", OpenAPIType.INTEGER)

    def say_what_is_replayed(self) -> None:
        """A stored answer is given again, and says so."""
        for status in self.responses or {}:
            if status < "400" or status in {"402", "409", "502"}:
                self._add_header(
                    status, "Idempotency-Replayed", "Whether it was given before: `true`, or none",
                    OpenAPIType.STRING,
                )  # fmt: skip

    def _add_header(self, status: str, name: str, says: str, type_: OpenAPIType) -> None:
        response: Any = (self.responses or {}).get(status)
        if response is not None:
            header = OpenAPIHeader(description=says, schema=OpenAPISchema(type=type_))
            response.headers = {**(response.headers or {}), name: header}
