"""Known weaknesses of what the locks pin: ``python -m tools.audit requirements.lock …``.

A finding fails.  Where nobody can be asked, pip-audit either ends with an error or finds nothing
of anything; both are said for what they are, and fail nothing: a build without the internet is
no less sound than it was.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["main", "verdict"]

TIMEOUT_S = 180
PIP_AUDIT = (
    sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes",
    "--progress-spinner", "off", "--format", "json",
)  # fmt: skip


def verdict(report: Any) -> tuple[int, list[str]]:
    """Exit status and what to say of pip-audit's ``report``; None is for none that it made."""
    packages = report["dependencies"] if report else []
    asked = [each for each in packages if "vulns" in each]
    if not asked:
        return 0, ["audit LEFT OUT: the advisory service answered nothing. Run it where it does."]
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
        report = json.loads(asked.stdout) if asked.stdout.strip() else None
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        report = None
    status, said = verdict(report)
    print("\n".join(said))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
