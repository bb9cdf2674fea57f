"""Gateways' settings that staff write in the panel: sealed at rest, never read back."""

from batua.gateway_settings.describing import Setting, Source
from batua.gateway_settings.following import Follower
from batua.gateway_settings.settings import GatewaySettings, Written
from batua.gateway_settings.tables import GatewaySetting

__all__ = ["Follower", "GatewaySetting", "GatewaySettings", "Setting", "Source", "Written"]
