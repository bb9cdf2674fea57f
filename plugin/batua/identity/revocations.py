"""Tokens that are not to be taken any more, and customers who may do nothing.

None of it moves money, and money that comes for a disabled customer is never refused.
"""

from __future__ import annotations

from batua.clock import Clock, NewId
from batua.database import Database
from batua.errors import Forbidden
from batua.identity.changing import THIS_CHANGE, changing
from batua.identity.scopes import Scope
from batua.identity.watch import Watch

__all__ = ["Revocations"]


class Revocations:
    """Each takes effect in every process within five seconds, and in this one at once."""

    def __init__(self, database: Database, watch: Watch, *, now: Clock, new_id: NewId) -> None:
        self._database = database
        self._watch = watch
        self._now = now
        self._new_id = new_id

    async def revoke_token(self, jti: str, *, by: str) -> None:
        """Refuse the token with this id from now on, whether or not anybody has seen it."""
        async with changing(self._database, self._watch) as transaction:
            await transaction.execute(
                "insert into batua_revocation (id, jti, created_at, created_by, changed_in)"
                f" values ($1, $2, $3, $4, {THIS_CHANGE})",
                self._new_id("rev"),
                jti,
                self._now(),
                by,
            )

    async def revoke_subject(self, scope: Scope, subject: str, *, by: str) -> None:
        """Refuse all of the subject's tokens in this scope that were issued before now."""
        async with changing(self._database, self._watch) as transaction:
            moment = self._now()
            await transaction.execute(
                "insert into batua_revocation"
                " (id, scope, subject, issued_before, created_at, created_by, changed_in)"
                f" values ($1, $2, $3, $4, $4, $5, {THIS_CHANGE})",
                self._new_id("rev"),
                str(scope),
                subject,
                moment,
                by,
            )

    async def disable(self, customer_id: str, *, by: str) -> bool:
        """The customer may do nothing from now on; False if that was so already."""
        async with changing(self._database, self._watch) as transaction:
            count = await transaction.execute(
                "insert into batua_disabled_customer"
                " (id, customer_id, disabled_at, disabled_by, changed_in)"
                f" values ($1, $2, $3, $4, {THIS_CHANGE})"
                " on conflict (customer_id) where enabled_at is null do nothing",
                self._new_id("dis"),
                customer_id,
                self._now(),
                by,
            )
        return count > 0

    async def enable(self, customer_id: str, *, by: str) -> bool:
        """The customer may come in again; False if they could all the time."""
        async with changing(self._database, self._watch) as transaction:
            count = await transaction.execute(
                "update batua_disabled_customer set enabled_at = $2, enabled_by = $3,"
                f" changed_in = {THIS_CHANGE}"
                " where customer_id = $1 and enabled_at is null",
                customer_id,
                self._now(),
                by,
            )
        return count > 0

    async def is_enabled(self, customer_id: str) -> bool:
        """Whether the customer may come in, as far as this process knows."""
        return not (await self._watch.current()).is_disabled(Scope.CUSTOMER, customer_id)

    async def require_enabled(self, customer_id: str) -> None:
        """Raises ``Forbidden``: ``customer_disabled``. Asks this process's memory alone."""
        if not await self.is_enabled(customer_id):
            raise Forbidden("customer_disabled", f"The customer {customer_id!r} is disabled.")
