"""What a proof says is broken, but for the triggers that ``attack`` has put out of its way.

Those are broken too, in every test that attacks: what they hide is what the test is about.
"""

__all__ = ["broken_rows"]


def broken_rows(proof):
    """Invariant, table and row of each, in the order of the ledger."""
    return [
        (finding.invariant, finding.table, finding.row)
        for finding in proof.findings
        if finding.row != "(triggers)" and not finding.is_warning
    ]
