"""Notifications as log lines, for whoever has no WhatsApp."""

from batua.notifiers.console.notifier import ConsoleNotifier, ConsoleSettings

__all__ = ["ConsoleNotifier", "ConsoleSettings"]
