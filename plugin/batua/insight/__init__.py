"""Insight: what a shop's ledger and queues say of how it does, for staff.

Figures of days and customers are counted by the worker, transfer by transfer; what it has not come
to is counted by whoever reads.  Nothing of it is on the way of a payment.
"""

from batua.insight.counter import Counter
from batua.insight.customers import CohortRow, TopCustomer
from batua.insight.days import DayRow
from batua.insight.gateways import GatewayRow
from batua.insight.insight import PERIODS, Dashboard, Insight, MoneyRow, QueueRow, months_before
from batua.insight.tables import CohortFigure, Counted, CustomerFigure, CustomerMonth, DayFigure

__all__ = [
    "PERIODS",
    "CohortFigure",
    "CohortRow",
    "Counted",
    "Counter",
    "CustomerFigure",
    "CustomerMonth",
    "Dashboard",
    "DayFigure",
    "DayRow",
    "GatewayRow",
    "Insight",
    "MoneyRow",
    "QueueRow",
    "TopCustomer",
    "months_before",
]
