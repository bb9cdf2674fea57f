"""What ``demo`` keeps beside its database, where the other commands find it.

One file, readable by its owner alone (mode 0600), with the secrets that were made up for the
demo: ``NAME=value`` lines in the names of the environment variables that they stand in for.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from batua.sealing import new_key
from batua.settings import Settings, read_settings

__all__ = ["beside_database", "demo_secrets", "known_secrets", "local_settings", "secret_name"]

OF_COMMANDS = {"jwt_secret": "BATUA_JWT_SECRET", "encryption_key": "BATUA_ENCRYPTION_KEY"}
"""What other commands look for in the file: a setting, and its name there."""


def beside_database(database_url: str, suffix: str) -> Path:
    """A path next to a SQLite file, or in the working directory for a database server."""
    scheme, _, rest = database_url.partition("://")
    base = Path(rest[1:]) if scheme == "sqlite" else Path("batua-demo")
    return base.with_name(f"{base.name}.{suffix}")


def known_secrets(database_url: str) -> dict[str, str]:
    """What an earlier ``demo`` made up for this database; empty if there was none."""
    path = beside_database(database_url, "secret")
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def secret_name(code: str, keyword: str) -> str:
    """The name of a simulator's secret in the file."""
    return f"SIMULATOR_{code}_{keyword}".upper()


def demo_secrets(database_url: str, simulators: Mapping[str, str]) -> dict[str, str]:
    """The demo's secrets, made up on first use.

    ``simulators`` has the names of those of the simulators, and what each must begin with.
    """
    known = known_secrets(database_url)
    wanted = {
        "BATUA_JWT_SECRET": secrets.token_hex(32),
        "BATUA_ENCRYPTION_KEY": new_key(),
        "BATUA_WHATSAPP_ACCESS_TOKEN": secrets.token_hex(16),
        "BATUA_WHATSAPP_APP_SECRET": secrets.token_hex(16),
        "DEMO_STAFF_PASSWORD": secrets.token_urlsafe(9),
        **{name: prefix + secrets.token_hex(16) for name, prefix in simulators.items()},
    }
    kept = wanted | known
    if kept != known:
        _write(beside_database(database_url, "secret"), kept)
    return kept


def _write(path: Path, kept: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in kept.items())


def local_settings(environ: Mapping[str, str]) -> Settings:
    """The settings of a command: the environment's, and the demo's secrets where it has none."""
    settings = read_settings(environ)
    known = known_secrets(settings.database_url)
    found = {
        field: known[name]
        for field, name in OF_COMMANDS.items()
        if not getattr(settings, field) and name in known
    }
    return read_settings(environ, **found) if found else settings
