"""Every operation of the product, run twice in a row: one effect, and the same answer.

That is how a COMMIT whose outcome is unknown is resolved, so an operation that does not know its
own effect again would tell a customer that what was done is refused. Whoever writes a new
operation adds it to ``CASES``.
"""

import dataclasses
import importlib
import inspect
import pkgutil
from datetime import timedelta

import pytest

import batua
from batua.audit import Act, Actor, Note, recording
from batua.bootstrap import TABLES
from batua.contract import (
    CreatedPayment,
    DisputeResult,
    DisputeStatus,
    Mode,
    Money,
    PaymentResult,
    ProviderPaymentStatus,
    ProviderRefundStatus,
    RefundResult,
    Support,
)
from batua.errors import Conflict, GatewayFailed, Refusal
from batua.gateway_settings.writing import WriteSettings
from batua.identity import Role
from batua.ledger import (
    AccountName,
    Begun,
    CaptureHold,
    Claimed,
    ExpireHold,
    Finished,
    Linked,
    Movement,
    OpenHold,
    PostTransfer,
    Record,
    ReverseTransfer,
    StoredAnswer,
    VoidHold,
    expiring,
)
from batua.ledger.tables import columns_of
from batua.orders import (
    CancelOrder,
    CreateOrder,
    OpenOrderPayment,
    Order,
    PayFromWallet,
    RefundTo,
    RequestOrderRefund,
)
from batua.orders import service as orders_service
from batua.orders.splits import OpenSplit
from batua.outbox import Announcer, RetryMessage
from batua.payments import (
    Applied,
    ApplyDispute,
    ApplyPaymentResult,
    ApplyProviderRefund,
    ApplyRefundResult,
    DecideRefund,
    GatewayState,
    NewPayment,
    Refund,
    RequestSuspenseRefund,
    SuspenseTo,
    flow,
    intake,
    polling,
    rescheduling,
    starting,
    switches,
)
from batua.privacy import erasing
from batua.wallets import (
    NO_RULES,
    Adjust,
    AdjustmentKind,
    DecideAdjustment,
    Direction,
    FreezeWallet,
    OpenTopUp,
    ReadRefund,
    RequestTopUpRefund,
    customers,
    topping_up,
)
from tests.support.clock import START
from tests.support.shop import SECOND_PERSON, STAFF, claim

PROTOCOLS = {"batua.ledger.deciding.Operation"}


def operations():
    """Every class of the product that can be submitted, by its full name."""
    found = set()
    for module in pkgutil.walk_packages(batua.__path__, "batua."):
        if module.name.startswith(("batua.testing", "batua.gateways", "batua.notifiers")):
            continue
        for _, member in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if {"needs", "decide"} <= vars(member).keys() and member.__module__ == module.name:
                found.add(f"{module.name}.{member.__qualname__}")
    return found - PROTOCOLS


# --- what happened before, and the operation ------------------------------------------------------

CASES = []


def case(kind, *words):
    """Register how an operation is made, in a shop where it has something to do."""

    def register(make):
        name = f"{kind.__name__} {' '.join(words)}".strip()
        CASES.append(pytest.param(kind, make, id=name))
        return make

    return register


def payment(shop, order):
    return NewPayment(
        id=shop.batua.new_id("pmt"),
        gateway="razorpay",
        mode=Mode.TEST,
        purpose="order",
        subject_id=order,
        customer_id="asha",
        money=Money(30_000, "INR"),
        expires_s=900,
    )


def purposes(shop):
    return shop.batua.applier._purposes


async def opened_payment(shop):
    """The row of a top-up's payment that its provider knows."""
    return (await shop.open_top_up())["payment"]


def create_order(shop, *, pay=False):
    made = shop.batua
    return CreateOrder(
        new=shop.new_order(),
        pay=pay,
        announcer=Announcer(made.new_id),
        newcomers=made.newcomers,
        new_id=made.new_id,
        rules=NO_RULES,
    )


def refund_order(shop, order, to, **changes):
    return RequestOrderRefund(
        order_id=order,
        to=RefundTo(to),
        new=shop.new_refund(10_000, **changes),
        support={"razorpay": Support.PARTIAL},
        announcer=Announcer(shop.batua.new_id),
    )


async def pay_from_wallet(shop):
    await shop.give(30_000)
    order = (await shop.create_order())["id"]
    return PayFromWallet(
        order_id=order, actor="asha", announcer=Announcer(shop.batua.new_id), rules=NO_RULES
    )


