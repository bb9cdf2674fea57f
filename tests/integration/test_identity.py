"""Who may come in, as the tables say and as a process knows."""

import asyncio
from datetime import timedelta

import pytest

from batua.clock import new_id
from batua.errors import Conflict, Forbidden, InvalidRequest, NotFound, TryAgain
from batua.identity import (
    ApiKeys,
    Identity,
    Permission,
    Revocations,
    Scope,
    Watch,
    split_key,
)
from batua.identity.snapshot import EMPTY, read_snapshot

MAY = [Permission.ORDERS_WRITE]


class Stopwatch:
    def __init__(self):
        self.now_s = 1_000.0

    def __call__(self):
        return self.now_s


class Counted:
    """A database that counts what is read from it, and breaks or hangs when told to."""

    def __init__(self, database):
        self.database = database
        self.reads = 0
        self.rows = 0
        self.fails = None

    async def fetch(self, sql, *args):
        self.reads += 1
        if self.fails is not None:
            raise self.fails
        rows = await self.database.fetch(sql, *args)
        self.rows += len(rows)
        return rows

    async def fetch_one(self, sql, *args):
        rows = await self.fetch(sql, *args)
        return rows[0] if rows else None


@pytest.fixture
def identity(database, clock):
    watch = Watch(database, now=clock.now, apart_s=0)  # so that no test waits for its next look
    return Identity(
        watch,
        Revocations(database, watch, now=clock.now, new_id=new_id),
        ApiKeys(database, watch, now=clock.now),
    )


async def other_process(database):
    """What a process that has just started knows."""
    return await read_snapshot(database, EMPTY)


async def test_what_is_revoked_is_known_here_at_once_and_elsewhere_with_the_next_look(
    identity, database, clock
):
    before = await other_process(database)
    await identity.revocations.revoke_token("t1", by="test")
    await identity.revocations.revoke_subject(Scope.CUSTOMER, "asha", by="test")
    clock.advance(60)
    await identity.revocations.revoke_subject(Scope.CUSTOMER, "asha", by="test")
    clock.advance(-30)
    await identity.revocations.revoke_subject(Scope.CUSTOMER, "asha", by="a clock that went back")

    here, elsewhere = await identity.watch.current(), await read_snapshot(database, before)

    assert here == elsewhere
    assert here.revoked_tokens == {"t1"}
    latest = clock.now().timestamp() + 30
    assert here.revoked_before == {("customer", "asha"): latest}
    assert await read_snapshot(database, elsewhere) is elsewhere, "nothing has changed since"


async def test_a_customer_is_disabled_and_enabled_once_and_it_stays_written_who_did_it(
    identity, database
):
    revocations = identity.revocations
    assert await revocations.disable("asha", by="staff:olga")
    assert not await revocations.disable("asha", by="staff:fay")
    assert (await other_process(database)).disabled_customers == {"asha"}
    with pytest.raises(Forbidden) as refused:
        await revocations.require_enabled("asha")
    assert refused.value.code == "customer_disabled"
    assert await revocations.enable("asha", by="staff:fay")
    assert not await revocations.enable("asha", by="staff:fay")
    assert await revocations.disable("asha", by="staff:vera")
    await revocations.require_enabled("ravi")
    rows = await database.fetch("select disabled_by, enabled_by from batua_disabled_customer")
    assert {(row["disabled_by"], row["enabled_by"]) for row in rows} == {
        ("staff:olga", "staff:fay"),
        ("staff:vera", None),
    }


async def test_a_look_reads_what_is_new_however_much_is_known(identity, database):
    revocations = identity.revocations
    for number in range(20):
        await revocations.revoke_token(f"t{number}", by="test")
        await revocations.disable(f"c{number}", by="test")
    reading = Counted(database)
    known = await read_snapshot(reading, EMPTY)
    assert reading.rows >= 40
    await revocations.enable("c7", by="test")
    await revocations.revoke_token("t20", by="test")
    reading.rows = 0
    known = await read_snapshot(reading, known)
    assert reading.rows <= 5
    assert known == await other_process(database)
    assert len(known.revoked_tokens) == 21
    assert "c7" not in known.disabled_customers


async def test_an_older_copy_of_the_database_is_read_anew(identity, database):
    await identity.revocations.revoke_token("t1", by="test")
    await identity.revocations.disable("asha", by="test")
    known = await other_process(database)
    async with database.transaction() as transaction:
        await transaction.execute("update batua_identity set version = 1")
        await transaction.execute("delete from batua_disabled_customer")
    assert await read_snapshot(database, known) == await other_process(database)


