"""For Piccolo's own tools (``piccolo playground run`` and the like): reads, never migrations.

Batua itself needs no global configuration. Its schema is moved by ``batua migrate``.
"""

import os

from piccolo.conf.apps import AppConfig, AppRegistry
from piccolo.engine.postgres import PostgresEngine

from batua.bootstrap import TABLES
from batua.database.piccolo import SafeSQLiteEngine

_url = os.environ.get("BATUA_DATABASE_URL", "sqlite:///batua.sqlite")

DB = (
    SafeSQLiteEngine(path=_url.removeprefix("sqlite:///"))
    if _url.startswith("sqlite")
    else PostgresEngine(config={"dsn": _url}, extensions=())
)

APP_REGISTRY = AppRegistry(apps=[])
APP_CONFIG = AppConfig(
    app_name="batua",
    migrations_folder_path="",
    table_classes=list(TABLES),
    migration_dependencies=[],
)
