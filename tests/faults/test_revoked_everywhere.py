"""Two real servers on one database: what is revoked is refused by both within five seconds."""

import asyncio
import time

import httpx
import jwt
import pytest

from batua.clock import new_id, utc_now
from batua.identity import FRESH_S, ApiKeys, Permission, Revocations, Scope, Watch
from tests.support.clients import JWT_SECRET
from tests.support.processes import running_serve

SLACK_S = 1.0
"""For the request itself, on a machine that does other things too."""


def signed(subject, scope="customer", **claims):
    now = int(time.time())
    wanted = {"sub": subject, "scope": scope, "iss": "batua", "aud": "batua", "iat": now - 60,
              "exp": now + 3600, **claims}  # fmt: skip
    return jwt.encode(wanted, JWT_SECRET, algorithm="HS256")


class Two:
    """Both servers, asked the same."""

    def __init__(self, bases):
        self.https = [httpx.AsyncClient(base_url=f"{base}/api/v1", trust_env=False, timeout=10)
                      for base in bases]  # fmt: skip

    async def statuses(self, bearer, path):
        headers = {"Authorization": f"Bearer {bearer}"}
        answers = await asyncio.gather(*(http.get(path, headers=headers) for http in self.https))
        return {answer.status_code for answer in answers}

    async def until_all(self, wanted):
        """Each (bearer, path) gets its status from both, in time."""
        began = time.monotonic()
        while True:
            found = {key: await self.statuses(*key) for key in wanted}
            if found == {key: {status} for key, status in wanted.items()}:
                return
            assert time.monotonic() - began < FRESH_S + SLACK_S, found
            await asyncio.sleep(0.05)

    async def close(self):
        for http in self.https:
            await http.aclose()


@pytest.fixture
def bases(postgres_url, tmp_path):
    variables = {"BATUA_JWT_SECRET": JWT_SECRET}
    with (
        running_serve(postgres_url, cwd=tmp_path, **variables) as one,
        running_serve(postgres_url, cwd=tmp_path, **variables) as other,
    ):
        yield one.base, other.base


async def test_both_servers_refuse_within_five_seconds(bases, postgres_url, open_more):
    database = await open_more(postgres_url, pool_size=2)
    watch = Watch(database, now=utc_now)
    revocations = Revocations(database, watch, now=utc_now, new_id=new_id)
    keys = ApiKeys(database, watch, now=utc_now)
    async with database.transaction() as transaction:
        await transaction.execute(
            "insert into batua_staff (username, password, email, active, admin, superuser, role)"
            " values ('olga', 'x', 'o@x', true, true, true, 'owner')"
        )
    two = Two(bases)
    made = await keys.create("till", [Permission.ORDERS_READ], expires_in=None, by="test")
    assert await two.statuses(made.plain, "/orders") == {200}, "a new key works at once"
    one_token = signed("ravi", jti="lost")
    asha, disabled, staff = signed("asha"), signed("meera"), signed("olga", "staff", role="owner")
    before = {
        (asha, "/wallet"): 200,
        (disabled, "/wallet"): 200,
        (one_token, "/wallet"): 200,
        (staff, "/customers/asha/wallet"): 200,
        (made.plain, "/orders"): 200,
    }
    await two.until_all(before)

    await revocations.revoke_subject(Scope.CUSTOMER, "asha", by="test")
    await revocations.revoke_token("lost", by="test")
    await revocations.disable("meera", by="test")
    await keys.revoke("till")
    async with database.transaction() as transaction:
        await transaction.execute("update batua_staff set active = false where username = 'olga'")
    await two.until_all({key: 403 if key[0] == disabled else 401 for key in before})
    await revocations.enable("meera", by="test")
    await two.until_all({(disabled, "/wallet"): 200, (signed("sam"), "/wallet"): 200})
    await two.close()
