"""The pass over accounts, transfers and entries: what the ledger itself must add up to."""
