"""Put a SQLite without the WAL-reset bug in the place of the system's. Import this first.

SQLite 3.7.0 to 3.51.2 can lose committed writes in WAL mode (https://sqlite.org/wal.html,
"walresetbug", read 2026-11-22).  The ``pysqlite3`` wheel carries a fixed one.  The swap holds for
the whole process, so only our own entry points import this module: embedded in a host's process,
Batua takes the ``sqlite3`` that it finds, and ``database.sqlite`` stays out of WAL mode if need be.
Two copies of SQLite in one process would break each other's file locks, hence all or nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec

__all__: list[str] = []

# Whoever else has imported sqlite3 by now keeps the system's copy: coverage and debuggers do, on
# files of their own, which harms nobody.  Only those that open the shop's file must agree.
_OPENS_THE_SHOP = {"aiosqlite", "piccolo.engine.sqlite", "batua.database.sqlite"}

if find_spec("pysqlite3") is not None and not _OPENS_THE_SHOP & sys.modules.keys():
    sys.modules["sqlite3"] = import_module("pysqlite3")
    sys.modules["sqlite3.dbapi2"] = import_module("pysqlite3.dbapi2")
