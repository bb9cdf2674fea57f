"""The simulator as one object: Google's root keys and its sheet. No books, and no webhooks."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import ClassVar, Unpack

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from litestar import Litestar, MediaType, Response, get

from batua.testing.simulators.googlepay.checkout import checkout_routes
from batua.testing.simulators.googlepay.control import GooglePayFaults, googlepay_control_routes
from batua.testing.simulators.googlepay.sealing import Sealer
from batua.testing.simulators.googlepay.sheet import GatewayToken, Sheet, gateway_token
from batua.testing.simulators.kit.faults import Broken, Faults
from batua.testing.simulators.kit.simulator import Served, Simulator

__all__ = ["GooglePaySimulator"]

_ROOT_KEYS_PATH = "/paymentmethodtoken/keys.json"
_MERCHANT_ID = "12345678901234567890"


class GooglePaySimulator(Simulator):
    """Google Pay on loopback. Google sends merchants no webhook, so neither does this.

    ``processor`` is the code of the gateway behind it. ``direct`` has tokens sealed for the shop
    itself instead of for the processor, with a key that ``settings`` hands out.
    ``root_keys_max_age_s`` is for how many seconds the root keys may be kept.
    """

    code: ClassVar[str] = "googlepay"
    name: ClassVar[str] = "Google Pay"
    has_books: ClassVar[bool] = False
    # The kit wants them; there is nothing to deliver.
    webhook_timeout_s: ClassVar[float] = 1.0
    webhook_give_up_s: ClassVar[float] = 1.0

    def __init__(
        self,
        *,
        processor: str = "razorpay",
        direct: bool = False,
        gateway_token: GatewayToken = gateway_token,
        root_keys_max_age_s: int = 3600,
        **served: Unpack[Served],
    ) -> None:
        self.processor = processor
        self.sealer = Sealer()
        self._private_key = ec.generate_private_key(ec.SECP256R1()) if direct else None
        self._sheet = Sheet(self.sealer, gateway_token=gateway_token)
        self._root_keys_max_age_s = root_keys_max_age_s
        super().__init__(
            Faults(GooglePayFaults, token=None),
            **served,
        )

    def build(self) -> Litestar:
        @get(_ROOT_KEYS_PATH)
        async def root_keys() -> Response[str]:
            """Google's root keys, with the headers that say how long they may be kept."""
            return Response(
                self.sealer.root_keys(self._now_ms()),
                media_type=MediaType.JSON,
                headers={"cache-control": f"public, max-age={self._root_keys_max_age_s}"},
            )

        return self.app_of(
            [
                root_keys,
                *checkout_routes(self.payment_data),
                *googlepay_control_routes(self, self.payment_data),
            ],
        )

    def payment_data(self, google_pay: str) -> str:
        """What Google's client hands to the browser once a payer has approved ``google_pay``.

        Raises ``Refused`` for a request that Google would not open its sheet for.
        """
        return self._sheet.pay(google_pay, now_ms=self._now_ms(), fault=self.faults["token"])

    def settings(self) -> dict[str, str]:
        plain = {
            "BATUA_GOOGLEPAY_PROCESSOR": self.processor,
            "BATUA_GOOGLEPAY_MERCHANT_ID": _MERCHANT_ID,
            "BATUA_GOOGLEPAY_MERCHANT_NAME": "Demo shop",
            "BATUA_GOOGLEPAY_CHECKOUT_URL": f"{self.public_url}/pay",
        }
        if self._private_key is None:
            return plain
        private_key = self._private_key.private_bytes(
            Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
        )
        return plain | {
            "BATUA_GOOGLEPAY_TOKENIZATION": "DIRECT",
            "BATUA_GOOGLEPAY_PRIVATE_KEYS": base64.b64encode(private_key).decode(),
            "BATUA_GOOGLEPAY_ROOT_KEYS_URL": f"{self.public_url}{_ROOT_KEYS_PATH}",
        }

    def sign(self, event_id: str, body: bytes, old_secret: bool) -> Mapping[str, str]:  # noqa: ARG002, FBT001 - a Sign
        """Never asked: there are no events."""
        return {}

    @property
    def broken(self) -> Broken:
        return Broken(b'{"error":{"code":500}}', b'{"error":{"code":429}}')

    def is_api(self, path: str) -> bool:
        return path.endswith(_ROOT_KEYS_PATH)

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)
