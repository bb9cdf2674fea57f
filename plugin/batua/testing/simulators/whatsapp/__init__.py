"""A WhatsApp Cloud API to test against: it answers, remembers, signs webhooks and breaks."""

from batua.testing.simulators.whatsapp.simulator import WhatsAppSimulator

__all__ = ["WhatsAppSimulator"]
