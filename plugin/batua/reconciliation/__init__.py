"""Our books against the providers': what both say of a day, and what only one of them says.

``entries`` has both sides in the same words, ``comparing`` says how two entries differ (pure),
``ours`` and ``theirs`` read the two sides, ``reconciler`` goes through a day and heals.
"""

from batua.reconciliation.comparing import BreakType
from batua.reconciliation.entries import Kind
from batua.reconciliation.reconciler import Reconciler
from batua.reconciliation.reports import Break, DayReport, State, Sums

__all__ = ["Break", "BreakType", "DayReport", "Kind", "Reconciler", "State", "Sums"]