async def test_a_key_lives_is_rotated_and_ends(identity, database, clock):
    keys = identity.keys
    first = await keys.create("till", MAY, expires_in=timedelta(days=30), by="test")
    with pytest.raises(Conflict) as refused:
        await keys.create("till", MAY, expires_in=None, by="test")
    assert refused.value.code == "key_exists"
    clock.advance(3600)

    second = await keys.rotate("till", overlap=timedelta(hours=24), by="test")

    known = (await other_process(database)).keys
    assert set(known) == {first.id, second.id}
    assert known[first.id].expires_at == clock.now() + timedelta(hours=24)
    assert known[second.id].expires_at == clock.now() + timedelta(days=30)
    assert known[second.id].permissions == frozenset(MAY)
    for made in (first, second):
        assert split_key(made.plain) == (made.id, known[made.id].secret_sha256)
        assert made.plain not in repr(made)
        assert known[made.id].secret_sha256 not in repr(known[made.id])
    third = await keys.rotate("till", overlap=timedelta(days=90), by="test")
    known = (await other_process(database)).keys
    assert known[first.id].expires_at == clock.now() + timedelta(hours=24), "never prolonged"
    assert await keys.revoke("till") == 3
    assert (await other_process(database)).keys == {}
    for call in (keys.revoke("till"), keys.revoke("nobody"),
                 keys.rotate("till", overlap=timedelta(0), by="test")):  # fmt: skip
        with pytest.raises(NotFound):
            await call
    assert await keys.create("till", MAY, expires_in=None, by="test")
    with pytest.raises(InvalidRequest):
        await keys.create("a/b", MAY, expires_in=None, by="test")
    written = str([dict(row) for row in await database.fetch("select * from batua_api_key")])
    for made in (first, second, third):
        assert made.plain.split("_", 3)[3] not in written


@pytest.mark.parametrize("sent", ["batua_sk_", "batua_sk_x", "batua_sk__x", "sk_x_y", ""])
def test_what_is_no_key_has_no_id(sent):
    assert split_key(sent) == ("", "")


async def test_two_at_once_make_one_key(identity):
    made = await asyncio.gather(
        *(identity.keys.create("till", MAY, expires_in=None, by="test") for _ in range(4)),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in made) == ["Conflict"] * 3 + ["NewKey"]


async def test_nobody_is_let_in_by_knowledge_older_than_five_seconds(database, clock):
    counted, stopwatch = Counted(database), Stopwatch()
    watch = Watch(counted, now=clock.now, monotonic=stopwatch)
    await watch.current()
    counted.fails = OSError("away")
    stopwatch.now_s += 5
    assert await watch.current()
    stopwatch.now_s += 0.01
    for _ in range(2):
        with pytest.raises(TryAgain) as refused:
            await watch.current()
        assert (refused.value.code, refused.value.retry_after_s) == ("database_unavailable", 2)
        stopwatch.now_s += 1
    counted.fails = None
    assert await watch.current()


async def test_requests_ask_nothing_of_the_database(database, clock):
    counted = Counted(database)
    watch = Watch(counted, now=clock.now, monotonic=Stopwatch())
    await watch.current()
    asked = counted.reads
    for _ in range(1_000):
        await watch.current()
    assert counted.reads == asked


async def test_those_who_ask_together_share_a_look_and_looks_are_apart(database, clock):
    counted = Counted(database)
    watch = Watch(counted, now=clock.now)
    began = asyncio.get_running_loop().time()
    await watch.refresh()
    asked = counted.reads
    await asyncio.gather(*(watch.refresh() for _ in range(500)))
    assert counted.reads - asked == 2, "the counter and the staff, once for all"
    assert asyncio.get_running_loop().time() - began >= 0.4


async def test_when_a_key_was_used_is_written_once_a_minute(identity, database, clock):
    made = await identity.keys.create("till", MAY, expires_in=None, by="test")
    version = (await other_process(database)).version

    async def last_used():
        row = await database.fetch_one("select last_used_at from batua_api_key")
        return row["last_used_at"]

    first = clock.now()
    for seconds, expected in ((0, 0), (30, 0), (29, 0), (1, 60)):
        clock.advance(seconds)
        identity.watch.used(made.id)
        identity.watch.used(made.id)
        await identity.watch._write_uses()
        assert await last_used() == first + timedelta(seconds=expected)
    assert (await other_process(database)).version == version, "nobody has to read all again"


async def test_staff_accounts_are_seen_as_they_are(identity, database):
    async with database.transaction() as transaction:
        await transaction.execute(
            "insert into batua_staff (username, password, email, active, admin, superuser, role)"
            " values ('olga', 'x', 'o@x', true, true, true, 'owner'),"
            " ('fay', 'x', 'f@x', false, true, false, 'finance'),"
            " ('sam', 'x', 's@x', true, false, false, 'support')"
        )
    staff = (await identity.watch.refresh()).staff
    assert {name: (each.role, each.is_active) for name, each in staff.items()} == {
        "olga": ("owner", True), "fay": ("finance", False), "sam": ("support", False),
    }  # fmt: skip
    before = await identity.watch.current()
    async with database.transaction() as transaction:
        await transaction.execute("update batua_staff set role = 'viewer' where username = 'olga'")
    after = await read_snapshot(database, before)
    assert after.staff["olga"].role == "viewer"
    assert after.version == before.version
