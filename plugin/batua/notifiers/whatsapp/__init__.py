"""WhatsApp messages through Meta's Cloud API."""

from batua.notifiers.whatsapp.notifier import WhatsAppNotifier, WhatsAppSettings

__all__ = ["WhatsAppNotifier", "WhatsAppSettings"]
