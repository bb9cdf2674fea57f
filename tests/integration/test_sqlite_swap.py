"""The test process itself runs on the SQLite that we ship, with and without ``--cov``."""

from __future__ import annotations

import sqlite3
import sys

import aiosqlite.core
import piccolo.engine.sqlite
import pysqlite3
import pytest

from batua.database import sqlite, sqlite_connection
from batua.database.sqlite_connection import has_wal_reset_bug


@pytest.mark.skipif(sys.platform != "linux", reason="the wheel is for Linux")
def test_everybody_who_opens_the_shop_has_the_fixed_sqlite():
    for module in (
        sqlite,
        sqlite_connection,
        piccolo.engine.sqlite,
        aiosqlite.core,
        sys.modules[__name__],
    ):
        assert module.sqlite3 is pysqlite3, module.__name__
    assert not has_wal_reset_bug(sqlite3.sqlite_version_info)
