"""The hash chain, the order of findings, and the anchor outside."""

import json

import pytest

from batua.ledger.proof import Anchor, prove, read_anchor, read_ledger_id, write_anchor
from tests.integration.proof.broken import broken_rows
from tests.support.books import (
    ACCOUNT,
    BINOD,
    CAPTURE,
    ENTRY,
    INR,
    SALES,
    TRANSFER,
    attack,
    check,
    move,
    post,
    rehash,
)


async def test_an_edited_balance_is_found_and_explained(shop):
    await attack(shop, ACCOUNT + "posted = posted + 12345 " + INR)
    proof = await check(shop)
    found = {invariant for invariant, table, _ in broken_rows(proof) if table == "batua_account"}
    assert found == {"I2", "I3"}
    assert any("wallet:asha:INR has posted" in finding.message for finding in proof.findings)


async def test_findings_come_in_the_order_of_the_ledger(shop):
    await attack(
        shop,
        TRANSFER + "reason = 'x' where seq = 12",
        CAPTURE + "amount = 1 where id = 'cap_odd'",
        ENTRY + "balance_after = 7 where id = 6",
    )
    proof = await check(shop)
    assert proof.findings[0].message.startswith("Entry 6 leaves")
    rows = [finding.row for finding in proof.findings]
    assert rows.index("6") < rows.index("cap_odd") < rows.index("12")
    first = (await check(shop, findings_max=1)).findings[0]
    assert first == proof.findings[0]


async def test_a_hash_recomputed_for_one_row_breaks_at_the_next(shop):
    await attack(shop, TRANSFER + "reason = 'x' where seq = 5")
    await rehash(shop, 5)
    assert broken_rows(await check(shop)) == [("I17", "batua_transfer", "6")]


async def test_a_hash_recomputed_for_the_last_row_breaks_at_the_head(shop):
    await attack(shop, TRANSFER + "reason = 'x' where seq = 20")
    await rehash(shop, 20)
    assert broken_rows(await check(shop)) == [("I17", "batua_ledger", "1")]


async def test_reordered_transfers_are_found(shop):
    await attack(
        shop,
        TRANSFER + "seq = 1000 where seq = 2",
        TRANSFER + "seq = 2 where seq = 3",
        TRANSFER + "seq = 3 where seq = 1000",
    )
    found = broken_rows(await check(shop))
    assert {("I17", "batua_transfer", "2"), ("I17", "batua_transfer", "3")} <= set(found)


CUT = (
    "delete from batua_entry where transfer_seq = 20",
    "delete from batua_transfer where seq = 20",
    ACCOUNT + "posted = posted - 50 where key = 'wallet:binod:INR'",
    ACCOUNT + "posted = posted + 50 where key = 'revenue:shop:INR'",
)
MOVE_HEAD = (
    "update batua_ledger set transfer_seq = 19,"
    " head_hash = (select hash from batua_transfer where seq = 19)"
)


async def test_a_cut_tail_is_found_by_the_head_row(shop):
    await attack(shop, *CUT)
    found = broken_rows(await check(shop))
    assert found == [("I17", "batua_ledger", "1"), ("I17", "batua_ledger", "1")]


async def test_a_cut_tail_with_the_head_row_edited_is_found_by_the_anchor(shop, tmp_path):
    path = tmp_path / "anchors.jsonl"
    write_anchor(path, await check(shop))
    await attack(shop, *CUT, MOVE_HEAD)
    assert broken_rows(await check(shop)) == []
    proof = await check(shop, anchor=read_anchor(path))
    assert broken_rows(proof) == [("I17", "batua_transfer", "20")]
    with pytest.raises(ValueError, match="not sound"):
        write_anchor(path, proof)


async def test_a_rewritten_tail_is_found_by_the_anchor(shop, tmp_path):
    anchor = write_anchor(tmp_path / "anchors.jsonl", await check(shop))
    await attack(shop, TRANSFER + "reason = 'x' where seq = 20")
    new = await rehash(shop, 20)
    await attack(shop, f"update batua_ledger set head_hash = '{new}'")
    assert broken_rows(await check(shop)) == []
    proof = await check(shop, anchor=anchor)
    assert broken_rows(proof) == [("I17", "batua_transfer", "20")]


async def test_a_ledger_that_has_grown_holds_its_anchor(shop, tmp_path):
    anchor = write_anchor(tmp_path / "anchors.jsonl", await check(shop))
    await post(shop, move("x", "sale", BINOD, SALES, 1))
    assert (await check(shop, anchor=anchor)).is_sound


async def test_an_anchor_of_another_ledger_is_a_finding(database):
    proof = await check(database, anchor=Anchor("ldg_other", 0, ""))
    assert broken_rows(proof) == [("I17", "batua_ledger", "1")]


async def test_the_id_of_a_lost_head_row_is_empty(database):
    await attack(database, "delete from batua_ledger")
    assert await read_ledger_id(database) == ""


def test_the_furthest_anchor_of_a_ledger_counts(tmp_path):
    path = tmp_path / "anchors.jsonl"
    assert read_anchor(path) is None
    lines = [("a", 5, "h5"), ("a", 9, "h9"), ("a", 7, "h7"), ("b", 20, "h20")]
    path.write_text(
        "".join(
            json.dumps({"ledger_id": ledger, "transfer_seq": seq, "head_hash": head}) + "\n"
            for ledger, seq, head in lines
        )
    )
    assert read_anchor(path, "a") == Anchor("a", 9, "h9")
    assert read_anchor(path, "c") is None
    with pytest.raises(ValueError, match="several ledgers"):
        read_anchor(path)


@pytest.mark.parametrize(
    "line",
    ["no json", "[]", '{"ledger_id": "a"}', '{"ledger_id":"a","transfer_seq":"5","head_hash":""}'],
)
def test_a_line_that_is_no_anchor_is_refused(tmp_path, line):
    path = tmp_path / "anchors.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(ValueError, match="line 1, is no anchor"):
        read_anchor(path)


async def test_what_is_found_does_not_hang_on_the_size_of_a_page(shop):
    await attack(
        shop,
        "delete from batua_entry where id in (4, 13)",
        "delete from batua_transfer where seq in (9, 20)",
    )
    found = [(await prove(shop, page_rows=rows)).findings for rows in (1, 2, 3, 5000)]
    assert len(set(found)) == 1
    assert {("I1", "2"), ("I1", "7"), ("I22", "17"), ("I22", "18"), ("I22", "39")} <= {
        (finding.invariant, finding.row) for finding in found[0]
    }
