"""The WhatsApp notifier: one POST to send, one HMAC to believe a webhook."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

import httpx

from batua.contract import (
    Delivery,
    Manifest,
    Notification,
    Notifier,
    NotifierUnavailable,
    PluginSettings,
    Secret,
    Sent,
    Template,
    Transport,
    WebhookRejected,
    WebhookRequest,
)
from batua.notifiers.whatsapp.wire import deliveries, error_of, message_body, message_id

__all__ = ["WhatsAppNotifier", "WhatsAppSettings"]

_SIGNATURE_HEADER = "x-hub-signature-256"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class WhatsAppSettings(PluginSettings, frozen=True, kw_only=True):
    """Meta's ids and secrets, and the names that the templates have at Meta.

    ``app_secret`` signs the webhooks, ``verify_token`` is what Meta shows once when the webhook
    is set up; without it no set-up is answered. ``language`` stands in where a notification has
    none, and must be spelled as the template's own (``en`` is not ``en_US``).
    """

    phone_number_id: str
    access_token: Secret
    app_secret: Secret
    verify_token: Secret = ""
    base_url: str = "https://graph.facebook.com"
    api_version: str = "v23.0"
    top_up_template: str = "wallet_top_up"
    order_paid_template: str = "wallet_order_paid"
    refund_template: str = "wallet_refund"
    language: str = "en"


class WhatsAppNotifier(Notifier):
    """Sends template messages through Meta's WhatsApp Business Cloud API.

    The API has no idempotency key, so a message whose answer was lost may arrive twice. Its
    ``biz_opaque_callback_data`` is our notification id, and every status webhook echoes it.
    """

    manifest: ClassVar[Manifest] = Manifest(
        code="whatsapp",
        name="WhatsApp",
        summary="Tells customers on WhatsApp that money moved.",
        version="1.0.0",
        author="The Batua authors",
        category="Notifier",
        settings=WhatsAppSettings,
    )
    channel: ClassVar[str] = "whatsapp"
    needs_consent: ClassVar[bool] = True

    def __init__(self, settings: PluginSettings, transport: Transport) -> None:
        """Raises ``ValueError`` for settings with which nothing could be sent or verified."""
        if not isinstance(settings, WhatsAppSettings):
            raise TypeError("WhatsAppNotifier needs WhatsAppSettings")
        _check(settings)
        self._settings = settings
        self._http = transport.http
        self._url = (
            f"{settings.base_url.rstrip('/')}/{settings.api_version}"
            f"/{settings.phone_number_id}/messages"
        )
        self._templates: Mapping[Template, str] = {
            Template.TOP_UP_SUCCEEDED: settings.top_up_template,
            Template.ORDER_PAID: settings.order_paid_template,
            Template.REFUND_SUCCEEDED: settings.refund_template,
        }

    async def send(self, notification: Notification) -> Sent:
        """Send one template message. A 200 means that Meta took it, not that it arrived.

        Raises ``NotifierRejected`` or ``NotifierUnavailable`` by the table in ``codes.py``.
        """
        body = message_body(
            notification,
            template=self._templates[notification.template],
            language=notification.language or self._settings.language,
        )
        response = await self._post(body)
        if response.status_code != 200:
            retry_after = response.headers.get("retry-after")
            raise error_of(response.status_code, response.content, retry_after=retry_after)
        reference = message_id(response.content)
        if reference is None:
            raise NotifierUnavailable("WhatsApp answered 200 without a message id")
        return Sent(provider_reference=reference)

    async def _post(self, body: dict[str, object]) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self._settings.access_token}"}
        try:
            return await self._http.post(self._url, json=body, headers=bearer)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Only the kind of error: its text and its request may quote what we sent.
            kind = type(error).__name__
            raise NotifierUnavailable(f"WhatsApp gave no answer ({kind})") from None

    def answer_challenge(self, query: Mapping[str, str]) -> str | None:
        """The challenge when Meta shows our verify token, else None (to be answered 403)."""
        expected = self._settings.verify_token
        shown = query.get("hub.verify_token", "")
        if query.get("hub.mode") != "subscribe" or not expected:
            return None
        return query.get("hub.challenge") if _same(shown, expected) else None

    async def verify_webhook(self, request: WebhookRequest) -> tuple[Delivery, ...]:
        """Check the HMAC-SHA256 of the raw bytes under the app secret, then read the statuses.

        Meta escapes Unicode in its own way, so the bytes are hashed as they came. There is no
        timestamp and no event id: the caller dedupes by message and status.
        """
        secret = self._settings.app_secret.encode()
        digest = hmac.new(secret, request.body, hashlib.sha256).hexdigest()
        if not _same(request.headers.get(_SIGNATURE_HEADER, ""), f"sha256={digest}"):
            raise WebhookRejected("the signature of the WhatsApp webhook is missing or wrong")
        return deliveries(request.body, phone_number_id=self._settings.phone_number_id)


def _same(given: str, expected: str) -> bool:
    # As bytes, because compare_digest raises TypeError for text that is not ASCII.
    return hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass")
    )


def _check(settings: WhatsAppSettings) -> None:
    if not re.fullmatch(r"[0-9]+", settings.phone_number_id):
        raise ValueError("phone_number_id must be Meta's id of the number: digits only")
    if not re.fullmatch(r"[!-~]+", settings.access_token):
        raise ValueError("access_token must be printable ASCII without spaces")
    if not settings.app_secret:
        # An HMAC under an empty key is one that anybody can make.
        raise ValueError("app_secret must not be empty")
    if not re.fullmatch(r"v[0-9]+\.[0-9]+", settings.api_version):
        raise ValueError("api_version must look like v23.0")
    if not settings.language:
        raise ValueError("language must not be empty")
    _check_url(settings.base_url)


def _check_url(base_url: str) -> None:
    url = urlsplit(base_url)
    is_local = url.scheme == "http" and url.hostname in _LOOPBACK
    if not url.hostname or not (url.scheme == "https" or is_local):
        raise ValueError("base_url must be https (http only on loopback): it carries the token")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("base_url must not have credentials, a query or a fragment")
