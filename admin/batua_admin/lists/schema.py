"""What the panel's page is told of a list: the JSON schema that it draws tables and forms by.

The page picks a field by ``type``: ``number`` gets a text field and, to find by, the words that
compare. That is what amounts and times need, which come as text.
"""

from __future__ import annotations

from typing import Any

from batua_admin.lists.catalogue import LISTS
from batua_admin.lists.columns import Column, Kind, Listed
from batua_admin.lists.finding import is_findable

__all__ = ["describe", "references"]

TYPES = {
    Kind.AMOUNT: "number", Kind.TIME: "number", Kind.NUMBER: "number", Kind.FLAG: "boolean",
}  # fmt: skip
LONG = frozenset(
    {
        "after",
        "asked",
        "before",
        "body",
        "checkout",
        "data",
        "description",
        "events",
        "headers",
        "items",
        "note",
        "parameters",
        "response_body",
        "wording",
    }
)
"""Texts that need more than a line."""


def describe(listed: Listed) -> dict[str, Any]:
    """The schema of a list."""
    columns = listed.columns
    return {
        "title": listed.name,
        "type": "object",
        "properties": {name: _property(column) for name, column in columns.items()},
        "required": [],
        "extra": {
            "help_text": listed.help or None,
            "link_column_name": _link_column(listed, columns),
            "media_columns": [],
            "order_by": [{"column": listed.newest, "ascending": False}],
            "primary_key_name": listed.key,
            "rich_text_columns": [],
            "time_resolution": {},
            "visible_column_names": listed.shown.split(),
            "visible_fields_options": list(columns),
            "visible_filter_names": [
                name for name in listed.shown.split() if is_findable(listed, columns[name])
            ],
        },
    }


def references(listed: Listed) -> list[dict[str, str]]:
    """The lists that lead to a row of this one, and can be found by it."""
    return [
        {"tableName": other.name, "columnName": column.name}
        for other in LISTS
        for column in other.columns.values()
        if column.link and column.link.to == listed.name and is_findable(other, column)
    ]


def _link_column(listed: Listed, columns: dict[str, Column]) -> str:
    """The first column of the list that leads nowhere else leads to the row's own page."""
    return next(name for name in listed.shown.split() if columns[name].link is None)


def _property(column: Column) -> dict[str, Any]:
    extra: dict[str, Any] = {
        "help_text": None,
        "choices": _choices(column) if column.kind is Kind.WORD else None,
        "secret": False,
        "nullable": column.is_nullable,
        "unique": False,
    }
    if column.link:
        extra["foreign_key"] = {"to": column.link.to, "target_column": "id"}
    elif column.name in LONG:
        extra["widget"] = "text-area"
    return {"title": column.title, "type": TYPES.get(column.kind, "string"), "extra": extra}


def _choices(column: Column) -> dict[str, dict[str, str]]:
    return {
        word: {"display_name": word.replace("_", " ").capitalize(), "value": word}
        for word in column.words
    }
