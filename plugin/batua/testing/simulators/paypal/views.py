"""Kept entities as PayPal answers with them: with links, and with what belongs to them."""

from __future__ import annotations

from collections.abc import Callable

from batua.testing.simulators.kit.store import Store
from batua.testing.simulators.paypal.errors import Document

__all__ = ["Views"]


class Views:
    """``url`` tells where the simulator is reached; the links lead there."""

    def __init__(self, store: Store, url: Callable[[], str]) -> None:
        self._store = store
        self._url = url

    @property
    def url(self) -> str:
        return self._url()

    def order(self, order: Document) -> Document:
        """With every authorization, capture and refund of it (SPEC payment_collection)."""
        unit = dict(order["purchase_units"][0])
        captures = self._store.all("capture", order["id"])
        refunds = [one for capture in captures for one in self._store.all("refund", capture["id"])]
        payments = {
            "authorizations": [
                _without_order(self.authorization(one))
                for one in self._store.all("authorization", order["id"])
            ],
            "captures": [_without_order(self.capture(one)) for one in captures],
            "refunds": [self.refund(one) for one in refunds],
        }
        payments = {name: entities for name, entities in payments.items() if entities}
        unit |= {"payments": payments} if payments else {}
        return _public(order) | {"purchase_units": [unit], "links": self._order_links(order)}

    def capture(self, capture: Document) -> Document:
        path = f"/v2/payments/captures/{capture['id']}"
        # DOC's samples: up leads to the authorization where there is one, else to the order.
        up = f"/v2/checkout/orders/{capture['_order']}"
        related = {"order_id": capture["_order"]}
        if capture["_authorization"]:
            up = f"/v2/payments/authorizations/{capture['_authorization']}"
            related |= {"authorization_id": capture["_authorization"]}
        return _public(capture) | {
            "supplementary_data": {"related_ids": related},
            "links": [
                self._link(path),
                self._link(f"{path}/refund", "refund", "POST"),
                self._link(up, "up"),
            ],
        }

    def authorization(self, authorization: Document) -> Document:
        path = f"/v2/payments/authorizations/{authorization['id']}"
        return _public(authorization) | {
            "supplementary_data": {"related_ids": {"order_id": authorization["_order"]}},
            "links": [
                self._link(path),
                self._link(f"{path}/capture", "capture", "POST"),
                self._link(f"{path}/void", "void", "POST"),
                self._link(f"/v2/checkout/orders/{authorization['_order']}", "up"),
            ],
        }

    def refund(self, refund: Document) -> Document:
        """The capture is only in the link ``up``."""
        return _public(refund) | {
            "links": [
                self._link(f"/v2/payments/refunds/{refund['id']}"),
                self._link(f"/v2/payments/captures/{refund['_capture']}", "up"),
            ]
        }

    def dispute(self, dispute: Document) -> Document:
        shown = _public(dispute)
        del shown["id"], shown["dispute_state"]
        return shown | {"links": [self._link(f"/v1/customer/disputes/{dispute['id']}")]}

    def dispute_item(self, dispute: Document) -> Document:
        """An entry of the list: without its transactions (SPEC dispute_info)."""
        shown = self.dispute(dispute) | {"dispute_state": dispute["dispute_state"]}
        for name in ("disputed_transactions", "dispute_outcome", "money_movements"):
            shown.pop(name, None)
        return shown

    def token(self, token: Document) -> Document:
        path = f"/v3/vault/payment-tokens/{token['id']}"
        return _public(token) | {
            "links": [self._link(path), self._link(path, "delete", "DELETE")],
        }

    def _order_links(self, order: Document) -> list[Document]:
        path = f"/v2/checkout/orders/{order['id']}"
        links = [self._link(path)]
        if order["status"] in {"CREATED", "PAYER_ACTION_REQUIRED"}:
            # The second name goes with that status: general knowledge, so a switch decides.
            is_action = order["status"] == "PAYER_ACTION_REQUIRED"
            rel = "payer-action" if is_action else "approve"
            links.append(self._link(f"/checkoutnow?token={order['id']}", rel))
        if order["status"] == "APPROVED":
            deed = order["intent"].lower()
            links.append(self._link(f"{path}/{deed}", deed, "POST"))
        return links

    def _link(self, path: str, rel: str = "self", method: str = "GET") -> Document:
        return {"href": self.url + path, "rel": rel, "method": method}


def _public(document: Document) -> Document:
    return {name: value for name, value in document.items() if not name.startswith("_")}


def _without_order(payment: Document) -> Document:
    """Inside an order a payment does not name it again (SPEC: capture, not capture-2)."""
    del payment["supplementary_data"]
    return payment
