"""The client's declarations: ``python -m tools.client_types`` writes ``frontend/client/types``.

TypeScript reads them out of the client's comments. It is needed here and nowhere else: ``npm
install`` in ``frontend/client`` brings it. Beside them stand the digests of what they were made
of, so that a test without TypeScript can tell when they are old.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["CLIENT", "DIGESTS", "TYPES", "declare", "digests", "find_tsc"]

CLIENT = Path(__file__).parents[1] / "frontend" / "client"
TYPES = CLIENT / "types"
DIGESTS = TYPES / "sources.json"


def digests() -> dict[str, str]:
    """SHA-256 of every source, by its name."""
    sources = [*CLIENT.glob("*.js"), *CLIENT.glob("drivers/*.js"), *CLIENT.glob("messages/*.js")]
    return {
        path.relative_to(CLIENT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(sources)
    }


def find_tsc() -> str | None:
    """TypeScript's compiler in the version that ``package.json`` names, or None."""
    wanted = json.loads((CLIENT / "package.json").read_text())["devDependencies"]["typescript"]
    tsc = shutil.which("tsc", path=str(CLIENT / "node_modules" / ".bin")) or shutil.which("tsc")
    if tsc is None:
        return None
    return tsc if _run(tsc, "--version").stdout.split()[-1:] == [wanted] else None


def declare(tsc: str, folder: Path) -> str:
    """Write the declarations to ``folder``; returns what TypeScript has against the sources."""
    said = _run(tsc, "--project", str(CLIENT), "--outDir", str(folder))
    return said.stdout if said.returncode else ""


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def main() -> int:
    tsc = find_tsc()
    if tsc is None:
        print("TypeScript is not here: run npm install in frontend/client")
        return 1
    shutil.rmtree(TYPES, ignore_errors=True)
    if complaints := declare(tsc, TYPES):
        print(complaints)
        return 1
    DIGESTS.write_text(json.dumps(digests(), indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
