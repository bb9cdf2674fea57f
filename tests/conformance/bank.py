"""The sandbox bank: the scaffold's own gateway and simulator, and all that it leaves out.

It declares every capability there is, so that every rule says something about it. Its package is
written once per test run, as ``batua new-gateway sandbox`` writes it, with its entry points on
``sys.path`` as pip would leave them.
"""

from __future__ import annotations

import atexit
import dataclasses
import shutil
import sys
import tempfile
from pathlib import Path

import msgspec
from litestar import get, post
from litestar.params import FromPath

from batua.contract import (
    FetchedPayment,
    GatewayRejected,
    SettlementResult,
    TokenResult,
    UpiIntent,
)
from batua.testing.conformance import Target
from batua_api.new_gateway import write_gateway

_FOLDER = Path(tempfile.mkdtemp(prefix="batua-sandbox-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
_SOURCE = write_gateway("sandbox", _FOLDER) / "src"
_INFO = _SOURCE / "batua_sandbox-0.1.0.dist-info"
_INFO.mkdir()
(_INFO / "METADATA").write_text("Metadata-Version: 2.1\nName: batua-sandbox\nVersion: 0.1.0\n")
(_INFO / "entry_points.txt").write_text(
    "[batua.gateways]\nsandbox = tests.conformance.bank:BankGateway\n"
    "[batua.simulators]\nsandbox = tests.conformance.bank:BankSimulator\n"
)

sys.path.insert(0, str(_SOURCE))

from batua_sandbox import SandboxGateway, books, gateway, simulator, wire  # noqa: E402

__all__ = ["HEALTHY", "BankGateway", "BankSimulator", "broken", "wire"]


class _Moment(msgspec.Struct):
    id: str
    created_at: int


class _Token(_Moment):
    customer: str


class _Event(msgspec.Struct):
    id: str
    type: str
    subject: msgspec.Raw


class _Intent(msgspec.Struct):
    link: str


class _Payouts(msgspec.Struct):
    payouts: list[wire._Sum]


class BankGateway(SandboxGateway):
    manifest = dataclasses.replace(
        SandboxGateway.manifest,
        capabilities=dataclasses.replace(
            SandboxGateway.manifest.capabilities,
            disputes=True,
            recurring=True,
            settlements=True,
            card_tokens=True,
            network_tokens=True,
            upi_intent=True,
        ),
    )

    async def create_payment(self, request):
        created = await super().create_payment(request)
        if request.mandate is not None:
            await self._client.write(f"/payments/{created.provider_reference}/save", wire.Payment)
        return created

    async def verify_webhook(self, request):
        (event,) = await super().verify_webhook(request)
        if event.event_type != "token.saved":
            return (event,)
        token = wire.decoded(_Token, bytes(wire.decoded(_Event, request.body).subject))
        saved = TokenResult(
            provider_token=token.id,
            provider_customer=token.customer,
            is_usable=True,
            mode=self._mode,
        )
        return (dataclasses.replace(event, payload=saved),)

    async def fetch_dispute(self, request):
        path = f"/disputes/{gateway.checked(request.provider_dispute_id)}"
        try:
            dispute = await self._client.read(path, wire.Dispute)
        except GatewayRejected as refusal:
            if refusal.failure_code != "not_found":
                raise
            return None
        return wire.dispute_result(dispute, self._mode)

    async def charge_token(self, request):
        token = gateway.checked(request.provider_token)
        payment = await self._client.write(
            f"/tokens/{token}/charges",
            wire.Payment,
            our_id=request.payment_id,
            amount=request.amount.amount,
            currency=request.amount.currency,
        )
        attempts = tuple(wire.attempt_result(each, self._mode) for each in payment.attempts)
        return FetchedPayment(provider_reference=payment.id, attempts=attempts)

    async def list_settlements(self, since, until):
        found = await self._client.read(
            "/payouts", _Payouts, since=int(since.timestamp()), until=int(until.timestamp())
        )
        return tuple(
            SettlementResult(
                provider_settlement_id=payout.id,
                amount=payout.money,
                mode=self._mode,
                status="paid",
                occurred_at=wire.moment(payout.created_at),
            )
            for payout in found.payouts
        )

    @property
    def card_token_parameters(self):
        return {"gateway": "sandbox", "gatewayMerchantId": "shop"}

    async def charge_card_token(self, request):
        return await self._charge(request, token=request.token)

    async def charge_network_token(self, request):
        return await self._charge(request, number=request.number)

    async def open_upi(self, request):
        path = f"/payments/{request.provider_reference}/upi"
        return UpiIntent(link=(await self._client.write(path, _Intent)).link)

    async def _charge(self, request, **instrument):
        attempt = await self._client.write(
            f"/payments/{request.provider_reference}/charges", wire.Attempt, **instrument
        )
        return wire.attempt_result(attempt, self._mode)


class BankBooks(books.Books):
    def save(self, payment_id):
        with self._store.transaction():
            payment = self._found("payment", payment_id) | {"saves": True}
            self._store.put("payment", payment)
            return self._shown(payment)

    def pay(self, payment_id, status, amount=None, currency=None):
        attempt = super().pay(payment_id, status, amount, currency)
        if status == "paid" and self._found("payment", payment_id).get("saves"):
            token = self._new("tk", customer="cu_asha", status="saved")
            with self._store.transaction():
                self._keep("token", token)
        return attempt

    def charge(self, token_id, our_id, amount, currency):
        self._found("token", token_id)
        payment = self.create(our_id, amount, currency)
        if not payment["attempts"]:
            self.pay(payment["id"], "paid")
        return self.payment(payment["id"])

    def dispute_of(self, dispute_id):
        return self._found("dispute", dispute_id)

    def payouts(self, since, until):
        names = ("id", "amount", "currency", "created_at")
        return [
            {name: attempt[name] for name in names}
            for attempt in self._store.all("attempt")
            if attempt["status"] == "paid" and since <= attempt["created_at"] < until
        ]


class BankSimulator(simulator.SandboxSimulator):
    def routes(self):
        self.books = bank = BankBooks(self.store, self.webhooks, self.clock)

        @post("/payments/{payment_id:str}/save", status_code=200)
        async def save(request: simulator.AnyRequest, payment_id: FromPath[str]) -> dict:
            self.authenticate(request)
            return bank.save(payment_id)

        @post("/tokens/{token_id:str}/charges", status_code=200)
        async def charge(request: simulator.AnyRequest, token_id: FromPath[str]) -> dict:
            asked = await self.body(request)
            return bank.charge(token_id, asked["our_id"], asked["amount"], asked["currency"])

        @post("/payments/{payment_id:str}/charges", status_code=200)
        async def charge_payment(request: simulator.AnyRequest, payment_id: FromPath[str]) -> dict:
            asked = await self.body(request)
            if asked.get("token") != "tok_good" and asked.get("number") != "4000000000000002":
                raise books.Refused("card_declined", "that is no card")
            return bank.pay(payment_id, "paid")

        @post("/payments/{payment_id:str}/upi", status_code=200)
        async def upi(request: simulator.AnyRequest, payment_id: FromPath[str]) -> dict:
            self.authenticate(request)
            whole, cents = divmod(bank.payment(payment_id)["amount"], 100)
            return {"link": f"upi://pay?pa=shop@bank&am={whole}.{cents:02d}&tr={payment_id}"}

        @get("/disputes/{dispute_id:str}")
        async def dispute(request: simulator.AnyRequest, dispute_id: FromPath[str]) -> dict:
            self.authenticate(request)
            return bank.dispute_of(dispute_id)

        @get("/payouts")
        async def payouts(request: simulator.AnyRequest) -> dict:
            self.authenticate(request)
            query = request.query_params
            return {"payouts": bank.payouts(int(query["since"]), int(query["until"]))}

        mine = [save, charge, charge_payment, upi, dispute, payouts]
        return [*super().routes(), *mine]


HEALTHY = Target(BankGateway, BankSimulator)


def broken(gateway_class, simulator_class=BankSimulator):
    """The bank with an adapter that is broken in one way."""
    return Target(gateway_class, simulator_class)
