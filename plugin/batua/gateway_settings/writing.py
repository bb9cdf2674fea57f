"""Write what staff have given to a gateway, and shut what it would open unasked, in one commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from batua.errors import Conflict
from batua.gateway_settings.tables import GatewaySetting
from batua.ledger import Book, Need, Record
from batua.payments import GatewayState, GatewaySwitch, switch

__all__ = ["WriteSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSettings:
    """Store ``sealed`` values of one gateway, None for those that are cleared.

    ``versions`` are those of every row when the new settings were tried, by id: with others they
    might not work, or move another kind of money. ``shut`` are gateways that take no new payments
    until staff say so again. Without an ``actor`` a row stays in the name of who wrote it.
    """

    gateway: str
    sealed: Mapping[str, str | None] = field(repr=False)
    versions: Mapping[str, int]
    gateways: Iterable[str]
    shut: Iterable[str] = ()
    actor: str = ""

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        for code in self.gateways:
            yield Need(GatewaySetting, "gateway", code)
        for code in self.shut:
            yield Need(GatewaySwitch, "code", code)

    def decide(self, book: Book) -> None:
        """Raises ``Conflict``: ``gateway_settings_changed``."""
        rows = {
            row["id"]: row
            for code in self.gateways
            for row in book.find(GatewaySetting, "gateway", code)
        }
        mine = {name: rows.get(f"{self.gateway}.{name}") for name in self.sealed}
        if all(row and row["sealed"] == self.sealed[name] for name, row in mine.items()):
            return  # it is run again: no two seals are alike
        if {key: row["version"] for key, row in rows.items()} != dict(self.versions):
            raise Conflict(
                "gateway_settings_changed",
                "Somebody has just changed a gateway's settings. Look at them and try again.",
            )
        for name, sealed in self.sealed.items():
            self._write(book, mine[name], name, sealed)
        for code in self.shut:
            switch(book, code, GatewayState.DISABLED, self.actor)

    def _write(self, book: Book, row: Record | None, name: str, sealed: str | None) -> None:
        if row is None:
            book.insert(
                GatewaySetting,
                id=f"{self.gateway}.{name}",
                gateway=self.gateway,
                name=name,
                sealed=sealed,
                updated_by=self.actor,
                updated_at=book.now,
            )
        elif self.actor:
            book.update(row, sealed=sealed, updated_by=self.actor, updated_at=book.now)
        else:
            book.update(row, sealed=sealed)
