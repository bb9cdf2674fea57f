"""Payments at gateways: started, captured, polled and refunded, for whoever has a purpose."""

from batua.payments.approving import DecideRefund, require_second_person
from batua.payments.capturing import Applied, ApplyPaymentResult
from batua.payments.flow import run_flow
from batua.payments.new_refunds import (
    NewRefund,
    insert_refund,
    known_refund,
    refund_support,
)
from batua.payments.polling import Poller
from batua.payments.purposes import Destination, Placement, Purpose, Purposes
from batua.payments.refunding import ApplyRefundResult, Refunder
from batua.payments.starting import (
    NewPayment,
    PaymentStarter,
    insert_payment,
    minimum_of,
    require_minimum,
)
from batua.payments.states import PaymentStatus, RefundStatus
from batua.payments.switches import GatewayState, Switches
from batua.payments.tables import Capture, GatewaySwitch, Payment, Refund

__all__ = [
    "Applied",
    "ApplyPaymentResult",
    "ApplyRefundResult",
    "Capture",
    "DecideRefund",
    "Destination",
    "GatewayState",
    "GatewaySwitch",
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
    "Switches",
    "insert_payment",
    "insert_refund",
    "known_refund",
    "minimum_of",
    "refund_support",
    "require_minimum",
    "require_second_person",
    "run_flow",
]
