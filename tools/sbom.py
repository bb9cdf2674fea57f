"""The bill of materials of what a lock pins: ``python -m tools.sbom requirements.lock FILE``.

CycloneDX, the same bytes for the same lock.  cyclonedx-py notes for every package the address of
a registry, though nobody has looked there; those are taken out, and the hashes kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

__all__ = ["bill_of", "main"]


def bill_of(lock: Path, project: Path) -> str:
    """The bill of ``lock`` as JSON. Raises ``ValueError`` if it is not valid CycloneDX."""
    made = subprocess.run(  # noqa: S603 - our own tool
        [sys.executable, "-m", "cyclonedx_py", "requirements", str(lock), "--pyproject",
         str(project), "--mc-type", "library", "--output-reproducible", "--sv", "1.6",
         "--no-validate"],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    bill = json.loads(made.stdout)
    for component in bill["components"]:
        component["hashes"] = _hashes(component.pop("externalReferences", []))
        component.pop("description", None)  # the lines of the lock, all hashes once more
    for tool in bill["metadata"]["tools"]["components"]:
        tool.pop("externalReferences", None)
    text = json.dumps(bill, indent=2, sort_keys=True) + "\n"
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ValueError(f"not valid CycloneDX: {wrong}")
    return text


def _hashes(references: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [each for reference in references for each in reference.get("hashes", [])]


def main(lock: str, target: str) -> None:
    """Write the bill of ``lock`` to ``target``."""
    Path(target).write_text(bill_of(Path(lock), Path("pyproject.toml")), encoding="utf-8")
    print(f"wrote {target}")


if __name__ == "__main__":
    main(*sys.argv[1:])
