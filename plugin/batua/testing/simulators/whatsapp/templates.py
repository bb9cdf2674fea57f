"""The words of the three templates, as they would be approved at Meta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["rendered"]

_TEXTS: Mapping[str, tuple[int, str]] = {
    "wallet_top_up": (3, "Hi {0}, {1} was added to your wallet. Balance {2}."),
    "wallet_order_paid": (
        4,
        "Hi {0}, order {1} of {2} is paid from your wallet or card. Wallet balance {3}.",
    ),
    "wallet_refund": (4, "Hi {0}, {1} was refunded for {2}. Wallet balance {3}."),
}


def rendered(template: str, parameters: Sequence[str]) -> str:
    """What the phone shows; of a template that we don't know, its name and parameters."""
    count, text = _TEXTS.get(template, (-1, ""))
    if count != len(parameters):
        return f"{template}: {', '.join(parameters)}"
    return text.format(*parameters)
