"""Whatever a wallet's rules are: they refuse requests, and no money that has come."""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batua.wallets import PROFILES
from tests.support.shop import open_shop

LIMITS = (
    "top_up_min", "top_up_max", "top_ups_per_day", "balance_max", "load_per_month",
    "load_per_year", "spend_per_day", "payments_per_hour",
)  # fmt: skip
RULES = st.fixed_dictionaries(
    {"wallet_profile": st.sampled_from(sorted(PROFILES))}
    | {f"wallet_{name}": st.sampled_from([None, 0, 1, 100, 50_000]) for name in LIMITS}
)
COMING = st.tuples(
    st.sampled_from(["top-up", "order"]),
    st.integers(100, 300_000),
    st.sampled_from([0, 0, 0, 1, -1]),
)
"""What was opened, of how much, and how much more was paid."""

_customers = count(1)


@pytest.fixture
async def lenient(sqlite_url, clock):
    """The shop before it had any rules."""
    async with open_shop(sqlite_url, clock) as shop:
        yield shop


async def opened(shop, customer, coming):
    """The provider's reference of something that is to be paid."""
    kind, amount, _ = coming
    if kind == "top-up":
        made = await shop.open_top_up(amount, customer)
    else:
        order = await shop.create_order(amount, customer)
        made = await shop.pay_by_gateway(order["id"])
    assert made.status == 201
    return made["payment"]["provider_reference"]


@settings(
    max_examples=max(10, settings.default.max_examples // 10),
    # Each example has a customer of its own: what is left of the others changes nothing.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rules=RULES, comings=st.lists(COMING, min_size=1, max_size=3), is_late=st.booleans())
async def test_a_genuine_capture_is_placed_under_any_rules(
    sqlite_url, clock, lenient, rules, comings, is_late
):
    customer = f"c{next(_customers)}"
    references = [await opened(lenient, customer, coming) for coming in comings]
    await lenient.work(after_s=3 * 3600 if is_late else 0)
    before = await lenient.posted("gateway:razorpay:INR")
    async with open_shop(sqlite_url, clock, provider=lenient.provider, **rules) as shop:
        for reference, (_, amount, more) in zip(references, comings, strict=True):
            await shop.provider.pay(reference, amount=amount + more)
        await shop.hear()
        captures = await shop.rows("capture", f"customer_id = '{customer}'")
        paid = sorted(amount + more for _, amount, more in comings)
        assert sorted(row["amount"] for row in captures) == paid
        assert abs(await shop.posted("gateway:razorpay:INR") - before) == sum(paid)
        top_ups = sum(amount for kind, amount, more in comings if kind == "top-up" and not more)
        assert await shop.balance(customer) >= top_ups
        assert await shop.rows("inbox", "status <> 'applied'") == []
