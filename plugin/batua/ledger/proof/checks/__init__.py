"""What stands around the ledger: each file one SELECT, or one pass in pages, for each rule."""
