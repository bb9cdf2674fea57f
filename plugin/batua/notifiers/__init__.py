"""The built-in notifiers, one folder each. Loaded by entry point like anyone else's."""
