"""Vault v3: a payer's PayPal account that the shop may charge later.

Source: SPEC vault_payment_tokens_v3 and checkout_orders_v2, read 2026-11-22. The webhooks' shape
(resource_type payment_token) is general knowledge. Whether Indian accounts have the vault is not
known: the switch ``allows_vault`` decides.
"""

from __future__ import annotations

from batua.testing.simulators.paypal.books import Books
from batua.testing.simulators.paypal.documents import new_token
from batua.testing.simulators.paypal.errors import Document, not_found, unprocessable

__all__ = ["Vault"]


class Vault:
    """``check`` and ``save_of`` are called inside a transaction."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._faults = books.faults

    def token(self, token_id: str) -> Document:
        token = self._usable(token_id)
        if token is None:
            raise not_found()
        return token

    def tokens_of(self, customer_id: str) -> list[Document]:
        tokens = self._books.store.all("token", customer_id)
        return [token for token in tokens if not token["_is_deleted"]]

    def check(self, order: Document) -> None:
        """Whether the order may save an instrument, and can use the one that it names."""
        if order["_is_to_vault"] and not self._faults["allows_vault"]:
            raise unprocessable("NOT_ENABLED_TO_VAULT_PAYMENT_SOURCE")
        if order["_vault_id"] and self._usable(order["_vault_id"]) is None:
            raise unprocessable("TOKEN_ID_NOT_FOUND")

    def save_of(self, order: Document) -> None:
        """Save the payer's account where the order asks for it, and say so in the order.

        Where ``vault_waits``, the order tells only that it was approved, and the webhook its id.
        """
        if not order["_is_to_vault"] or order["_vault_id"]:
            return
        token = new_token(order["_customer"], order["id"])
        self._books.store.put("token", token, parent=token["customer"]["id"])
        said = {"status": "VAULTED", "id": token["id"], "customer": token["customer"]}
        if self._faults["vault_waits"]:
            said = {"status": "APPROVED"}
        order["payment_source"]["paypal"]["attributes"] = {"vault": said}
        self._tell("CREATED", token)

    def delete(self, token_id: str) -> None:
        """Forget it. Deleting what is not there succeeds as well: SPEC knows no 404 for it."""
        with self._books.store.transaction():
            token = self._usable(token_id)
            if token is not None:
                self._books.store.put("token", token | {"_is_deleted": True})
                self._tell("DELETED", token)

    def _usable(self, token_id: str) -> Document | None:
        token = self._books.store.get("token", token_id)
        return None if token is None or token["_is_deleted"] else token

    def _tell(self, what: str, token: Document) -> None:
        shown = self._books.views.token(token)
        self._books.tell(
            f"VAULT.PAYMENT-TOKEN.{what}",
            "payment_token",
            f"A payment token has been {what.lower()}.",
            shown,
        )
