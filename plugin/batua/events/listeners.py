"""Who is told of events: endpoints that an operator adds, and the hooks of a host."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from batua.clock import Clock, NewId
from batua.database import Database, Dialect, Row, Transaction
from batua.errors import Conflict, InvalidRequest, NotFound
from batua.events.addresses import Addresses
from batua.events.facts import EventType
from batua.sealing import Sealer

__all__ = ["HOOK", "WEBHOOK", "Listeners", "hears", "secret_place"]

HOOK, WEBHOOK = "hook", "webhook"
ALL = "*"
ENDPOINTS_MAX = 100
"""Each may take a lane of its own for as long as it hangs."""
SECRET_BYTES = 32
PREFIX = "whsec_"
REPLAYED_MAX = 10_000
INSERT = (
    "insert into batua_listener"
    " (id, kind, url, events, status, note, secret, created_at, updated_at, version)"
)


def hears(listener: Row, type: str) -> bool:
    """Whether a listener wants events of this type."""
    wanted = listener["events"].split(" ")
    return ALL in wanted or type in wanted


def secret_place(listener_id: str) -> str:
    """What a listener's secrets are sealed for."""
    return f"batua_listener/{listener_id}/secret"


class Listeners:
    """Adds them, changes them, and makes due again what they were told. Moves no money."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        addresses: Addresses,
        *,
        now: Clock,
        new_id: NewId,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._addresses = addresses
        self._now = now
        self._new_id = new_id

    async def list(self) -> Sequence[Row]:
        """Everybody, with how many events wait for each and how many are dead."""
        return await self._database.fetch(
            "select l.*,"
            " (select count(*) from batua_delivery d where d.listener_id = l.id"
            "  and d.next_attempt_at is not null) as waiting,"
            " (select count(*) from batua_delivery d where d.listener_id = l.id"
            "  and d.status = 'dead') as dead"
            " from batua_listener l order by l.created_at, l.id"
        )

    async def read(self, id: str) -> Row:
        """One of them. Raises ``NotFound``."""
        row = await self._database.fetch_one("select * from batua_listener where id = $1", id)
        if row is None:
            raise NotFound("listener", id)
        return row

    async def read_endpoint(self, id: str) -> Row:
        """An endpoint and no hook. Raises ``NotFound``."""
        listener = await self.read(id)
        if listener["kind"] != WEBHOOK:
            raise NotFound("endpoint", id)
        return listener

    async def add(self, url: str, events: Iterable[str]) -> tuple[str, str]:
        """Add an endpoint; returns its id and its secret, which nobody is shown again.

        Raises ``InvalidRequest`` (``webhook_url_refused``, ``unknown_event_type``), ``Conflict``
        (``too_many_endpoints``) and ``ConfigurationError`` where nothing can be sealed.
        """
        self._addresses.require_url(url)
        listener_id, secret = self._new_id("lst"), _new_secret()
        sealed = self._sealer.seal(secret, secret_place(listener_id))
        async with self._database.transaction() as transaction:
            known = await transaction.fetch_one(
                "select count(*) as number from batua_listener where kind = $1", WEBHOOK
            )
            if known is not None and known["number"] >= ENDPOINTS_MAX:
                raise Conflict(
                    "too_many_endpoints", f"There are {ENDPOINTS_MAX} endpoints already."
                )
            now = self._now()
            await transaction.execute(
                f"{INSERT} values ($1, $2, $3, $4, 'enabled', '', $5, $6, $7, 1)",
                listener_id, WEBHOOK, url, _checked(events), sealed, now, now,
            )  # fmt: skip
            await _announce(transaction)
        return listener_id, secret

    async def enlist(self, types: Iterable[EventType]) -> None:
        """The host's hooks listen from now on: one for each type of event.

        All of a host's processes may say so at once.
        """
        now = self._now()
        async with self._database.transaction() as transaction:
            # In one order: nobody waits for whoever waits for them.
            for told in sorted(types):
                await transaction.execute(
                    f"{INSERT} values ($1, $2, '', $3, 'enabled', '', '', $4, $5, 1)"
                    " on conflict (id) do update set status = 'enabled', note = '',"
                    " failing_since = null, updated_at = excluded.updated_at,"
                    " version = batua_listener.version + 1"
                    " where batua_listener.status = 'disabled'",
                    hook_id(told), HOOK, str(told), now, now,
                )  # fmt: skip
            await _announce(transaction)

    async def rotate(self, id: str, *, overlap: timedelta) -> str:
        """A new secret; the old one signs too for as long as ``overlap``. Returns the new one."""
        listener = await self.read_endpoint(id)
        secret, now = _new_secret(), self._now()
        sealed = self._sealer.seal(secret, secret_place(id))
        await self._change(
            listener,
            "secret = $1, old_secret = secret, old_until = $2",
            sealed,
            now + overlap,
        )
        return secret

    async def enable(self, id: str) -> None:
        """Send to it again, what has waited too."""
        await self._change(
            await self.read(id), "status = 'enabled', note = '', failing_since = null"
        )

    async def disable(self, id: str, why: str) -> None:
        """Send nothing more to it; what happens meanwhile can be replayed."""
        await self._change(await self.read(id), "status = 'disabled', note = $1", why)

    async def reseal(self) -> int:
        """Seal every secret with the newest key; returns how many there were."""
        count = 0
        for listener in await self._database.fetch(
            "select * from batua_listener where kind = $1", WEBHOOK
        ):
            place = secret_place(listener["id"])
            old = listener["old_secret"]
            await self._change(
                listener,
                "secret = $1, old_secret = $2",
                self._sealer.reseal(listener["secret"], place),
                None if old is None else self._sealer.reseal(old, place),
            )
            count += 1 if old is None else 2
        return count

    async def replay(self, id: str, *, since: datetime) -> int:
        """Tell ``id`` again of all that it hears and that has happened since; returns how many.

        What it was never told of, because it was added or disabled meanwhile, is told now. Raises
        ``Conflict`` (``too_much_to_replay``) for more than ten thousand: choose a later time.
        """
        listener = await self.read(id)
        now = self._now()
        wanted = listener["events"].split(" ")
        heard = self._database.dialect.in_list("type", "$2")
        which, args = ("", ()) if ALL in wanted else (f" and {heard}", (wanted,))
        # Locked until they are due again: the sweep of old ones must not take them meanwhile.
        lock = " for key share" if self._database.dialect is Dialect.POSTGRES else ""
        async with self._database.transaction() as transaction:
            events = await transaction.fetch(
                "select id from batua_event where created_at >= $1 and routed_at is not null"
                f"{which} order by id limit {REPLAYED_MAX + 1}{lock}",
                since,
                *args,
            )
            if len(events) > REPLAYED_MAX:
                raise Conflict(
                    "too_much_to_replay",
                    f"More than {REPLAYED_MAX} events since {since}: choose a later time.",
                )
            await transaction.execute_many(
                "insert into batua_delivery (id, event_id, listener_id, status, attempts, note,"
                " next_attempt_at, created_at, version)"
                " values ($1, $2, $3, 'pending', 0, '', $4, $5, 1)"
                " on conflict (event_id, listener_id) do update set status = 'pending',"
                " attempts = 0, next_attempt_at = excluded.next_attempt_at, delivered_at = null,"
                " version = batua_delivery.version + 1",
                [(self._new_id("dlv"), event["id"], id, now, now) for event in events],
            )
        return len(events)

    async def replay_one(self, delivery_id: str) -> None:
        """Tell one listener of one event again. Raises ``NotFound``."""
        async with self._database.transaction() as transaction:
            changed = await transaction.execute(
                "update batua_delivery set status = 'pending', attempts = 0,"
                " next_attempt_at = $1, delivered_at = null, version = version + 1 where id = $2",
                self._now(),
                delivery_id,
            )
        if not changed:
            raise NotFound("delivery", delivery_id)

    async def _change(self, listener: Row, change: str, *values: object) -> None:
        place = len(values) + 1
        async with self._database.transaction() as transaction:
            changed = await transaction.execute(
                f"update batua_listener set {change}, updated_at = ${place},"
                f" version = version + 1 where id = ${place + 1} and version = ${place + 2}",
                *values,
                self._now(),
                listener["id"],
                listener["version"],
            )
        if not changed:
            raise Conflict(
                "listener_changed", f"Somebody changed {listener['id']!r} just now. Try again."
            )


def hook_id(type: str) -> str:
    """The listener that is the host's hook for a type of event."""
    return f"{HOOK}:{type}"


async def _announce(transaction: Transaction) -> None:
    # From this commit on every group writes its events: the new version refuses those that
    # were loaded before it.
    await transaction.execute(
        "update batua_ledger set announces = true, version = version + 1"
        " where id = 1 and not announces"
    )


def _checked(events: Iterable[str]) -> str:
    wanted = sorted(set(events))
    if not wanted:
        raise InvalidRequest("Say which events, or * for all.", pointer="/events")
    for name in wanted:
        if name != ALL and name not in set(EventType):
            raise InvalidRequest(
                f"There is no event type {name!r}: see docs/reference/events.md.",
                pointer="/events",
                code="unknown_event_type",
            )
    return " ".join(wanted)


def _new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")
