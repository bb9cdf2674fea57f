"""The audit log: who did what, when, from where, why, and what it changed."""

from __future__ import annotations

import json

from starlette.responses import Response

from batua_admin.pages.changes import changes_of
from batua_admin.pages.shell import Visit

__all__ = ["show_audit"]

SHOWN = 50


async def show_audit(visit: Visit) -> Response:
    """A page of entries, newest first; of one person, thing or kind of act if asked."""
    where, args = ["1 = 1"], list[object]()
    for column in ("actor", "subject", "act"):
        value = visit.asked(column)
        if value:
            args.append(value)
            where.append(f"{column} = ${len(args)}")
    before = visit.number("before")
    if before is not None:
        args.append(before)
        where.append(f"seq < ${len(args)}")
    rows = await visit.batua.database.fetch(
        f"select * from batua_audit where {' and '.join(where)} order by seq desc limit {SHOWN}",
        *args,
    )
    return visit.show(
        "audit.html",
        title="Audit log",
        entries=rows,
        asked={row["seq"]: json.loads(row["asked"]) for row in rows},
        changes=await changes_of(visit.batua.database, rows),
        is_full=len(rows) == SHOWN,
    )
