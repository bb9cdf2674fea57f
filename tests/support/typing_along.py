"""Somebody who types what a page says: in a folder of their own, with a ``batua`` on the path."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Self

from tests.support.pages import RUN, Block, blocks_of
from tests.support.processes import clean_environ

__all__ = ["Reader", "Shell"]

BLOCK_S = 60
"""How long one block may take."""

UVICORN = f'#!/bin/sh\nexec "{sys.executable}" -m uvicorn "$@"\n'


class Shell:
    """One bash for all blocks of a page: what a block exports or starts is there for the next.

    The first command that fails ends it. It is the leader of a session without a terminal, so
    that a program which asks for a password reads it from its standard input.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self._typed = folder / ".typed"
        self._typed.mkdir()
        self._count = 0
        self._process = subprocess.Popen(
            ["bash", "-eu"], cwd=folder, env=environ, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def run(self, text: str, answers: str = "") -> str:
        """Type ``text`` and wait for its end; returns what it printed to standard output.

        ``answers`` is what is typed when it asks. Raises ``AssertionError`` when it fails.
        """
        self._count += 1
        here = self._typed / f"{self._count}"
        block, asked, out, err, done = (
            here.with_suffix(each) for each in (".sh", ".in", ".out", ".err", ".done")
        )
        block.write_text(text)
        asked.write_text(answers)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(
                f". '{block}' <'{asked}' >'{out}' 2>'{err}'; : >'{done}'\n".encode()
            )
            self._process.stdin.flush()
        deadline = time.monotonic() + BLOCK_S
        while not done.exists():
            ended = self._process.poll()
            late = time.monotonic() > deadline
            if (ended is not None and not done.exists()) or late:
                why = "took too long" if late else f"ended with {ended}"
                said = [path.read_text() if path.exists() else "" for path in (out, err)]
                raise AssertionError(f"{why}:\n{text}\n{said[0]}\n{said[1]}")
            time.sleep(0.005)
        return out.read_text()

    def close(self) -> None:
        """End it with whatever it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


class Reader:
    """Reads one page and does what it says, block for block.

    ``batua`` is the text of that program. ``words`` are what a reader puts in the place of the
    page's words: a port, a folder, an id.
    ``ran`` has the blocks that were executed, and nothing else ever adds to it.
    """

    def __init__(self, page: str, folder: Path, batua: str) -> None:
        self.page = page
        self.folder = folder
        self.blocks = [block for block in blocks_of(page) if block.kind in RUN and not block.why]
        self.ran: list[Block] = []
        self.words: dict[str, str] = {}
        self._module = ModuleType(f"page_{Path(page).stem.replace('-', '_')}")
        self.names: dict[str, Any] = vars(self._module)
        """What its Python blocks share: they are one module, which Litestar may look up."""
        self.environ = clean_environ(PATH=f"{folder / '.venv/bin'}:{os.environ['PATH']}")
        self.environ |= {"HOME": str(folder), "PAGER": "cat"}
        self._shell: Shell | None = None
        self.program("batua", batua)
        self.program("uvicorn", UVICORN)

    def program(self, name: str, script: str) -> None:
        """Put a program on the path."""
        path = self.folder / ".venv" / "bin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script)
        path.chmod(0o755)

    def type(self, text: str, answers: str = "") -> str:
        """Type something of one's own between the page's blocks."""
        if self._shell is None:
            self._shell = Shell(self.folder, self.environ)
        return self._shell.run(text, answers)

    def run(self, block: Block, answers: str = "") -> str:
        """Do what a block of the page says; returns what it printed."""
        text = block.text
        for word, ours in self.words.items():
            text = text.replace(word, ours)
        said = self.type(text, answers) if block.kind == "sh" else self._execute(block, text)
        self.ran.append(block)
        return said

    def rest(self) -> Iterator[tuple[Block, str]]:
        """Run what was not run yet, in the page's order; yields each block with what it printed."""
        for block in self.blocks:
            if block not in self.ran:
                yield block, self.run(block)

    def run_rest(self) -> None:
        """Run what was not run yet; where the page shows the output, it is that."""
        for block, said in self.rest():
            if block.output is not None:
                assert said == block.output, block

    async def run_here(self, block: Block) -> None:
        """Execute a block of Python that awaits something, in the loop that runs now."""
        await eval(self._compiled(block, block.text), self.names)
        self.ran.append(block)

    def _execute(self, block: Block, text: str) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            eval(self._compiled(block, text), self.names)
        return printed.getvalue()

    def _compiled(self, block: Block, text: str) -> CodeType:
        return compile(text, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    def __enter__(self) -> Self:
        sys.modules[self._module.__name__] = self._module
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        del sys.modules[self._module.__name__]
        if self._shell is not None:
            self._shell.close()
        if kind is None:
            assert self.ran, f"{self.page}: nothing of it was run"
            left = [str(block) for block in self.blocks if block not in self.ran]
            assert not left, f"not run: {left}"
