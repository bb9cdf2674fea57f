"""The tables of customers and their top-ups, as Piccolo knows them."""

from __future__ import annotations

from piccolo.columns import BigInt, Text, Timestamptz
from piccolo.table import Table

__all__ = ["Adjustment", "Consent", "Customer", "TopUp"]


class Customer(Table, tablename="batua_customer"):
    """Somebody with a wallet: known from first use by the shop's own id.

    ``erased_at`` says that their personal data was erased, ``redacted_at`` that it is done.
    """

    id = Text(primary_key=True)
    name = Text()
    phone = Text()
    language = Text()
    created_at = Timestamptz()
    updated_at = Timestamptz()
    erased_at = Timestamptz(null=True)
    redacted_at = Timestamptz(null=True)
    version = BigInt()


class Consent(Table, tablename="batua_consent"):
    """A person's leave to be written to on one channel: never edited, only revoked."""

    id = Text(primary_key=True)
    customer_id = Text()
    channel = Text()
    address = Text()
    wording = Text()
    source = Text()
    given_at = Timestamptz()
    revoked_at = Timestamptz(null=True)
    revoked_reason = Text(null=True)
    version = BigInt()


class TopUp(Table, tablename="batua_top_up"):
    """Money from outside into a wallet, through a payment.

    ``bonus`` is what came on top, ``bonus_returned`` what refunds and disputes took of it again,
    and ``disputed`` what disputes have taken that are open or lost.
    """

    id = Text(primary_key=True)
    customer_id = Text()
    amount = BigInt()
    currency = Text()
    gateway = Text()
    status = Text()
    credited = BigInt()
    refunded = BigInt()
    refund_reserved = BigInt()
    bonus = BigInt()
    bonus_returned = BigInt()
    disputed = BigInt()
    return_url = Text()
    failure = Text()
    expires_at = Timestamptz()
    created_at = Timestamptz()
    updated_at = Timestamptz()
    version = BigInt()


class Adjustment(Table, tablename="batua_adjustment"):
    """What staff gave to a wallet or took from it by hand, with a reason code."""

    id = Text(primary_key=True)
    customer_id = Text()
    amount = BigInt()
    currency = Text()
    direction = Text()
    reason_code = Text()
    note = Text()
    status = Text()
    kind = Text()
    expires_at = Timestamptz(null=True)
    requested_by = Text()
    approved_by = Text(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()
    version = BigInt()
