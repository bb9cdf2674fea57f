"""The panel's tests share one shop an engine."""

from tests.support.databases import shop_url

__all__ = ["shop_url"]