def captured(paid, status=ProviderPaymentStatus.CAPTURED):
    return PaymentResult(
        provider_reference=paid["provider_reference"],
        provider_payment_id="pay_twice",
        status=status,
        amount=Money(paid["amount"], "INR"),
        mode=Mode.TEST,
        occurred_at=START,
    )


@case(CreateOrder)
async def _(shop):
    return create_order(shop)


@case(CreateOrder, "paid")
async def _(shop):
    await shop.give(30_000)
    return create_order(shop, pay=True)


@case(Claimed, "an order")
async def _(shop):
    return Claimed(create_order(shop), claim())


@case(Claimed, "refused")
async def _(shop):
    return Claimed(create_order(shop, pay=True), claim())


# Paid again, an order is no longer pending: its own payment is known by the key alone, so the
# product submits it under one only.
@case(PayFromWallet)
async def _(shop):
    return Claimed(await pay_from_wallet(shop), claim())


@case(orders_service._AsPayment)
async def _(shop):
    return Claimed(orders_service._AsPayment(await pay_from_wallet(shop)), claim())


@case(CancelOrder)
async def _(shop):
    order = (await shop.create_order())["id"]
    return CancelOrder(order_id=order, announcer=Announcer(shop.batua.new_id))


@case(OpenOrderPayment)
async def _(shop):
    order = (await shop.create_order())["id"]
    return OpenOrderPayment(order_id=order, payment=payment(shop, order))


@case(orders_service._ReadOrderPayment)
async def _(shop):
    order = (await shop.create_order())["id"]
    opened = await shop.pay_by_gateway(order)
    return orders_service._ReadOrderPayment(order, opened["payment"]["id"])


@case(RequestOrderRefund, "to the wallet")
async def _(shop):
    return refund_order(shop, await shop.paid_order(), "wallet")


@case(RequestOrderRefund, "to the source")
async def _(shop):
    return refund_order(shop, await shop.paid_order(by="gateway"), "source")


@case(RequestOrderRefund, "that waits")
async def _(shop):
    return refund_order(shop, await shop.paid_order(by="gateway"), "auto", approval_limit=0)


@case(RequestSuspenseRefund, "to the wallet")
async def _(shop):
    return await suspense_refund(shop, "wallet")


@case(RequestSuspenseRefund, "to the source")
async def _(shop):
    return await suspense_refund(shop, "source")


@case(RequestSuspenseRefund, "that waits")
async def _(shop):
    return await suspense_refund(shop, "wallet", approval_limit=0)


async def suspense_refund(shop, to, **changes):
    opened = await opened_payment(shop)
    await shop.provider.pay(opened["provider_reference"], amount=opened["amount"] - 1)
    await shop.hear()
    return RequestSuspenseRefund(
        capture_id=(await shop.rows("capture"))[0]["id"],
        to=SuspenseTo(to),
        new=shop.new_refund(10_000, **changes),
        support={"razorpay": Support.PARTIAL},
        announcer=Announcer(shop.batua.new_id),
    )


@case(RequestTopUpRefund)
async def _(shop):
    top_up = await shop.topped_up()
    return RequestTopUpRefund(top_up, shop.new_refund(), {"razorpay": Support.PARTIAL})


@case(RequestTopUpRefund, "that waits")
async def _(shop):
    new = shop.new_refund(approval_limit=0)
    return RequestTopUpRefund(await shop.topped_up(), new, {"razorpay": Support.PARTIAL})


@case(DecideRefund, "approved")
async def _(shop):
    return await decision(shop, approve=True)


@case(DecideRefund, "rejected")
async def _(shop):
    return await decision(shop, approve=False)


async def decision(shop, *, approve):
    refund = await shop.refund(await shop.paid_order(by="gateway"), approval_limit=0)
    return DecideRefund(
        refund_id=refund["id"], approver=SECOND_PERSON, approve=approve, purposes=purposes(shop)
    )


@case(ReadRefund)
async def _(shop):
    return ReadRefund((await shop.refund(await shop.paid_order()))["id"])


def refund_result(shop, refund, status, number="rfnd_twice"):
    amount = Money(30_000, "INR") if number else None
    return ApplyRefundResult(refund, status, number, amount, "why", purposes(shop))


@case(ApplyRefundResult, "succeeded")
async def _(shop):
    refund = await unsent_refund(shop)
    return refund_result(shop, refund, ProviderRefundStatus.SUCCEEDED)


@case(ApplyRefundResult, "failed")
async def _(shop):
    refund = await unsent_refund(shop)
    return refund_result(shop, refund, ProviderRefundStatus.FAILED)


@case(ApplyRefundResult, "refused")
async def _(shop):
    refund = await unsent_refund(shop)
    return refund_result(shop, refund, ProviderRefundStatus.FAILED, number="")


