"""One controller a noun."""

from batua_api.controllers.customers import CustomerController
from batua_api.controllers.gateways import GatewayController
from batua_api.controllers.health import HealthController
from batua_api.controllers.metrics import MetricsController
from batua_api.controllers.orders import OrderController
from batua_api.controllers.refunds import RefundController
from batua_api.controllers.top_ups import TopUpController
from batua_api.controllers.wallet import WalletController
from batua_api.controllers.webhooks import WebhookController

__all__ = [
    "CustomerController",
    "GatewayController",
    "HealthController",
    "MetricsController",
    "OrderController",
    "RefundController",
    "TopUpController",
    "WalletController",
    "WebhookController",
]
