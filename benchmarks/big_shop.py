"""A shop after years: a million orders, ten million entries, and all that hangs on them.

Written by the database itself, a statement a table, for what staff look at. Its rows are shaped as
our code leaves them, and lead to each other; its hashes are made up, so that nobody verifies it
(``big_ledger`` is for that).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from batua.database import Database
from batua.database.postgres import PostgresDatabase
from benchmarks.big_ledger import INDEXES

__all__ = ["ORDER", "START", "STEP", "fill"]

START = datetime(2025, 1, 1, tzinfo=UTC)
STEP = timedelta(seconds=30)
"""From one order to the next: a million of them take a year."""

PER_ORDER = 5
"""Transfers for each order: its own payment, and what else moves in a shop."""
ORDERS_PER_CUSTOMER = 5
ORDER = "ord_{:026}"

FILL = (
    """insert into batua_customer (id, name, phone, language, created_at, updated_at, version)
    select 'customer_' || n, 'Customer ' || n, '+9100' || n, 'en', {at}, {at}, 1
    from generate_series(0, {customers} - 1) n""",
    """insert into batua_account (id, key, kind, owner, currency, posted, held, may_overdraw,
        status, created_at, version)
    values (1, 'gateway:razorpay:INR', 'gateway', 'razorpay', 'INR', -1, 0, true, 'active',
            '2025-01-01', 1),
        (2, 'revenue:shop:INR', 'revenue', 'shop', 'INR', 1, 0, true, 'active', '2025-01-01', 1)""",
    """insert into batua_account (id, key, kind, owner, currency, posted, held, may_overdraw,
        status, created_at, version)
    select n + 3, 'wallet:customer_' || n || ':INR', 'wallet', 'customer_' || n, 'INR',
        (n % 997) * 100, 0, false, 'active', {at}, 1
    from generate_series(0, {customers} - 1) n""",
    """insert into batua_top_up (id, customer_id, amount, currency, gateway, status, credited,
        return_url, failure, expires_at, created_at, updated_at, version)
    select {top_up}, 'customer_' || n, 100000, 'INR', 'razorpay', 'succeeded', 100000, '', '',
        {at}, {at}, {at}, 1 from generate_series(0, {customers} - 1) n""",
    """insert into batua_payment (id, gateway, mode, purpose, top_up_id, customer_id, amount,
        currency, status, provider_reference, checkout, failure, expires_at, polls, created_at,
        updated_at, version)
    select {payment}, 'razorpay', 'test', 'top_up', {top_up}, 'customer_' || n, 100000, 'INR',
        'succeeded', 'order_' || n, '{{}}', '', {at}, 0, {at}, {at}, 1
    from generate_series(0, {customers} - 1) n""",
    """insert into batua_transfer (seq, id, kind, debit_account, credit_account, amount, currency,
        order_id, top_up_id, payment_id, reason, actor, occurred_at, created_at, hash)
    select s + 1, 't_' || s,
        case when is_order then 'order_payment' else 'top_up' end,
        case when is_order then wallet else 1 end, case when is_order then 2 else wallet end,
        100 + s % 9900, 'INR', case when is_order then {order} end,
        case when not is_order and n < {customers} then {top_up} end,
        case when not is_order and n < {customers} then {payment} end,
        'order', 'customer_' || n % {customers}, {at}, {at}, md5(s::text)
    from (select s, s / {per_order} as n, s % {per_order} = 0 as is_order,
            (s / {per_order}) % {customers} + 3 as wallet
        from generate_series(0, {orders} * {per_order} - 1) s) made""",
    """insert into batua_entry (id, account_id, transfer_seq, amount, balance_after)
    select 2 * seq - 1, debit_account, seq, -amount, 0 from batua_transfer
    union all select 2 * seq, credit_account, seq, amount, 0 from batua_transfer""",
    """insert into batua_capture (id, gateway, mode, provider_payment_id, provider_reference,
        payment_id, top_up_id, customer_id, amount, currency, destination, reason, transfer_seq,
        method, captured_at, created_at, version)
    select 'cap_' || n, 'razorpay', 'test', 'pay_' || n, 'order_' || n, {payment}, {top_up},
        'customer_' || n, 100000, 'INR', 'wallet', '', n * {per_order} + 2, 'upi', {at}, {at}, 1
    from generate_series(0, {customers} - 1) n""",
    """insert into batua_order (id, reference, customer_id, amount, currency, description, items,
        status, paid_from_wallet, refunded, wallet_refunded, created_by, paid_at, created_at,
        updated_at, version)
    select {order}, 'R-' || n, 'customer_' || n % {customers}, amount, 'INR', 'A meal', '[]',
        case when is_refunded then 'refunded' else 'paid' end, amount,
        case when is_refunded then amount else 0 end, case when is_refunded then amount else 0 end,
        'service', {at}, {at}, {at}, 1
    from (select n, 100 + n * {per_order} % 9900 as amount, n % 20 = 0 as is_refunded
        from generate_series(0, {orders} - 1) n) made""",
    """insert into batua_refund (id, order_id, customer_id, amount, currency, destination,
        wallet_amount, source_amount, capture_amount, reason, status, requested_by, failure, polls,
        created_at, updated_at, version)
    select 'ref_' || lpad(n::text, 26, '0'), {order}, 'customer_' || n % {customers}, 100, 'INR',
        'wallet', 100, 0, 0, 'damaged', 'succeeded', 'staff:meera', '', 0, {at}, {at}, 1
    from generate_series(0, {orders} - 1, 20) n""",
    """insert into batua_outbox (id, dedupe_key, template, customer_id, parameters, order_id,
        notifier, status, note, attempts, created_at, sent_at, version)
    select 'out_' || lpad(n::text, 26, '0'), {order} || ':paid', 'order_paid',
        'customer_' || n % {customers}, '{{}}', {order}, 'whatsapp',
        case when n % 50000 = 0 then 'dead' else 'sent' end, '', 1, {at}, {at}, 1
    from generate_series(0, {orders} - 1) n""",
    """insert into batua_inbox (id, gateway, event_id, body_sha256, event_type, body, headers,
        events, status, provider_reference, note, attempts, received_at, applied_at, version)
    select 'in_' || lpad(n::text, 26, '0'), 'razorpay', 'evt_' || n, md5(n::text),
        'payment.captured', '{{}}', '{{}}', '[]',
        case when n % 20000 = 0 then 'dead' else 'applied' end, 'order_' || n, '', 1, {at}, {at}, 1
    from generate_series(0, {customers} - 1) n""",
    """insert into batua_idempotency (id, principal, route, key, fingerprint, status, subject,
        response_status, response_body, lease_until, created_at, finished_at, version)
    select md5(n::text), 'customer_' || n % {customers}, 'POST /orders', 'key-' || n, md5(n::text),
        'finished', {order}, 201, '{{}}', {at}, {at}, {at}, 1
    from generate_series(0, {orders} - 1) n""",
    """insert into batua_event (id, type, data, created_at, routed_at)
    select 'evt_' || lpad(n::text, 26, '0'), 'order.paid', '{{}}', {at}, {at}
    from generate_series(0, {orders} - 1) n""",
)
"""Parents before children. ``n`` counts from the oldest."""


async def fill(database: Database, *, orders: int) -> None:
    """Fill an empty, migrated database with ``orders`` orders and ten times as many entries."""
    if not isinstance(database, PostgresDatabase):
        raise TypeError("a shop of this size is kept in PostgreSQL")
    words = {
        "orders": orders,
        "customers": max(orders // ORDERS_PER_CUSTOMER, 1),
        "per_order": PER_ORDER,
        "at": f"timestamptz '{START}' + n * interval '{STEP.seconds} seconds'",
        "order": "'ord_' || lpad(n::text, 26, '0')",
        "top_up": "'top_' || lpad(n::text, 26, '0')",
        "payment": "'pay_' || lpad(n::text, 26, '0')",
    }
    async with database._pool.acquire() as connection:
        async with connection.transaction():
            # As in ``big_ledger``: valid by construction, and nobody looks up every foreign key.
            await connection.execute("set local session_replication_role = replica")
            await connection.execute("set local maintenance_work_mem = '256MB'")
            indexes = await connection.fetch(INDEXES)
            for index in indexes:
                await connection.execute(index["dropped"])
            for statement in FILL:
                await connection.execute(statement.format(**words))
            for index in indexes:
                await connection.execute(index["made"])
        await connection.execute("vacuum analyze")
