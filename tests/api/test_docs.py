"""The documentation lists every route, draws every body, and fetches nothing from elsewhere."""

import re

import pytest

from tests.api.test_access import ROUTES

pytestmark = pytest.mark.asyncio(loop_scope="session")

TAKE_BODIES = {"create_top_up", "confirm_top_up", "confirm_order_payment", "refund_top_up",
               "create_order", "pay_order", "refund_order", "cancel_order", "put_customer",
               "adjust_wallet"}  # fmt: skip


def pattern(path):
    return re.sub(r"\{\w+\}|asha", "{}", path)


async def test_every_route_of_the_contract_is_in_the_document(api):
    document = (await api.http.get("/docs/openapi.json")).raise_for_status().json()
    listed = {
        (method.upper(), pattern(path.removeprefix("/api/v1")))
        for path, methods in document["paths"].items()
        for method in methods
    }

    wanted = {(method, pattern(path)) for method, path, *_ in ROUTES}
    assert wanted <= listed
    others = {path for _, path in listed - wanted}
    assert others == {
        "/webhooks/{}", "/health", "/health/live", "/health/ready", "/metrics", "/wallet/events",
    }  # fmt: skip


async def test_every_body_is_drawn_and_every_route_has_its_security(api):
    document = (await api.http.get("/docs/openapi.json")).raise_for_status().json()
    operations = {
        operation["operationId"]: operation
        for methods in document["paths"].values()
        for operation in methods.values()
    }

    with_bodies = {name for name, each in operations.items() if "requestBody" in each}
    assert with_bodies == TAKE_BODIES
    top_up = operations["create_top_up"]["requestBody"]["content"]["application/json"]["schema"]
    assert top_up["required"] == ["amount", "currency", "gateway"]
    assert top_up["additionalProperties"] is False
    assert top_up["properties"]["amount"] == {
        "type": "integer", "minimum": 1, "maximum": 9_000_000_000_000_000
    }  # fmt: skip
    assert "$ref" not in str([operations[name]["requestBody"] for name in with_bodies])
    assert document["security"] == [{"bearer": []}]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert all(operation.get("summary") for operation in operations.values())


async def test_the_page_names_no_other_host(api):
    root = str(api.http.base_url).replace("/api/v1/", "")
    page = await api.http.get(f"{root}/docs", follow_redirects=True)

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "//" not in re.sub(r"//127\.0\.0\.1", "", "".join(links(page.text)))
    for link in links(page.text):
        if link.startswith("/"):
            assert (await api.http.get(root + link)).status_code == 200, link
    short = await api.http.get(f"{root}/docs/openapi.json", follow_redirects=True)
    assert short.json()["info"]["title"] == "Batua"


def links(page):
    return re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']*)["']""", page)


REQUIRE_A_KEY = {"create_top_up", "refund_top_up", "pay_order", "refund_order", "adjust_wallet"}
TAKE_A_KEY = REQUIRE_A_KEY | {"create_order", "cancel_order"}


async def test_the_idempotency_key_is_drawn_where_it_is_taken(api):
    document = (await api.http.get("/docs/openapi.json")).raise_for_status().json()
    drawn = {
        operation["operationId"]: parameter
        for methods in document["paths"].values()
        for operation in methods.values()
        for parameter in operation.get("parameters", ())
        if parameter["name"] == "Idempotency-Key"
    }

    assert drawn.keys() == TAKE_A_KEY
    assert {name for name, each in drawn.items() if each["required"]} == REQUIRE_A_KEY
    assert {each["in"] for each in drawn.values()} == {"header"}
    assert all(
        each["description"] and each["schema"]["maxLength"] == 255 for each in drawn.values()
    )
    refund = document["paths"]["/api/v1/orders/{order_id}/refunds"]["post"]
    assert {each["name"] for each in refund["parameters"]} == {"order_id", "Idempotency-Key"}
