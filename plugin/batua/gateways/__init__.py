"""The built-in gateways, one folder each. Loaded by entry point like anyone else's."""
