"""Payments at gateways: started, captured, polled and refunded, for whoever has a purpose."""

from batua.payments.approving import DecideRefund, require_second_person
from batua.payments.by_hand import Authorizations, ByHand, Resolver, Suspense
from batua.payments.capturing import Applied, ApplyPaymentResult
from batua.payments.clawbacks import Clawback, Clawed
from batua.payments.disputes import ApplyDispute
from batua.payments.flow import run_flow
from batua.payments.freezing import freeze, unfreeze
from batua.payments.intake import Intake
from batua.payments.new_refunds import (
    NewRefund,
    bonus_hold,
    can_refund,
    insert_refund,
    known_refund,
    ledger_reason,
    refund_support,
)
from batua.payments.polling import Poller
from batua.payments.provider_refunds import ApplyProviderRefund
from batua.payments.purposes import Destination, Placement, Purpose, Purposes
from batua.payments.refunding import ApplyRefundResult, Refunder
from batua.payments.starting import (
    NewPayment,
    PaymentStarter,
    insert_payment,
    require_minimum,
)
from batua.payments.states import PaymentStatus, RefundStatus
from batua.payments.suspense import RequestSuspenseRefund, SuspenseTo
from batua.payments.switches import GatewayState, Switches, switch
from batua.payments.tables import Capture, Dispute, GatewaySwitch, Payment, Refund
from batua.payments.taking_back import to_wallet

__all__ = [
    "Applied",
    "ApplyDispute",
    "ApplyPaymentResult",
    "ApplyProviderRefund",
    "ApplyRefundResult",
    "Authorizations",
    "ByHand",
    "Capture",
    "Clawback",
    "Clawed",
    "DecideRefund",
    "Destination",
    "Dispute",
    "GatewayState",
    "GatewaySwitch",
    "Intake",
    "NewPayment",
    "NewRefund",
    "Payment",
    "PaymentStarter",
    "PaymentStatus",
    "Placement",
    "Poller",
    "Purpose",
    "Purposes",
    "Refund",
    "RefundStatus",
    "Refunder",
    "RequestSuspenseRefund",
    "Resolver",
    "Suspense",
    "SuspenseTo",
    "Switches",
    "bonus_hold",
    "can_refund",
    "freeze",
    "insert_payment",
    "insert_refund",
    "known_refund",
    "ledger_reason",
    "refund_support",
    "require_minimum",
    "require_second_person",
    "run_flow",
    "switch",
    "to_wallet",
    "unfreeze",
]
