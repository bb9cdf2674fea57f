"""Bodies, paths and queries that nobody can mean: a 4xx with a code, never a 500, never money."""

import asyncio
import json

import httpx
import pytest
import pytest_asyncio

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Every route that takes an amount, who calls it, and a body that would be fine.
AMOUNTS = {
    "/topups": ("asha", {"amount": 50_000, "currency": "INR", "gateway": "razorpay"}),
    "/topups/{top_up}/refunds": ("finance", {"amount": 100}),
    "/orders": ("asha", {"reference": "R", "amount": 1_000, "currency": "INR"}),
    "/orders/{order}/refunds": ("finance", {"to": "wallet", "reason": "r", "amount": 1}),
    "/customers/asha/adjustments": ("finance", {"amount": 5, "reason_code": "goodwill"}),
}
# What is not a whole number above zero, as it stands on the wire.
WRONG = ["-1", "0", "-0", "1.0", "5e0", "1e2", "0.1", "true", "false", '"5"', '""', "null",
         str(2**63), str(2**64), "9000000000000001", "9" * 400, "1e400", "-1e400", "[]", "[1]",
         "{}", '{"amount":1}']  # fmt: skip
BAD_TEXTS = ["\0", "a\0b", "a\nb", "\x1f"]
LONE_SURROGATE = "\\ud800"


@pytest_asyncio.fixture(loop_scope="session")
async def things(api):
    opened = await api.shop.open_top_up()
    proof = await api.shop.provider.pay(opened["payment"]["provider_reference"])
    await api.shop.batua.top_ups.confirm(opened["top_up"]["id"], proof)
    return {"order": await api.order(pay=True), "top_up": opened["top_up"]["id"]}


