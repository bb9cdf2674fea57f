"""The verification of the how-to, run word for word on what Batua signs."""

import re
import time
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from batua.events import sign

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "receive-webhooks.md"
SECRET = "whsec_" + "c2VjcmV0" * 5
OTHER = "whsec_" + "b3RoZXJz" * 5
BODY = b'{"type":"order.paid"}'


def headers(secret=SECRET, *, timestamp=None, body=BODY):
    timestamp = int(time.time()) if timestamp is None else timestamp
    signature = sign(secret, id="evt_1", timestamp=timestamp, body=body)
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"{sign(OTHER, id='evt_1', timestamp=1, body=b'')} {signature}",
    }


@pytest.fixture(scope="module")
def verify():
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    exec(compile(example, str(PAGE), "exec"), names)
    return names["verify"]


def test_the_example_takes_what_batua_signs_as_the_library_does(verify):
    verify(SECRET, headers(), BODY)
    Webhook(SECRET).verify(BODY, headers())


def test_the_example_takes_nothing_else(verify):
    now = int(time.time())
    for wrong, body in (
        (headers(OTHER), BODY),
        (headers(), BODY + b" "),
        (headers(timestamp=now - 400), BODY),
        (headers(timestamp=now + 400), BODY),
        ({**headers(), "webhook-id": "evt_2"}, BODY),
        ({**headers(), "webhook-timestamp": str(now - 1)}, BODY),
        ({**headers(), "webhook-signature": "v1,"}, BODY),
    ):
        with pytest.raises(ValueError, match="signed|old"):
            verify(SECRET, wrong, body)
