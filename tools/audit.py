"""Known weaknesses of what the locks pin: ``python -m tools.audit requirements.lock …``.

A finding fails, and so does a pip-audit that is broken or can't read a lock.  Where nobody can be
asked, it either can't connect or finds nothing of anything; both are said for what they are, and
fail nothing: a build without the internet is no less sound than it was.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["main", "verdict"]

TIMEOUT_S = 180
ELSEWHERE = "Run it where the internet is."
PIP_AUDIT = (
    sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes",
    "--progress-spinner", "off", "--format", "json",
)  # fmt: skip


def verdict(report: Any) -> tuple[int, list[str]]:
    """Exit status and what to say of pip-audit's ``report``."""
    packages = report["dependencies"]
    asked = [each for each in packages if "vulns" in each]
    if not asked:
        return 0, [f"audit LEFT OUT: the advisory service answered nothing. {ELSEWHERE}"]
    found = [
        f"{each['name']} {each['version']}: {weakness['id']}, "
        f"fixed in {', '.join(weakness['fix_versions']) or 'no version yet'}"
        for each in asked
        for weakness in each["vulns"]
    ]
    left_out = sorted(each["name"] for each in packages if "vulns" not in each)
    said = [f"audit: {len(asked)} packages asked for, {len(found)} weaknesses known", *found]
    if left_out:
        said.append(f"audit LEFT OUT: nothing is known of {', '.join(left_out)}")
    return int(bool(found)), said


def main(locks: Sequence[str], command: Sequence[str] = PIP_AUDIT) -> int:
    """Audit ``locks`` and print the verdict; returns the exit status."""
    options = [word for lock in locks for word in ("-r", lock)]
    try:
        asked = subprocess.run(  # noqa: S603 - our own tool, and the locks' names
            [*command, *options], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        status, said = 0, [f"audit LEFT OUT: no answer within {TIMEOUT_S} s. {ELSEWHERE}"]
    else:
        try:
            status, said = verdict(json.loads(asked.stdout))
        except json.JSONDecodeError:
            status, said = without_a_report(asked.stderr)
    print("\n".join(said))
    return status


def without_a_report(errors: str) -> tuple[int, list[str]]:
    """The same of what pip-audit wrote when it ended without one."""
    last = errors.strip().rpartition("\n")[2] or "it says nothing"
    if "connect" in last.lower():
        return 0, [f"audit LEFT OUT: {last}. {ELSEWHERE}"]
    return 1, [f"audit: pip-audit made no report: {last}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
