"""The tables of payments, as Piccolo knows them. Their constraints stand in the migrations."""

from __future__ import annotations

from piccolo.columns import BigInt, Boolean, Text, Timestamptz
from piccolo.table import Table

__all__ = ["Capture", "Dispute", "GatewaySwitch", "Payment", "Refund"]


class Payment(Table, tablename="batua_payment"):
    """One attempt of ours to collect an amount at a gateway, for a top-up or an order.

    ``gateway`` takes the money; ``front`` is the one that the customer chose, where that is
    another.
    """

    id = Text(primary_key=True)
    gateway = Text()
    front = Text(null=True)
    mode = Text()
    purpose = Text()
    top_up_id = Text(null=True)
    order_id = Text(null=True)
    customer_id = Text()
    amount = BigInt()
    currency = Text()
    status = Text()
    provider_reference = Text(null=True)
    checkout = Text()
    failure = Text()
    expires_at = Timestamptz()
    polls = BigInt()
    next_poll_at = Timestamptz(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()
    version = BigInt()


class Capture(Table, tablename="batua_capture"):
    """Genuine money that a provider took from a payer: posted once, at once.

    Unique by gateway and provider payment id. ``destination`` says where it went: the top-up's
    or the customer's wallet, the order, or suspense. ``refunded`` is net of ``clawed_back``: what
    wallets got back and had to return, for the payer got it from the provider. ``disputed`` is
    what disputes have taken that are open or lost.
    """

    id = Text(primary_key=True)
    gateway = Text()
    mode = Text()
    provider_payment_id = Text()
    provider_reference = Text()
    payment_id = Text()
    top_up_id = Text(null=True)
    order_id = Text(null=True)
    customer_id = Text()
    amount = BigInt()
    currency = Text()
    destination = Text()
    reason = Text()
    transfer_seq = BigInt()
    method = Text()
    refunded = BigInt()
    refund_reserved = BigInt()
    clawed_back = BigInt()
    disputed = BigInt()
    captured_at = Timestamptz()
    created_at = Timestamptz()
    version = BigInt()


class Refund(Table, tablename="batua_refund"):
    """Money back to the payer, of an order or of a top-up.

    ``wallet_amount`` goes to the wallet and ``source_amount`` back through the gateway;
    ``capture_amount`` is how much of both comes out of the gateway's share. ``bonus_amount`` is
    what a top-up's refund takes of its bonus, and ``clawed_back`` how much of ``source_amount``
    had gone to the wallet before.
    """

    id = Text(primary_key=True)
    order_id = Text(null=True)
    top_up_id = Text(null=True)
    capture_id = Text(null=True)
    gateway = Text(null=True)
    customer_id = Text()
    amount = BigInt()
    currency = Text()
    destination = Text()
    wallet_amount = BigInt()
    source_amount = BigInt()
    capture_amount = BigInt()
    bonus_amount = BigInt()
    clawed_back = BigInt()
    reason = Text()
    status = Text()
    requested_by = Text()
    approved_by = Text(null=True)
    provider_refund_id = Text(null=True)
    failure = Text()
    polls = BigInt()
    next_poll_at = Timestamptz(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()
    version = BigInt()


class Dispute(Table, tablename="batua_dispute"):
    """A payer's bank wants a capture back: taken back at once, restored when it is won.

    ``bonus_amount`` is what it took of the top-up's bonus too, ``clawed_back`` what it took of
    refunds to the wallet, and ``froze`` whether the wallet is frozen for it: what staff have frozen
    or unfrozen since is theirs.
    """

    id = Text(primary_key=True)
    gateway = Text()
    mode = Text()
    provider_dispute_id = Text()
    capture_id = Text()
    order_id = Text(null=True)
    top_up_id = Text(null=True)
    customer_id = Text()
    amount = BigInt()
    currency = Text()
    status = Text()
    reason = Text()
    bonus_amount = BigInt()
    clawed_back = BigInt()
    froze = Boolean()
    opened_at = Timestamptz()
    closed_at = Timestamptz(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()
    version = BigInt()


class GatewaySwitch(Table, tablename="batua_gateway"):
    """The state that staff set for a gateway. No row means: as its credentials say."""

    code = Text(primary_key=True)
    state = Text()
    updated_by = Text()
    updated_at = Timestamptz()
    version = BigInt()
