"""What is kept for a while and no longer."""

from __future__ import annotations

from batua.privacy.answers import StoredAnswers
from batua.privacy.webhooks import StoredWebhooks

__all__ = ["Retention"]


class Retention:
    """The worker's sweep: stored answers after 30 days, webhooks' bytes after ``inbox_days``."""

    def __init__(
        self, answers: StoredAnswers, webhooks: StoredWebhooks, *, inbox_days: int
    ) -> None:
        self._answers = answers
        self._webhooks = webhooks
        self._inbox_days = inbox_days

    async def sweep(self) -> int:
        """Remove what is due; returns how much it was. Moves no money, and forgets no key."""
        answers = await self._answers.remove_old()
        return answers + await self._webhooks.remove_older_than(self._inbox_days)
