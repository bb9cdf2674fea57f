"""CSV that a spreadsheet opens without running anything."""

import csv
import io

import msgspec

from batua_api.csv_files import write_csv


class Line(msgspec.Struct):
    text: str
    amount: int


def test_what_begins_like_a_formula_is_made_inert_and_numbers_stay_numbers():
    texts = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
    ]
    texts += ["\uff201", "plain", "1=1", ""]
    written = write_csv([Line(text, -5) for text in texts], Line).decode()

    read = list(csv.DictReader(io.StringIO(written, newline="")))
    assert [line["text"] for line in read] == [*(f"'{text}" for text in texts[:11]), *texts[11:]]
    assert {line["amount"] for line in read} == {"-5"}
