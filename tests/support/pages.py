"""The pages that tell people what to type: their blocks, and those that are said not to be run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PROGRAMS", "ROOT", "RUN", "SHOWN", "Block", "blocks_of", "pages"]

ROOT = Path(__file__).parents[2]
RUN = ("sh", "python")
"""What is typed or executed. A block of these is run by a test, or says why it is not."""

SHOWN = ("output", "json", "yaml", "ini", "html", "http", "text")
"""What is only looked at: answers, and files that hold no commands."""

PROGRAMS = ("batua", "make", "pip", "pytest", "python3", "curl", "sudo", "psql", "docker", "git")
"""A line that begins with one of these is a command, however its block is labelled."""

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
NOT_RUN = re.compile(r"^ *\*Not run by our tests: (?P<why>.+)\.\*$")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page. ``why`` says why it is not run; ``output`` is what it prints."""

    page: str
    line: int
    kind: str
    text: str
    why: str = ""
    output: str | None = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """Every page that may tell somebody to type something, as a path in the repository."""
    found = [
        *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md"),
        *ROOT.glob("examples/*/README.md"),
    ]  # fmt: skip
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page in its order, each with the output that stands below it."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found: list[Block] = []
    for match in FENCE.finditer(text):
        before = text[: match.start()]
        said = NOT_RUN.match(before.rstrip().rpartition("\n")[2])
        indent = match["indent"]
        inside = re.sub(rf"^{indent}", "", match["text"], flags=re.MULTILINE)
        line, why = before.count("\n") + 1, said["why"] if said else ""
        block = Block(page, line, match["kind"], inside, why)
        if block.kind == "output" and found and found[-1].kind in RUN:
            found[-1] = Block(**{**vars(found[-1]), "output": inside})
        else:
            found.append(block)
    return found
