"""How a process of ours logs: one line an event, on standard error."""

from __future__ import annotations

import logging

__all__ = ["configure_logs"]


def configure_logs(level: int = logging.INFO) -> None:
    """Configure the root logger, and keep libraries to warnings."""
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)-7s %(name)s  %(message)s", force=True
    )
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
