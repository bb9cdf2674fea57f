"""Coverage that is switched on in the middle of a run."""

from batua.ledger.tables import Transfer, columns_of
from tests.support.measuring import forget_cached


def test_what_was_cached_while_nobody_measured_is_worked_out_again():
    columns_of(Transfer)
    forget_cached(("batua.ledger",))
    assert columns_of.cache_info().currsize == 0
