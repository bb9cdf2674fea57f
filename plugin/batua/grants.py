"""What the role that serves may do to each table, and the SQL that says so to PostgreSQL.

Two roles: an owner, who migrates, and one for the servers and workers, who owns nothing.  History
is append-only for the latter whatever its code does: it has no UPDATE and no DELETE there, and
only an owner could drop or disable the triggers that refuse the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from piccolo.table import Table

from batua.errors import ConfigurationError
from batua.ledger.tables import Account, Hold, IdempotencyKey, Lot, columns_of
from batua.orders import Order
from batua.payments import Capture, Dispute, Payment, Refund
from batua.wallets import Adjustment, Consent, Customer, TopUp

__all__ = ["FIXED", "GRANTS", "ROLE", "grant_statements", "require_role_name"]

ROLE = "batua_app"

READ = "select"
APPEND = "select, insert"
WRITE = "select, insert, update"

FIXED: Mapping[type[Table], str] = {
    Account: "id key kind owner currency may_overdraw created_at",
    Hold: "id account_id amount currency order_id refund_id payment_id created_at",
    Lot: "id account_key kind amount currency top_up_id created_at",
    IdempotencyKey: "id principal route key fingerprint created_at",
    Customer: "id created_at",
    Consent: "id customer_id channel wording source given_at",
    TopUp: "id customer_id amount currency gateway created_at",
    Order: "id reference customer_id amount currency created_by created_at",
    Adjustment: "id customer_id amount currency direction reason_code requested_by created_at",
    Payment: "id gateway mode purpose top_up_id order_id customer_id amount currency created_at",
    Capture: "id gateway mode provider_payment_id payment_id top_up_id order_id customer_id amount"
    " currency destination transfer_seq captured_at created_at",
    Refund: "id order_id top_up_id capture_id customer_id amount currency destination"
    " wallet_amount source_amount capture_amount requested_by created_at",
    Dispute: "id gateway mode provider_dispute_id capture_id order_id top_up_id customer_id amount"
    " currency opened_at created_at",
}
"""What a row of money is, whose, and of how much: the code that serves may not change it either."""


def _state_of(table: type[Table]) -> str:
    """Rows are added, and change in what is not fixed."""
    fixed = FIXED[table].split()
    return f"{APPEND}, update ({', '.join(c for c in columns_of(table) if c not in fixed)})"


GRANTS: Mapping[str, str] = {
    # History: what was posted stays.
    "batua_transfer": APPEND,
    "batua_entry": APPEND,
    "batua_lot_entry": APPEND,
    "batua_hold_lot": APPEND,
    # Whose data was erased, and why.
    "batua_erasure": APPEND,
    # What staff did.
    "batua_audit": APPEND,
    # The heads' one row each is made by a migration.
    "batua_audit_head": "select, update",
    "batua_ledger": "select, update",
    # Money as it stands: what happens to it is written, what it is stays.
    **{table._meta.tablename: _state_of(table) for table in FIXED},
    "batua_gateway": WRITE,
    "batua_gateway_setting": WRITE,
    "batua_inbox": WRITE,
    "batua_outbox": WRITE,
    # Who may come in. Keys are made by the owner, on the command line: whoever breaks into a
    # server can't make himself one.
    "batua_identity": "select, update",
    "batua_revocation": APPEND,
    "batua_disabled_customer": WRITE,
    "batua_api_key": "select, update (last_used_at)",
    # What was told goes when its time is up; the ledger has it all the same.
    "batua_event": "select, insert, update (routed_at), delete",
    "batua_delivery": "select, insert, update, delete",
    "batua_listener": WRITE,
    # Signs of life: a dead worker is forgotten.
    "batua_sign": "select, insert, update, delete",
    # What is counted of the ledger. Only an owner forgets it, to count again.
    "batua_insight": "select, update",
    "batua_day_figure": WRITE,
    "batua_customer_figure": WRITE,
    "batua_customer_month": WRITE,
    "batua_cohort_figure": WRITE,
    # An owner makes accounts in the panel too. None is ever deleted: it stands beside what it did.
    "batua_staff": WRITE,
    "batua_session": "select, insert, update (expires_at), delete",
    "batua_second_factor": "select, insert, update, delete",
    "batua_recovery_code": "select, insert, delete",
    "batua_call_count": "select, insert, update, delete",
    "batua_migration": READ,
}
"""A table's name, and what the code that serves does to it. A table without a line is refused."""

SEQUENCES = ("batua_staff_id_seq",)
"""Those of the tables into which the panel inserts; we count everything else ourselves."""

FUNCTIONS = ("batua_require_changed(text, bigint, bigint)",)

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def require_role_name(role: str) -> None:
    """Raises ``ConfigurationError`` for a name that would have to be quoted."""
    if not _NAME.fullmatch(role):
        raise ConfigurationError(
            f"{role!r} is no name for a role: use small letters, digits and _, at most 63"
        )


def grant_statements(role: str) -> list[str]:
    """What the owner runs after each migration; twice is as good as once.

    The role is made without a password: nobody can sign in with one until the owner sets it. The
    schema is the connection's own, so that the same statements serve every shop.
    """
    require_role_name(role)
    return [
        f"do $$ begin if not exists (select from pg_roles where rolname = '{role}')"
        f" then create role {role} login; end if; end $$",
        # Whoever can create beside our tables could stand in front of them.
        "do $$ begin execute format('revoke create on schema %I from public', current_schema());"
        f" execute format('grant usage on schema %I to {role}', current_schema()); end $$",
        *(
            statement
            for table, granted in sorted(GRANTS.items())
            for statement in (
                f"revoke all on table {table} from public, {role}",
                f"grant {granted} on table {table} to {role}",
            )
        ),
        *(f"grant usage on sequence {sequence} to {role}" for sequence in SEQUENCES),
        *(f"grant execute on function {function} to {role}" for function in FUNCTIONS),
    ]
