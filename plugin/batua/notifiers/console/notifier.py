"""The console notifier: one readable line in the log for each notification."""

from __future__ import annotations

import logging
from typing import ClassVar

from batua.contract import Manifest, Notification, Notifier, PluginSettings, Sent, Transport

__all__ = ["ConsoleNotifier", "ConsoleSettings"]

_LOG = logging.getLogger("batua.notifications")


class ConsoleSettings(PluginSettings, frozen=True, kw_only=True):
    """Nothing to set."""


class ConsoleNotifier(Notifier):
    """Writes to the logger ``batua.notifications`` at INFO. Nothing leaves the machine."""

    manifest: ClassVar[Manifest] = Manifest(
        code="console",
        name="Console",
        summary="Writes notifications to the log instead of sending them.",
        version="1.0.0",
        author="The Batua authors",
        category="Notifier",
        settings=ConsoleSettings,
    )
    channel: ClassVar[str] = "console"
    needs_consent: ClassVar[bool] = False

    def __init__(self, settings: PluginSettings, transport: Transport) -> None:
        """Keep nothing: there is nothing to set and nothing to connect to."""

    async def send(self, notification: Notification) -> Sent:
        """Write the line; never refuses and is never unavailable."""
        parameters = ", ".join(
            f"{name}={_one_line(text)}" for name, text in notification.parameters.items()
        )
        _LOG.info("%s to %s: %s", notification.template, _masked(notification.phone), parameters)
        return Sent(provider_reference=f"console:{notification.id}")


def _masked(phone: str) -> str:
    # Enough to tell two customers apart while testing, too little to call one.
    shown = phone[-2:] if len(phone) > 4 else ""
    return "*" * (len(phone) - len(shown)) + shown


def _one_line(text: str) -> str:
    # A name with a newline in it could otherwise write a log line of its own.
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())
