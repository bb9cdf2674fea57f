"""What staff do, who may do it, and the desk that does it for them."""

from batua.staff.acting import Clerk
from batua.staff.cases import CaseDesk
from batua.staff.desk import Desk
from batua.staff.gateways import GatewayDesk
from batua.staff.orders import OrderDesk
from batua.staff.payments import PaymentDesk
from batua.staff.wallets import Adjusting, WalletDesk
from batua.staff.words import ROLES, Word, may, require

__all__ = [
    "ROLES",
    "Adjusting",
    "CaseDesk",
    "Clerk",
    "Desk",
    "GatewayDesk",
    "OrderDesk",
    "PaymentDesk",
    "WalletDesk",
    "Word",
    "may",
    "require",
]
