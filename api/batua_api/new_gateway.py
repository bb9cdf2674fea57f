"""``batua new-gateway NAME``: a package that works at once, to be changed into a real adapter."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from batua.errors import ConfigurationError

__all__ = ["new_gateway", "write_gateway"]

_NAME = re.compile(r"[a-z][a-z0-9]{1,30}")
_SUFFIX = ".tmpl"


@click.command("new-gateway")
@click.argument("name")
@click.option(
    "--into",
    default=".",
    show_default=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder that the package's folder is made in.",
)
def new_gateway(name: str, into: Path) -> None:
    """Write a gateway package that works against its own simulator."""
    try:
        package = write_gateway(name, into)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"wrote {package}")
    click.echo(f"next: pip install --editable {package}, then change it file by file: README.md")


def write_gateway(code: str, into: Path) -> Path:
    """Write ``into/batua-CODE`` and return it.

    Raises ``ConfigurationError`` for a name that can't be a gateway's code, and for a folder that
    is there already: nothing is ever overwritten.
    """
    if not _NAME.fullmatch(code):
        raise ConfigurationError(
            f"{code!r} can't be a gateway's name: 2 to 31 lower-case letters and digits, "
            "a letter first"
        )
    package = into / f"batua-{code}"
    try:
        package.mkdir()
    except FileExistsError:
        raise ConfigurationError(f"{package} is there already: nothing was written") from None
    words = {"code": code, "CODE": code.upper(), "Class": code.capitalize()}
    _write(files("batua_api") / "scaffold", package, words)
    source = package / "src"
    module = source / f"batua_{code}"
    module.mkdir()
    for path in sorted(source.glob("*.py")):
        path.rename(module / path.name)
    (module / "py.typed").touch()
    return package


def _write(source: Traversable, target: Path, words: dict[str, str]) -> None:
    for entry in sorted(source.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            if not entry.name.startswith("__"):
                (target / entry.name).mkdir()
                _write(entry, target / entry.name, words)
        elif entry.name.endswith(_SUFFIX):
            text = entry.read_text(encoding="utf-8")
            for name, word in words.items():
                text = text.replace("{{" + name + "}}", word)
            (target / entry.name.removesuffix(_SUFFIX)).write_text(text, encoding="utf-8")
