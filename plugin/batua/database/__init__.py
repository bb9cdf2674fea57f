"""The database: one small protocol, SQLite and PostgreSQL behind it.

Money goes through ``Database.transaction()`` and never through Piccolo's: Piccolo's leaves its
context poisoned when COMMIT fails, nests silently and begins deferred on SQLite (traps T1, T2, T3
and T13).  Here a transaction is an object that is handed on, not a hidden context.
"""

from batua.database.core import (
    Database,
    Dialect,
    Lookup,
    Reader,
    Row,
    Statement,
    Storage,
    Transaction,
    Write,
)
from batua.database.migrate import migrate, migrations, pending
from batua.database.opening import open_database
from batua.database.postgres import PostgresDatabase
from batua.database.sqlite import SQLiteDatabase
from batua.database.sqlite_backup import back_up_sqlite
from batua.database.sqlite_connection import Connection as SQLiteConnection

__all__ = [
    "Database",
    "Dialect",
    "Lookup",
    "PostgresDatabase",
    "Reader",
    "Row",
    "SQLiteConnection",
    "SQLiteDatabase",
    "Statement",
    "Storage",
    "Transaction",
    "Write",
    "back_up_sqlite",
    "migrate",
    "migrations",
    "open_database",
    "pending",
]