@case(ApplyRefundResult, "unknown")
async def _(shop):
    return refund_result(shop, await unsent_refund(shop), None, number="")


async def unsent_refund(shop):
    """The id of a refund that its provider has not heard of."""
    operation = refund_order(shop, await shop.paid_order(by="gateway"), "source")
    new = dataclasses.replace(operation.new, amount=None)
    return (await shop.batua.engine.submit(dataclasses.replace(operation, new=new)))["id"]


@case(ApplyPaymentResult, "captured")
async def _(shop):
    result = captured(await opened_payment(shop))
    return ApplyPaymentResult("razorpay", result, purposes(shop), shop.batua.new_id)


@case(ApplyPaymentResult, "failed")
async def _(shop):
    result = captured(await opened_payment(shop), ProviderPaymentStatus.FAILED)
    return ApplyPaymentResult("razorpay", result, purposes(shop), shop.batua.new_id)


@case(intake._Authorized)
async def _(shop):
    result = captured(await opened_payment(shop), ProviderPaymentStatus.AUTHORIZED)
    heard = ApplyPaymentResult("razorpay", result, purposes(shop), shop.batua.new_id)
    return intake._Authorized(heard)


async def disputed_or_refunded(shop):
    """The provider's id of a captured payment, and of what it says of it."""
    top_up = await shop.topped_up()
    (capture,) = await shop.rows("capture", f"top_up_id = '{top_up}'")
    return {
        "provider_payment_id": capture["provider_payment_id"],
        "amount": Money(50_000, "INR"),
        "mode": Mode.TEST,
    }


@case(ApplyDispute, "open")
async def _(shop):
    return await dispute(shop, DisputeStatus.OPEN)


@case(ApplyDispute, "lost")
async def _(shop):
    return await dispute(shop, DisputeStatus.LOST)


@case(ApplyDispute, "won")
async def _(shop):
    opened = await dispute(shop, DisputeStatus.OPEN)
    await shop.batua.engine.submit(opened)
    result = dataclasses.replace(opened.result, status=DisputeStatus.WON)
    return dataclasses.replace(opened, result=result)


async def dispute(shop, status):
    result = DisputeResult(
        provider_dispute_id="disp_twice", status=status, **await disputed_or_refunded(shop)
    )
    return ApplyDispute(
        gateway="razorpay", result=result, purposes=purposes(shop), new_id=shop.batua.new_id
    )


@case(ApplyDispute, "won, say staff")
async def _(shop):
    opened = await dispute(shop, DisputeStatus.OPEN)
    await shop.batua.engine.submit(opened)
    result = dataclasses.replace(opened.result, status=DisputeStatus.WON)
    return dataclasses.replace(opened, result=result, actor=STAFF)


@case(FreezeWallet)
async def _(shop):
    await shop.give(1_000)
    return FreezeWallet(customer_id="asha", currency="INR", freezes=True, new_id=shop.batua.new_id)


@case(RetryMessage)
async def _(shop):
    await shop.topped_up()
    (message,) = await shop.messages()
    await shop.run("update batua_outbox set status = 'dead', next_attempt_at = null")
    return RetryMessage(message["id"])


@case(ApplyProviderRefund)
async def _(shop):
    result = RefundResult(
        provider_refund_id="rfnd_there",
        status=ProviderRefundStatus.SUCCEEDED,
        **await disputed_or_refunded(shop),
    )
    return ApplyProviderRefund(
        gateway="razorpay",
        result=result,
        purposes=purposes(shop),
        announcer=Announcer(shop.batua.new_id),
        new_id=shop.batua.new_id,
    )


@case(starting.RecordReference)
async def _(shop):
    order = (await shop.create_order())["id"]
    new = payment(shop, order)
    await shop.batua.engine.submit(OpenOrderPayment(order_id=order, payment=new))
    created = CreatedPayment(provider_reference="order_twice", url="https://x", checkout={})
    return starting.RecordReference(new.id, created)


@case(starting.FailPayment)
async def _(shop):
    return starting.FailPayment((await opened_payment(shop))["id"], "no", purposes(shop))


@case(polling._ExpirePayment)
async def _(shop):
    paid = await opened_payment(shop)
    shop.clock.advance(86_400)
    return polling._ExpirePayment(paid["id"], purposes(shop))


@case(rescheduling.Postpone)
async def _(shop):
    return rescheduling.Postpone(Refund, await unsent_refund(shop), 0)


@case(OpenTopUp)
async def _(shop):
    return open_top_up(shop)


