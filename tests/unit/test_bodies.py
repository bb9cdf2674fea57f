"""Bodies are read to the letter, and a misfit is shown by its place."""

import contextlib
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.openapi.spec import OpenAPIMediaType

from batua.errors import InvalidRequest
from batua_api.bodies import body_of, decode_body, decode_proof
from batua_api.csv_files import write_csv
from batua_api.returning import check_return_url
from batua_api.schemas import CreateOrder, CreateTopUp


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    count: int


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    amount: Annotated[int, msgspec.Meta(ge=1)]
    inner: Inner | None = None
    parts: list[Inner] = []
    extra: dict[str, int] = {}


class Anything(msgspec.Struct):
    items: Any = None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"{}", "/amount"),
        (b"", "/amount"),
        (b'{"amount": "1"}', "/amount"),
        (b'{"amount": 1.0}', "/amount"),
        (b'{"amount": true}', "/amount"),
        (b'{"amount": null}', "/amount"),
        (b'{"amount": 0}', "/amount"),
        (b'{"amount": 1, "other": 1}', "/other"),
        (b'{"amount": 1, "inner": {"count": "1"}}', "/inner/count"),
        (b'{"amount": 1, "inner": {}}', "/inner/count"),
        (b'{"amount": 1, "inner": {"count": 1, "x": 1}}', "/inner/x"),
        (b'{"amount": 1, "inner": 1}', "/inner"),
        (b'{"amount": 1, "parts": [{"count": 1}, {"count": []}]}', "/parts/1/count"),
        (b'{"amount": 1, "extra": {"a": "b"}}', "/extra/..."),
        (b"[]", ""),
        (b"null", ""),
        (b"{", ""),
        (b"\xff", ""),
        (b'{"amount": 1e400}', "/amount"),
        (b'{"amount": 1, "extra": "\xff"}', "/extra"),
        (b'{"amount": 1, "extra": {"\xff": 1}}', ""),
        (b'{"amount": 1, "extra": {"\\ud800": 1}}', ""),
    ],
)
def test_a_misfit_is_shown_by_its_place(body, pointer):
    with pytest.raises(InvalidRequest) as refusal:
        decode_body(body, Outer)

    assert refusal.value.code == "invalid_request"
    assert refusal.value.pointer == pointer
    assert str(refusal.value)


@given(st.binary(max_size=60))
def test_whatever_comes_is_read_or_refused(body):
    with contextlib.suppress(InvalidRequest):
        assert isinstance(decode_body(body, Outer), Outer)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(json_values)
def test_an_amount_is_a_whole_number_within_bounds_or_refused(amount):
    body = msgspec.json.encode({"amount": amount, "currency": "INR", "gateway": "razorpay"})
    fits = type(amount) is int and 1 <= amount <= 9_000_000_000_000_000

    try:
        assert decode_body(body, CreateTopUp).amount == amount
        assert fits
    except InvalidRequest as refusal:
        assert not fits
        assert refusal.pointer in {"/amount", ""}  # noqa: PT017 - either outcome is fine


@pytest.mark.parametrize("depth", [100, 900, 10_000, 200_000])
def test_deep_json_is_read_or_refused(depth):
    items = b"[" * depth + b"]" * depth
    body = b'{"reference":"A","amount":1,"currency":"INR","items":[{"a":' + items + b"}]}"

    try:
        decode_body(body, CreateOrder)
    except InvalidRequest as refusal:
        assert "not JSON" in str(refusal)  # noqa: PT017 - either outcome is fine


def test_a_body_is_drawn_whole_in_the_documentation():
    operation: Any = body_of(Outer)()
    content = operation.request_body.content["application/json"]

    assert isinstance(content, OpenAPIMediaType)
    assert content.schema["required"] == ["amount"]
    inner = content.schema["properties"]["parts"]["items"]
    assert inner["properties"] == {"count": {"type": "integer"}}
    assert operation.request_body.required
    assert not body_of(Inner, is_required=False)().request_body.required


class CsvLine(msgspec.Struct):
    text: str
    number: int


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_like_a_formula_is_made_inert_and_numbers_stay_numbers(start):
    written = write_csv([CsvLine(f"{start}1+1", -5)], CsvLine).decode()

    header, line = written.split("\r\n", 1)
    assert header == "text,number"
    assert line.strip('"').startswith(f"'{start}1+1")
    assert line.rstrip().endswith(",-5")


@pytest.mark.parametrize(
    "url", ["https://shop.example/back", "http://127.0.0.1:8000/?a=b#c", "https://x.example"]
)
def test_a_return_url_of_the_shop_is_kept(url):
    assert check_return_url(url, "https://default.example") == url


def test_without_a_return_url_the_shops_own_is_taken():
    assert check_return_url(None, "https://default.example") == "https://default.example"


BAD_URLS = [
    "//evil.example", "\\\\evil.example", "/\\evil.example", "javascript:alert(1)", "data:,x",
    "https://", "http:///path", "https:evil.example", "ftp://evil.example", "", "back",
    "https://user@evil.example", "https://shop.example:x@evil.example", "https://a b",
    "https://shop.example\\@evil.example", "https://x.example/\r\nSet-Cookie: a=b",
    "https://[", 'https://x.example/"><script>', "\x00https://x.example", "https://x.example/\x7f",
    " https://x.example", "HTTPS://u:p@x.example", "JaVaScRiPt:alert(1)", "https://x.example/<a>",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_return_url_that_leads_nowhere_good_is_refused(url):
    with pytest.raises(InvalidRequest) as refusal:
        check_return_url(url, "https://default.example")

    assert refusal.value.pointer == "/return_url"


# --- how deep -----------------------------------------------------------------------------------

DEEP = {
    "lists": b"[" * 10_000 + b"]" * 10_000,
    "objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "in a field": b'{"items": [' + b"[" * 65 + b"]" * 65 + b"]}",
    "never closed": b"[" * 500_000,
    "a string that never ends": b'["' + rb"\"" * 400_000 + b"[" * 100,
}


@pytest.mark.parametrize("body", DEEP.values(), ids=DEEP.keys())
def test_a_body_that_nests_too_deep_is_refused_before_it_is_parsed(body):
    for decode in (lambda: decode_body(body, Anything), lambda: decode_proof(body)):
        with pytest.raises(InvalidRequest, match="nests deeper than 64"):
            decode()


@pytest.mark.parametrize(
    "body",
    [
        b'{"items": [' + b",".join([b"{}"] * 5_000) + b"]}",
        b'{"items": ["' + b"[{" * 5_000 + rb"\"[" + b'"]}',
        b'{"items": [' + b"[" * 60 + b"]" * 60 + b"]}",
    ],
)
def test_a_body_with_many_brackets_is_no_deep_one(body):
    assert decode_body(body, Anything).items
