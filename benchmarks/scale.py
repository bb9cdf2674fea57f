"""How much of everything: the full size, or a hundredth to see that it all works."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Scale"]

SMALLEST = 100


@dataclass(frozen=True, slots=True)
class Scale:
    """``rounds`` is how often each pair is measured, by turns."""

    is_quick: bool = False

    @property
    def rounds(self) -> int:
        return 2 if self.is_quick else 3

    def count(self, full: int) -> int:
        """So many of something."""
        return max(SMALLEST, full // 100) if self.is_quick else full

    def seconds(self, full: int) -> int:
        """So long."""
        return 1 if self.is_quick else full
