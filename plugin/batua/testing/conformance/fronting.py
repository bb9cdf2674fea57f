"""Rules about a gateway that takes no money itself: the payment is its processor's."""

from __future__ import annotations

from batua.contract import Fronts
from batua.testing.conformance.rule import expect, rule
from batua.testing.conformance.subject import Subject, lookup

__all__: list[str] = []


@rule("A front names a processor that is another installed gateway, and has its mode.",
      of_fronts=None)  # fmt: skip
async def front_has_a_processor(shop: Subject) -> None:
    front, processor = shop.gateway, shop.money_side.gateway
    if not isinstance(front, Fronts):
        raise TypeError("it is no front")
    expect(front.processor == processor.manifest.code, f"its processor is {front.processor!r}")
    expect(shop.gateway.mode is processor.mode, "its mode is not that of its processor")
    expect(not isinstance(processor, Fronts), "its processor is a front as well")


@rule("The payment that a front creates is its processor's: found there by its reference and by "
      "our id.", of_fronts=None)  # fmt: skip
async def front_creates_at_its_processor(shop: Subject) -> None:
    request = shop.request()
    created = await shop.gateway.create_payment(request)
    for reference in (created.provider_reference, ""):
        found = await shop.money_side.gateway.fetch_payment(lookup(request, reference))
        expect(
            found.provider_reference == created.provider_reference,
            f"the front says {created.provider_reference}, its processor "
            f"{found.provider_reference!r}",
        )
