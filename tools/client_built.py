"""What is made of the customer's scripts: ``python -m tools.client_built`` writes both.

The client's declarations, which TypeScript reads out of its comments, and the wallet element as
one small file, which esbuild packs.  Neither is needed to run or to test anything: both are kept,
each beside the digests of what it was made of, so that a test without the tools can tell when it
is old.  ``npm install`` in ``frontend/client`` brings the tools, in the versions that its
``package.json`` names.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BUILT", "CLIENT", "FRONTEND", "Built", "digests", "find_tool"]

FRONTEND = Path(__file__).parents[1] / "frontend"
CLIENT = FRONTEND / "client"
TOOLS = CLIENT / "node_modules" / ".bin"
DIGESTS = "sources.json"


@dataclass(frozen=True)
class Built:
    """``command`` writes to the folder that is put in the place of ``{to}``."""

    folder: Path
    sources: tuple[str, ...]
    program: str
    package: str
    command: tuple[str, ...]

    def build(self, tool: str, to: Path) -> str:
        """Returns what the tool has against the sources; empty where all is well."""
        command = [tool, *(part.format(to=to, frontend=FRONTEND) for part in self.command)]
        said = _run(*command)
        return said.stdout + said.stderr if said.returncode else ""


BUILT = (
    Built(
        folder=CLIENT / "types",
        sources=("client/*.js", "client/drivers/*.js", "client/messages/*.js"),
        program="tsc",
        package="typescript",
        command=("--project", "{frontend}/client", "--outDir", "{to}"),
    ),
    Built(
        folder=FRONTEND / "dist",
        sources=(
            "client/*.js", "client/drivers/*.js", "client/messages/*.js",
            "element/*.js", "element/words/*.js",
        ),
        program="esbuild",
        package="esbuild",
        command=(
            "{frontend}/element/batua-wallet.js", "--outdir={to}", "--bundle", "--splitting",
            "--format=esm", "--target=es2022", "--minify", "--charset=utf8", "--log-level=warning",
            "--chunk-names=parts/[name]-[hash]",
        ),
    ),
)  # fmt: skip


def digests(built: Built) -> dict[str, str]:
    """SHA-256 of every source, by its name."""
    found = [path for pattern in built.sources for path in sorted(FRONTEND.glob(pattern))]
    return {
        path.relative_to(FRONTEND).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
    }


def find_tool(built: Built) -> str | None:
    """The program in the version that ``package.json`` names, or None."""
    wanted = json.loads((CLIENT / "package.json").read_text())["devDependencies"][built.package]
    program = shutil.which(built.program, path=str(TOOLS)) or shutil.which(built.program)
    if program is None:
        return None
    return program if _run(program, "--version").stdout.split()[-1:] == [wanted] else None


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def main() -> int:
    for built in BUILT:
        tool = find_tool(built)
        if tool is None:
            print(f"{built.program} is not here: run npm install in frontend/client")
            return 1
        shutil.rmtree(built.folder, ignore_errors=True)
        if complaints := built.build(tool, built.folder):
            print(complaints)
            return 1
        told = json.dumps(digests(built), indent=2) + "\n"
        (built.folder / DIGESTS).write_text(told, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
