"""Adapters that say wrong things of themselves, or read their settings loosely."""

import dataclasses

from batua.contract import Mode, Support
from tests.conformance.bank import BankGateway


def _but(**changes):
    return dataclasses.replace(BankGateway.manifest, **changes)


def _can(**changes):
    return _but(capabilities=dataclasses.replace(BankGateway.manifest.capabilities, **changes))


class NoSummary(BankGateway):
    """Copied from a template and never filled in."""

    manifest = _but(summary="")


class UndeclaredRefund(BankGateway):
    """The method is there, the declaration was forgotten: refunds read as unsupported."""

    manifest = _can(refund=Support.NONE)


class OldCurrency(BankGateway):
    """A list of currencies copied from a page of 1999."""

    manifest = _can(currencies=frozenset({"INR", "DEM"}))


class AcceptsWithoutSecret(BankGateway):
    """No secret, no check: "for development"."""

    def __init__(self, settings, transport):
        self._checks = bool(settings.webhook_secret.strip(" ,"))
        filled = dict.fromkeys(("webhook_secret",), settings.webhook_secret.strip(" ,") or "x")
        super().__init__(type(settings)(**{**_fields(settings), **filled}), transport)

    async def verify_webhook(self, request):
        return await super().verify_webhook(request) if self._checks else ()


class ShowsItsKey(BankGateway):
    """The whole request is in the error, its Authorization header too."""

    async def create_payment(self, request):
        try:
            return await super().create_payment(request)
        except Exception as error:
            raise type(error)(f"{error} {self._client._headers}") from error


class LiveOverHttp(BankGateway):
    """Nobody looks at the address of the live key."""

    def __init__(self, settings, transport):
        test = settings.key.replace("_live_", "_test_")
        super().__init__(type(settings)(**{**_fields(settings), "key": test}), transport)
        self._mode = Mode.LIVE if "_live_" in settings.key else Mode.TEST


class RefusedKeyIsAnyRefusal(BankGateway):
    """Every 4xx is the same to it: staff never learn that the key has been withdrawn."""

    async def create_payment(self, request):
        try:
            return await super().create_payment(request)
        except Exception as error:
            error.failure_code = "unauthorized"
            raise


def _fields(settings):
    return {name: getattr(settings, name) for name in settings.__struct_fields__}


BROKEN = {
    "manifest_is_complete": NoSummary,
    "declared_is_implemented": UndeclaredRefund,
    "currencies_are_real": OldCurrency,
    "missing_secret_is_off": AcceptsWithoutSecret,
    "secrets_are_never_shown": ShowsItsKey,
    "live_never_meets_plain_http": LiveOverHttp,
    "refused_credentials_are_named": RefusedKeyIsAnyRefusal,
}
