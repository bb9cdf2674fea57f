"""A small shop of its own, with Batua's wallet inside."""
