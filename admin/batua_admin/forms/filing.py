"""What a form is: its fields, who may file it, and the service that it calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from batua.audit import Actor
from batua.bootstrap import Batua
from batua.staff import Desk, Word, require

__all__ = ["Filing", "StaffForm"]


@dataclass(frozen=True, slots=True)
class Filing:
    """A form that somebody files. ``id`` was made before: what the form makes gets it."""

    batua: Batua
    actor: Actor
    id: str

    @property
    def desk(self) -> Desk:
        """Where it goes."""
        return self.batua.desk


@dataclass(frozen=True, slots=True)
class StaffForm:
    """One form, for the generated panel and for our pages alike.

    ``fill`` calls the desk and returns a sentence that says what was done. ``prefix`` is that of
    the id which is made for it. What one that ``reveals`` says is a secret, shown once and kept
    nowhere.
    """

    word: Word
    group: str
    name: str
    description: str
    model: type[BaseModel]
    fill: Callable[[Filing, Any], Awaitable[str]]
    prefix: str = "aud"
    reveals: bool = False

    async def file(self, filing: Filing, data: BaseModel) -> str:
        """File it, for those who may: nobody else learns even whether there is such a thing.

        The desk asks for the role once more, whoever calls it.
        """
        require(filing.actor, self.word)
        return await self.fill(filing, data)

    @property
    def slug(self) -> str:
        """Its place in an address, as Piccolo makes it."""
        return self.name.replace(" ", "-").lower()