def refused(answer, status=400, code=None, pointer=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"] == f"urn:batua:problem:{problem['code']}"
    assert problem["title"]
    assert problem["detail"]
    if code is not None:
        assert problem["code"] == code, answer.text
    if pointer is not None:
        assert [error["pointer"] for error in problem["errors"]] == [pointer], answer.text
    return problem


async def test_an_amount_is_a_whole_number_above_zero_or_refused(api, things):
    before = await api.shop.transfers()
    for path, (who, fine) in AMOUNTS.items():
        for wrong in WRONG:
            if wrong == "null" and path.endswith("refunds"):
                continue  # no amount there means all that is left
            body = json.dumps({**fine, "amount": "@"}).replace('"@"', wrong).encode()
            answer = await api.post(path.format(**things), body, who)
            refused(answer, code="invalid_request", pointer="/amount")
        if not path.endswith("refunds"):
            without = {name: value for name, value in fine.items() if name != "amount"}
            answer = await api.post(path.format(**things), without, who)
            refused(answer, code="invalid_request", pointer="/amount")
    assert await api.shop.transfers() == before


async def test_what_is_not_known_or_not_there_is_named(api, things):
    for path, (who, fine) in AMOUNTS.items():
        answer = await api.post(path.format(**things), {**fine, "amonut": 5}, who)
        refused(answer, code="invalid_request", pointer="/amonut")
        for wrong in ("XXX", "INX", "ADP", "inr", "INRR", "", 5, [], "I\0R", "ЇNR"):
            if "currency" not in fine and "adjust" not in path:
                continue
            answer = await api.post(path.format(**things), {**fine, "currency": wrong}, who)
            problem = refused(answer, pointer="/currency")
            assert problem["code"] in {"unknown_currency", "invalid_request"}
    answer = await api.post("/orders", {"reference": "x", "amount": 1, "currency": "XXX"})
    refused(answer, code="unknown_currency", pointer="/currency")


POSTS = [*AMOUNTS, "/orders/{order}/payments", "/orders/{order}/cancel", "/topups/{top_up}/confirm"]


def caller(path):
    return AMOUNTS[path][0] if path in AMOUNTS else "asha"


async def test_what_is_not_json_is_refused(api, things):
    deep = b"[" * 10_000 + b"]" * 10_000
    for template in POSTS:
        path, who = template.format(**things), caller(template)
        for body in (b"{", b"nope", b"\xff\xfe", b'{"a":"\xff"}', b"[]", b"null", b"5", b'"x"',
                     b"{}{}", deep, b'{"items":' + deep + b"}", b"NaN", b'{"amount":NaN}',
                     b'{"reference":"' + LONE_SURROGATE.encode() + b'"}', b"\0",
                     b'{"x":' * 10_000 + b"1" + b"}" * 10_000):  # fmt: skip
            refused(await api.post(path, body, who), code="invalid_request")


async def test_deep_items_are_kept_or_refused_and_never_break(api):
    codes = set()
    for depth in [*range(1, 1_000, 90), *range(900, 1_010, 3), 5_000]:
        items = b"[" * depth + b"]" * depth
        body = b'{"reference":"%s","amount":1,"currency":"INR","items":[{"a":%s}]}' % (
            api.reference().encode(),
            items,
        )
        codes.add((await api.post("/orders", body)).status_code)
    assert codes == {201, 400}


async def test_duplicate_names_do_not_crash(api):
    body = b'{"reference":"%s","amount":1,"amount":2,"currency":"INR","currency":"INR"}'

    answer = await api.post("/orders", body % api.reference().encode())

    assert answer.status_code == 201
    assert answer.json()["amount"] == 2


async def test_a_huge_body_is_refused_before_it_is_read(api):
    for path, who in (("/orders", "asha"), ("/webhooks/razorpay", None)):
        headers = {**api.headers(who, "k"), "Content-Length": "2000000", "Host": "shop"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        url = api.http.base_url
        reader, writer = await asyncio.open_connection(url.host, url.port)
        # No client could miss the answer: the body that it announces is never sent.
        writer.write(f"POST /api/v1{path} HTTP/1.1\r\n{head}\r\n{{".encode())
        answer = await asyncio.wait_for(reader.readuntil(b"}"), 10)
        writer.close()
        await writer.wait_closed()

        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"application/problem+json" in answer
        assert b'"code":"request_too_large"' in answer


async def test_a_body_without_a_length_is_cut_off(api):
    async def endless():
        for _ in range(40):
            yield b"a" * 50_000

    try:
        answer = await api.http.post("/orders", content=endless(), headers=api.headers("asha", "k"))
    except httpx.TransportError:
        return  # the server hung up while we were still sending
    refused(answer, 413, code="request_too_large")


async def test_texts_that_a_database_cant_keep_are_refused(api, things):
    fine = {"reference": "R", "amount": 1, "currency": "INR"}
    targets = [
        ("/orders", "asha", fine, "reference"),
        ("/orders", "service", {**fine, "customer": "c"}, "customer"),
        ("/orders/{order}/refunds", "finance", {"to": "wallet", "amount": 1, "reason": "r"},
         "reason"),
        ("/topups/{top_up}/refunds", "finance", {"amount": 1, "reason": "r"}, "reason"),
        ("/customers/asha", "service", {}, "name"),
        ("/customers/asha", "service", {}, "phone"),
    ]  # fmt: skip
    for template, who, body, name in targets:
        method = "PUT" if template.startswith("/customers") else "POST"
        path = template.format(**things)
        for text in BAD_TEXTS:
            answer = await api.post(path, {**body, name: text}, who, method=method)
            refused(answer, code="invalid_request", pointer=f"/{name}")
        lone = json.dumps({**body, name: "@"}).replace("@", LONE_SURROGATE).encode()
        refused(await api.post(path, lone, who, method=method), code="invalid_request")
    for name in ("description", "note"):
        path, who = ("/orders", "asha") if name == "description" else (
            "/customers/asha/adjustments", "finance")  # fmt: skip
        body = AMOUNTS[path][1]
        answer = await api.post(path, {**body, name: "a\0b"}, who)
        refused(answer, code="invalid_request", pointer=f"/{name}")


async def test_items_are_kept_as_they_came(api):
    items = [{"sku": "a\0b", "name": "चाय ☕", "n": 1.5, "deep": [{"x": None}]}]
    body = {"reference": api.reference(), "amount": 1, "currency": "INR", "items": items}

    made = await api.post("/orders", body)

    assert made.json()["items"] == items
    assert (await api.get(f"/orders/{made.json()['id']}")).json()["items"] == items


async def test_paths_and_queries_that_a_database_cant_keep_are_refused(api):
    for path, who in (
        ("/orders/%00", "asha"), ("/orders/a%00b", "service"), ("/topups/%00", "asha"),
        ("/refunds/a%00", "support"), ("/customers/a%00b/wallet", "support"),
        ("/orders/%ff", "asha"), ("/topups/%ff%fe", "support"),
        ("/customers/%ff/wallet", "support"),
        ("/customers/%ed%a0%80/wallet", "support"), ("/orders/" + "x" * 5_000, "asha"),
        ("/customers/" + "x" * 129 + "/wallet", "support"),
        ("/wallet?currency=%00", "asha"), ("/wallet?currency=inr", "asha"),
        ("/wallet?currency=", "asha"), ("/customers/asha/wallet?currency=XXX", "support"),
        ("/wallet/transactions?kind=%00", "asha"), ("/wallet/transactions?cursor=%00", "asha"),
        ("/wallet/transactions?cursor=AAAA", "asha"), ("/wallet/transactions?cursor=x", "asha"),
        ("/wallet/transactions?cursor=4pyo", "asha"), ("/wallet/transactions?cursor=é", "asha"),
        ("/wallet/transactions?cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "asha"),
        ("/wallet/transactions?limit=0", "asha"), ("/wallet/transactions?limit=101", "asha"),
        ("/wallet/transactions?limit=x", "asha"), ("/wallet/transactions?limit=1e400", "asha"),
        ("/wallet/transactions?limit=" + "9" * 5_000, "asha"),
        ("/wallet/transactions?from=yesterday", "asha"),
        ("/wallet/transactions?from=2026-11-22T10:00:00", "asha"),
        ("/wallet/transactions?from=0001-01-01T00:00:00%2B14:00", "asha"),
        ("/wallet/transactions?to=9999-12-31T23:59:59-14:00", "asha"),
        ("/orders?status=%00", "asha"), ("/orders?reference=%00", "asha"),
        ("/orders?customer=%00", "support"), ("/orders?cursor=AAAA", "asha"),
        ("/orders?cursor=%00", "asha"), ("/orders?limit=0", "asha"), ("/orders?limit=-1", "asha"),
        ("/orders?cursor=77-9", "asha"), ("/orders?status=%ff", "asha"),
    ):  # fmt: skip
        answer = await api.get(path, who)
        problem = answer.json()
        assert answer.status_code in {200, 400, 404}, (path, answer.text)
        assert "items" in problem or "balance" in problem or problem["code"] in {
            "invalid_request", "not_found", "unknown_currency"
        }  # fmt: skip


async def test_writes_to_paths_that_a_database_cant_keep_are_refused(api):
    for path, body, who, method in (
        ("/customers/a%00b", {"name": "A"}, "service", "PUT"),
        ("/customers/a%0ab", {"name": "A"}, "service", "PUT"),
        ("/customers/" + "x" * 129, {"name": "A"}, "service", "PUT"),
        ("/customers/a%00b/adjustments", {"amount": 1, "reason_code": "goodwill"}, "owner", "POST"),
        ("/orders/%00/cancel", {}, "asha", "POST"),
        ("/orders/%00/payments", {"method": "wallet"}, "asha", "POST"),
        ("/orders/%00/refunds", {"to": "wallet", "reason": "r"}, "owner", "POST"),
        ("/topups/%00/refunds", {}, "owner", "POST"),
        ("/topups/%00/confirm", {"a": "b"}, "asha", "POST"),
        ("/webhooks/%00", {}, None, "POST"),
        ("/webhooks/%00?hub.mode=subscribe", {}, None, "GET"),
    ):
        answer = await api.post(path, body, who, method=method)
        assert answer.status_code in {400, 404}, (path, answer.text)
        assert answer.json()["code"] in {"invalid_request", "not_found"}


async def test_proofs_are_strings_by_name(api, things):
    path = f"/topups/{things['top_up']}/confirm"
    for body in (b'{"a":1}', b'{"a":null}', b'{"a":{}}', b'{"a":"\xff"}', b"[]", b"",
                 json.dumps({str(n): "x" for n in range(21)}).encode(),
                 b'{"a":"' + LONE_SURROGATE.encode() + b'"}'):  # fmt: skip
        refused(await api.post(path, body), code="invalid_request")
    for proof in ({}, {"razorpay_payment_id": "\0", "razorpay_signature": "x"},
                  {"razorpay_payment_id": "é", "razorpay_signature": "é"}):  # fmt: skip
        refused(await api.post(path, proof), code="proof_rejected")


async def test_return_urls_that_lead_nowhere_good_are_refused(api):
    order = await api.order()
    for url in ("//evil.example", "\\\\evil.example", "javascript:alert(1)", "/back", "data:,x",
                "https://user:p@evil.example", "https://x.example/\r\nA: b", "https://", "\0",
                "https://a\\@b", 5, ["https://x.example"]):  # fmt: skip
        top_up = {"amount": 50_000, "currency": "INR", "gateway": "razorpay", "return_url": url}
        refused(await api.post("/topups", top_up), code="invalid_request", pointer="/return_url")
        payment = {"method": "gateway", "gateway": "razorpay", "return_url": url}
        answer = await api.post(f"/orders/{order}/payments", payment)
        refused(answer, code="invalid_request", pointer="/return_url")
    fine = {"amount": 50_000, "currency": "INR", "gateway": "razorpay"}
    made = await api.post("/topups", {**fine, "return_url": "https://shop.example/b?c=d#e"})
    assert made.status_code == 201


@pytest.mark.parametrize("key", ["é", "a" * 256, "a\tb", '"' + "a" * 256 + '"'])
async def test_a_key_that_is_no_short_printable_word_is_refused(api, key):
    answer = await api.post(
        "/topups", AMOUNTS["/topups"][1], key=None, headers={"Idempotency-Key": key.encode()}
    )

    refused(answer, code="invalid_request")


async def test_an_order_of_a_customer_whom_no_route_could_name_is_refused(api):
    body = {"reference": api.reference(), "amount": 5, "currency": "INR"}
    for customer in ("a/b", "a\u200bb"):
        answer = await api.post("/orders", {**body, "customer": customer}, "service")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/customer"]