def open_top_up(shop):
    top_up = shop.batua.new_id("top")
    new = dataclasses.replace(payment(shop, top_up), purpose="top_up")
    return OpenTopUp(
        id=top_up,
        customer_id="asha",
        money=new.money,
        payment=new,
        return_url="",
        newcomers=shop.batua.newcomers,
        new_id=shop.batua.new_id,
        rules=NO_RULES,
    )


@case(topping_up._ReadTopUp)
async def _(shop):
    return topping_up._ReadTopUp((await shop.open_top_up())["top_up"]["id"])


@case(Adjust)
async def _(shop):
    return shop.adjustment(10_000)


@case(Adjust, "a debit that waits")
async def _(shop):
    await shop.give(10_000)
    return shop.adjustment(10_000, direction=Direction.DEBIT, approval_limit=0)


@case(DecideAdjustment, "approved")
async def _(shop):
    return await adjustment_decision(shop, approve=True)


@case(DecideAdjustment, "rejected")
async def _(shop):
    return await adjustment_decision(shop, approve=False)


async def adjustment_decision(shop, *, approve):
    await shop.give(10_000)
    waiting = shop.adjustment(10_000, direction=Direction.DEBIT, approval_limit=0)
    await shop.batua.engine.submit(waiting)
    return DecideAdjustment(
        adjustment_id=waiting.id,
        approver=SECOND_PERSON,
        approve=approve,
        new_id=shop.batua.new_id,
        rules=NO_RULES,
    )


@case(customers.PutCustomer)
async def _(shop):
    return customers.PutCustomer(
        id="asha",
        name="Asha",
        phone="+915550000001",
        consents={"whatsapp": True},
        source="test",
        newcomers=shop.batua.newcomers,
        new_id=shop.batua.new_id,
    )


@case(switches._SetState)
async def _(shop):
    return switches._SetState("razorpay", GatewayState.DISABLED, "staff:meera")


@case(WriteSettings)
async def _(shop):
    return WriteSettings(
        gateway="razorpay",
        sealed={"key_id": "a seal", "key_secret": "another"},
        versions={},
        gateways=("razorpay", "paypal"),
        shut=("razorpay",),
        actor=STAFF,
    )


@case(Begun)
async def _(shop):
    operation = open_top_up(shop)
    return Begun(operation, claim(), operation.id)


@case(Begun, "refused")
async def _(shop):
    return Begun(flow._Refused(GatewayFailed("razorpay", "no")), claim(), "top_1")


async def begun(shop):
    key = claim()
    operation = open_top_up(shop)
    await shop.batua.engine.submit(Begun(operation, key, operation.id))
    return key, operation.id


@case(Finished)
async def _(shop):
    key, top_up = await begun(shop)
    return Finished(topping_up._ReadTopUp(top_up), key)


@case(flow._Refused)
async def _(shop):
    return flow._Refused(GatewayFailed("razorpay", "no"))


@case(flow._LetGo)
async def _(shop):
    key, _ = await begun(shop)
    return flow._LetGo(key)


@case(flow._IsKnown)
async def _(shop):
    key, _ = await begun(shop)
    return flow._IsKnown(key)


MEERA = Act(id="aud_1", actor=Actor(name=STAFF, role=Role.OWNER), word="adjust_wallet")


@case(Note)
async def _(shop):
    return Note(MEERA)


@case(recording.Noted)
async def _(shop):
    return recording.Noted(shop.adjustment(10_000), MEERA)


@case(recording.Recorded)
async def _(shop):
    return recording.Recorded(shop.adjustment(10_000), MEERA)


# --- the ledger's own operations: what they move is nobody's order or top-up ----------------------


def transfer(**changes):
    values = {
        "id": "transfer", "kind": "test", "amount": 100, "reason": "a test", "actor": "test",
        "debit": AccountName.wallet("asha", "INR"), "credit": AccountName.revenue("INR"),
        **changes,
    }  # fmt: skip
    return Movement(**values)


async def with_a_hold(shop, **changes):
    shop.is_provable = False  # these transfers belong to nothing
    await shop.give(1_000)
    wallet = AccountName.wallet("asha", "INR")
    await shop.batua.engine.submit(OpenHold(id="hold", account=wallet, amount=300, **changes))


@case(PostTransfer)
async def _(shop):
    await with_a_hold(shop)
    return PostTransfer(transfer())


@case(OpenHold)
async def _(shop):
    await with_a_hold(shop)
    return OpenHold(id="other", account=AccountName.wallet("asha", "INR"), amount=300)


@case(CaptureHold)
async def _(shop):
    await with_a_hold(shop)
    return CaptureHold(transfer(id="hold", amount=200))


@case(VoidHold)
async def _(shop):
    await with_a_hold(shop)
    return VoidHold("hold")


