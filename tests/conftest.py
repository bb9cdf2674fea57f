"""What every test may ask for. Code that tests import stands in ``tests/support``, not here."""

from __future__ import annotations

# First: it puts the fixed SQLite in the place of sqlite3. Coverage, which pytest loads before,
# keeps the system's for its own data file; tests/integration/test_sqlite_swap.py proves that
# nobody who opens a shop does.
import batua.fixed_sqlite  # noqa: F401

# isort: split

import gc
import logging
import os
import shutil
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from batua.database import Database, migrate, open_database
from batua_api.logs import OURS, TELL_BODIES
from tests.postgres import NoPostgres, PostgresServer, run_apart, running_server
from tests.support.clock import FakeClock
from tests.support.measuring import Measuring
from tests.support.redis_server import NoRedis, running_redis

SOAK = os.environ.get("BATUA_TEST_SOAK") == "1"

# Seeded: the same examples on every run, so that a red build is red for the next person too.
settings.register_profile("seeded", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("soak", deadline=None, max_examples=2000)
settings.load_profile("soak" if SOAK else "seeded")


MEASURED = (
    "tests/unit/",
    "tests/property/",
    "tests/integration/proof/",
    *(
        f"tests/integration/test_{name}"
        for name in ("audit", "bonuses", "disputes", "engine", "following", "idempotency", "lots",
                     "operations", "provider_refunds", "run_twice", "statement")
    ),
)  # fmt: skip
"""What runs every line and branch of the ledger and the contract."""

# Whose books are compared says what differs.
pytest.register_assert_rewrite("tests.support.journal")

gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="module", autouse=True)
def _spare_the_collector() -> None:
    """What earlier modules left (panels, models, examples) is not walked again and again.

    Late in a long run the collector would take more time than the tests, and a server more than
    ten seconds to start.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A host's app, or our own commands, may configure the logs of the whole process."""
    root = logging.getLogger()
    names = (*OURS, *TELL_BODIES)
    before = root.level, root.handlers[:], logging.raiseExceptions
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    logging.raiseExceptions = before[2]
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Measuring(MEASURED))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let every log reach the process that prints: text that UTF-8 can't say would end the run."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def soak() -> bool:
    """Whether the full counts are wanted (``make soak``)."""
    return SOAK


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The session's PostgreSQL. Without one the test is skipped, or fails where all must run."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running_server())
        except NoPostgres as error:
            if os.environ.get("BATUA_TEST_REQUIRE_ALL") == "1":
                pytest.fail(f"no PostgreSQL, and BATUA_TEST_REQUIRE_ALL=1: {error}")
            pytest.skip(f"no PostgreSQL: {error}")
        yield server
        server.close()


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "shop.sqlite"
    run_apart(_make(f"sqlite:///{path}"))
    return path


async def _make(url: str) -> None:
    database = open_database(url)
    await database.open()
    await migrate(database)
    await database.close()


@pytest.fixture
def sqlite_url(_migrated_file: Path, tmp_path: Path) -> str:
    """A fresh migrated SQLite file."""
    path = tmp_path / "shop.sqlite"
    shutil.copyfile(_migrated_file, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A migrated PostgreSQL database, empty."""
    url = postgres_server.lend()
    yield url
    postgres_server.give_back(url)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The session's Redis. Without one the test is skipped, or fails where all must run."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(running_redis())
        except NoRedis as error:
            if os.environ.get("BATUA_TEST_REQUIRE_ALL") == "1":
                pytest.fail(f"no Redis, and BATUA_TEST_REQUIRE_ALL=1: {error}")
            pytest.skip(f"no Redis: {error}")
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh migrated database, once on each engine: ``-k sqlite`` picks one."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path, dialect_name: str) -> Iterator[str]:
    """A database with nothing in it, once on each engine."""
    if dialect_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create(migrated=False)
    yield url
    server.drop(url)


@pytest.fixture(params=["sqlite", "postgres"])
def dialect_name(request: pytest.FixtureRequest) -> str:
    """The engine's name, for what can't start from a migrated database."""
    name: str = request.param
    return name


@pytest.fixture
async def open_more() -> AsyncIterator[Callable[..., object]]:
    """Opens further ``Database`` objects (``await open_more(url)``) and closes them afterwards."""
    opened: list[Database] = []

    async def open_one(url: str, *, pool_size: int = 10) -> Database:
        database = open_database(url, pool_size=pool_size)
        await database.open()
        opened.append(database)
        return database

    yield open_one
    for database in opened:
        await database.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open ``Database`` on a fresh migrated one, closed afterwards."""
    database = open_database(database_url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def clock() -> FakeClock:
    """Stands still at 2026-11-22T12:00:00Z until ``advance`` moves it."""
    return FakeClock()
