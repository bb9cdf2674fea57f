"""Wallets, their customers, top-ups and adjustments."""

from batua.wallets.adjustments import (
    Adjust,
    AdjustmentKind,
    AdjustmentReason,
    DecideAdjustment,
    Direction,
)
from batua.wallets.bonuses import BonusRule, bonus_rule
from batua.wallets.customers import (
    Customers,
    Newcomer,
    Newcomers,
    admit_customer,
    customer_need,
    ensure_customer,
    require_customer_id,
)
from batua.wallets.freezing import FreezeWallet
from batua.wallets.live import LiveWallets, SeenWallet, Stream
from batua.wallets.rules import NO_RULES, PROFILES, WalletRules, wallet_rules
from batua.wallets.tables import Adjustment, Consent, Customer, TopUp
from batua.wallets.top_up_purpose import TopUpPurpose
from batua.wallets.top_up_refunds import RequestTopUpRefund
from batua.wallets.top_ups import OpenTopUp, TopUpStatus
from batua.wallets.topping_up import OpenedTopUp, ReadRefund, TopUps
from batua.wallets.wallets import LotShare, Wallet, read_lots, read_wallet, wallet_id

__all__ = [
    "NO_RULES",
    "PROFILES",
    "Adjust",
    "Adjustment",
    "AdjustmentKind",
    "AdjustmentReason",
    "BonusRule",
    "Consent",
    "Customer",
    "Customers",
    "DecideAdjustment",
    "Direction",
    "FreezeWallet",
    "LiveWallets",
    "LotShare",
    "Newcomer",
    "Newcomers",
    "OpenTopUp",
    "OpenedTopUp",
    "ReadRefund",
    "RequestTopUpRefund",
    "SeenWallet",
    "Stream",
    "TopUp",
    "TopUpPurpose",
    "TopUpStatus",
    "TopUps",
    "Wallet",
    "WalletRules",
    "admit_customer",
    "bonus_rule",
    "customer_need",
    "ensure_customer",
    "read_lots",
    "read_wallet",
    "require_customer_id",
    "wallet_id",
    "wallet_rules",
]
