"""Piccolo's engines made safe, for the generated panel.

Piccolo 1.38 commits before it releases the connection and resets its context variable, without
``finally``: a COMMIT that fails leaves both behind, and every later ``transaction()`` of that
context is a silent no-op (trap T1).  These subclasses put that right.  They override internals:
``tests/integration/test_piccolo_engine.py`` guards each of them.
"""

from __future__ import annotations

from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
from piccolo.engine.sqlite import Atomic, SQLiteEngine, SQLiteTransaction, TransactionType

__all__ = ["SafePostgresEngine", "SafeSQLiteEngine"]


class _SafePostgresTransaction(PostgresTransaction):
    async def __aenter__(self) -> PostgresTransaction:
        if self._parent is not None:
            return self._parent
        self.connection = await self.get_connection()
        try:
            self.transaction = self.connection.transaction()
            await self.begin()
        except BaseException:
            # Not released, the connection would keep its place in the pool for ever (trap T19).
            await self._give_back()
            raise
        self.context = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(self, exception_type: object, exception: object, traceback: object) -> bool:
        if self._parent:
            return False
        try:
            if exception is None and not self._rolled_back and not self._committed:
                await self.commit()
            elif exception is not None and not self._rolled_back:
                await self.rollback()
        finally:
            self.engine.current_transaction.reset(self.context)
            await self._give_back()
        return False

    async def _give_back(self) -> None:
        if self.engine.pool:
            await self.engine.pool.release(self.connection)
        else:
            await self.connection.close()


class _SafeSQLiteTransaction(SQLiteTransaction):
    async def __aenter__(self) -> SQLiteTransaction:
        if self._parent is not None:
            return self._parent
        self.connection = await self.get_connection()
        try:
            await self.begin()
        except BaseException:
            # Left open, the connection would keep its thread for ever.
            await self.connection.close()
            raise
        self.context = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(self, exception_type: object, exception: object, traceback: object) -> bool:
        if self._parent:
            return False
        try:
            if exception is None and not self._rolled_back and not self._committed:
                await self.commit()
            elif exception is not None and not self._rolled_back:
                await self.rollback()
        finally:
            self.engine.current_transaction.reset(self.context)
            await self.connection.close()
        return False


class SafePostgresEngine(PostgresEngine):
    """Piccolo's engine on a pool of ours, so that it opens no connection of its own."""

    def __init__(self, pool: object) -> None:
        super().__init__(config={}, extensions=())
        self.pool = pool

    async def check_version(self) -> None:
        """Piccolo connects here to look at the version; our pool has connected already."""

    def transaction(self, allow_nested: bool = False) -> PostgresTransaction:  # noqa: FBT001, FBT002
        return _SafePostgresTransaction(engine=self, allow_nested=allow_nested)


class SafeSQLiteEngine(SQLiteEngine):
    """Piccolo's engine with immediate transactions."""

    def atomic(self, transaction_type: TransactionType = TransactionType.immediate) -> Atomic:
        return super().atomic(transaction_type)

    def transaction(
        self,
        transaction_type: TransactionType = TransactionType.immediate,
        allow_nested: bool = False,  # noqa: FBT001, FBT002
    ) -> SQLiteTransaction:
        return _SafeSQLiteTransaction(
            engine=self, transaction_type=transaction_type, allow_nested=allow_nested
        )