@case(ExpireHold)
async def _(shop):
    await with_a_hold(shop, expires_at=START + timedelta(seconds=60))
    shop.clock.advance(61)
    return ExpireHold("hold")


@case(ReverseTransfer)
async def _(shop):
    await with_a_hold(shop)
    await shop.batua.engine.submit(PostTransfer(transfer()))
    return ReverseTransfer(id="back", of="transfer", reason="a mistake", actor="test")


@case(Linked)
async def _(shop):
    await with_a_hold(shop)
    return Linked((PostTransfer(transfer(id="one")), PostTransfer(transfer(id="two"))))


@case(expiring._ExpireLots)
async def _(shop):
    ends = START + timedelta(days=1)
    await shop.batua.engine.submit(shop.adjustment(500, kind=AdjustmentKind.BONUS, expires_at=ends))
    shop.clock.advance(2 * 86_400)
    return expiring._ExpireLots("wallet:asha:INR")


@case(OpenSplit)
async def _(shop):
    await shop.give(10_000)
    order = (await shop.create_order())["id"]
    made = shop.batua
    return OpenSplit(
        order_id=order,
        payment=payment(shop, order),
        minimum=100,
        actor="customer:asha",
        announcer=Announcer(made.new_id),
        rules=NO_RULES,
    )


@case(erasing.EraseCustomer)
async def _(shop):
    await shop.batua.customers.put(
        "asha", name="Asha", phone="+919876543210", consents={"whatsapp": True}, source="test"
    )
    return erasing.EraseCustomer(
        customer_id="asha",
        reason="asked for it",
        erased_by="test",
        even_with_balance=False,
        new_id=shop.batua.new_id,
    )


@case(erasing._Change)
async def _(shop):
    await shop.create_order()
    orders = (await shop.rows("order"))[0]["id"]
    return erasing._Change(Order, (orders,), lambda _: {"description": ""})


NEVER_DECIDES = {"batua.payments.flow._Nothing"}


# --- the rule -------------------------------------------------------------------------------------


def test_every_operation_has_a_case():
    tried = {
        f"{kind.__module__}.{kind.__qualname__}" for kind, _ in (case.values for case in CASES)
    }
    assert operations() - NEVER_DECIDES == tried, "add yours to CASES"


def plain(answer):
    """An answer without what may differ: row versions, and whether it is said to be a replay."""
    if isinstance(answer, StoredAnswer):
        return (answer.status, answer.body)
    if answer is Applied.NOTHING_NEW:  # the word for an effect that is there already
        return Applied.APPLIED
    if isinstance(answer, tuple):
        return [plain(each) for each in answer]
    if isinstance(answer, Record):  # a new one leaves out what goes without saying
        answer = {name: answer[name] for name in columns_of(answer.table)}
    if isinstance(answer, dict):
        return {name: value for name, value in answer.items() if name != "version"}
    if dataclasses.is_dataclass(answer):
        # Whether it exists already is what a replay may say of itself.
        names = [each.name for each in dataclasses.fields(answer) if each.name != "exists"]
        return [plain(getattr(answer, name)) for name in names]
    return answer


async def answer_of(shop, operation):
    try:
        return plain(await shop.batua.engine.submit(operation))
    except Refusal as refusal:
        return type(refusal), refusal.code


async def everything(shop):
    """All rows of the shop, without their versions."""
    names = [table._meta.tablename.removeprefix("batua_") for table in TABLES]
    return {name: [plain(row) for row in await shop.rows(name)] for name in names}


@pytest.mark.parametrize(("kind", "make"), CASES)
async def test_run_twice_it_has_one_effect_and_the_same_answer(shop, kind, make):
    operation = await make(shop)

    first = await answer_of(shop, operation)
    after_first = await everything(shop)
    second = await answer_of(shop, operation)

    assert second == first
    assert await everything(shop) == after_first


async def test_the_id_of_a_refund_is_not_another_requests(shop):
    order, other = await shop.paid_order(), await shop.paid_order()
    new = shop.new_refund(10_000)
    orders = shop.batua.orders
    await orders.refund_by_staff(order, RefundTo.WALLET, new)

    for subject, amount in ((other, 10_000), (order, 10_001)):
        with pytest.raises(Conflict) as refusal:
            await orders.refund_by_staff(
                subject, RefundTo.WALLET, dataclasses.replace(new, amount=amount)
            )
        assert refusal.value.code == "exists_with_different_amount"
    again = await orders.refund_by_staff(order, RefundTo.WALLET, new)
    assert again["status"] == "succeeded"
    assert await shop.balance() == 10_000
