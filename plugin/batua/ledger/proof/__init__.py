"""The proof: recomputes every invariant that a database alone can prove, behind ``batua verify``.

It imports nothing of the code that writes, not even its names for things: what the writer gets
wrong must not be wrong here in the same way.  One snapshot, one pass over transfers and entries,
memory by the number of accounts and not by that of transfers.

====  ==========================================================================  ================
I1    a transfer has two entries, -amount on the debit side, +amount on the       walk.ledger
      credit side
I2    a currency's accounts sum to zero, and so do its entries                    walk.accounts
I3    posted = sum of entries = last balance_after; each balance follows the      walk.ledger,
      one before; the same for lots, whose entries agree with their transfers     walk.accounts,
                                                                                  checks.lots
I4    a wallet's available and held are never below zero; held = its open holds;  walk.accounts,
      its lots fit into both, and what holds keep of lots is held there; no       checks.holds,
      debt is paid back twice                                                     checks.lots,
                                                                                  checks.disputes
I5    every amount is a whole number within bounds                                checks.amounts
I6    one currency along account, transfer, hold, lot, order, refund              walk.parties ...
I7    each capture has one transfer, each gateway debit one capture               checks.captures
I8    no credit to a wallet without capture, refund, promotion or staff action;   walk.parties,
      no bonus lot out of a payment, and only a bonus expires; disputed money,    checks.refunds,
      losses and debts move by disputes, providers' refunds and repayments        checks.lots,
      alone, and what is in suspense by refunds, releases and what is taken back  checks.disputes,
                                                                                  checks.clawbacks,
                                                                                  checks.suspense
I9    refunds never exceed, and add up to what payments and orders say of them,   checks.refunds,
      and so do disputes, what they took back, bonuses, and what is in suspense   checks.disputes,
                                                                                  checks.clawbacks,
                                                                                  checks.suspense
I10   what was posted is what was captured                                        checks.captures
I11   an order's status agrees with its amounts, and a top-up's with its          checks.orders,
      disputes; every status is a known word                                      checks.disputes,
                                                                                  checks.rows
I12   a paid order is paid in full, by transfers, captures and captured holds     checks.orders,
      that exist                                                                  checks.holds
I13   a reversal mirrors one transfer, at most once                               walk.parties,
                                                                                  checks.orders
I14   an idempotency key's id is its hash; finished has an answer; none hangs     checks.messages
I16   an inbox or outbox row exists once, and none is stuck                       checks.messages
I17   the hash chain, the counters and the head row agree; the anchor holds;      walk.ledger,
      the same of the audit log, which stood where it says beside the ledger      walk.accounts,
                                                                                  checks.audit
I18   nothing was edited or deleted: the chain hashes every transfer and both     walk.ledger,
      balances after it, and I1 has the entries' amounts; the triggers that       checks.guards
      refuse it stand and would fire
I19   created_at never runs backwards                                             walk.ledger,
                                                                                  walk.accounts
I20   adjustments and refunds name who, why and another approver; an adjustment   walk.parties,
      is posted as it was asked for                                               checks.refunds,
                                                                                  checks.adjustments
I21   vouchers: there are none yet, so there is nothing to check                  (none)
I22   no orphans; SQLite's foreign_key_check and integrity_check are clean;       checks.rows,
      PostgreSQL's triggers in the place of foreign keys stand                    checks.guards
====  ==========================================================================  ================

Not provable from a database: I15 (acknowledged operations) needs the client's journal, I23 the
provider's books, I24 the running server.  The test harness has them.  A whole ledger that was
rewritten, with every hash and the head row, is caught by the outside anchor alone.
"""

from batua.ledger.proof.anchor import Anchor, read_anchor, write_anchor
from batua.ledger.proof.findings import Finding, Proof
from batua.ledger.proof.opening import open_books
from batua.ledger.proof.proof import prove, read_ledger_id
from batua.ledger.proof.source import Books, Progress

__all__ = [
    "Anchor",
    "Books",
    "Finding",
    "Progress",
    "Proof",
    "open_books",
    "prove",
    "read_anchor",
    "read_ledger_id",
    "write_anchor",
]
