"""The demo: one process with the shop, its worker and the simulators of every gateway there is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import click
from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from batua.bootstrap import Batua, open_batua
from batua.contract import Money, format_money
from batua.database import migrate, open_database
from batua.settings import Settings, read_settings
from batua.testing.serving import serving
from batua.testing.simulators.kit.simulator import Simulator
from batua.testing.simulators.whatsapp import WhatsAppSimulator
from batua.wallets import NO_RULES, Adjust, AdjustmentReason, Direction, Newcomer
from batua_admin import create_staff, has_staff
from batua_api.app import create_app
from batua_api.demo_shop import DEMO, Provider, StaffLogin, demo_shop
from batua_api.frontend import frontend_files
from batua_api.interrupts import interrupted
from batua_api.local import beside_database, demo_secrets, secret_name
from batua_api.plugin import BatuaPlugin
from batua_api.server import Connection
from batua_api.simulators import installed_simulators, new_simulator, running, secret_keywords

__all__ = ["run_demo"]

PHONE_NUMBER_ID = "1000000000001"
STAFF = "owner"
OPENING_BALANCES = {"asha": 200_000, "ravi": 75_000, "meera": 0}


async def run_demo(environ: Mapping[str, str], *, port: int, database_url: str) -> None:
    """Serve until interrupted. The core's settings may come from ``environ``, no gateway's do."""
    base = f"http://127.0.0.1:{port}"
    secrets = demo_secrets(database_url, _secret_names())
    settings = _settings(environ, secrets, base, database_url)
    database = open_database(database_url)
    await database.open()
    try:
        await migrate(database)
    finally:
        await database.close()
    simulators = _simulators(secrets, base, database_url)
    whatsapp = _whatsapp(secrets, base, database_url)
    plugins = _plugin_settings(simulators, secrets, base)
    # Seeded before it serves: whoever finds it ready finds the customers too.
    async with open_batua(settings, plugins, newcomers=_newcomer) as batua:
        await _seed(batua, secrets["DEMO_STAFF_PASSWORD"])
    plugin = BatuaPlugin(settings, plugins, with_worker=True, newcomers=_newcomer)
    app = create_app(
        plugin,
        *(_mount(f"/simulators/{one.code}", one.app) for one in simulators),
        _mount("/simulators/whatsapp", whatsapp.app),
        *frontend_files(),
        *demo_shop(
            settings,
            customers={customer: _newcomer(customer) for customer in OPENING_BALANCES},
            providers=tuple(_provider(one) for one in simulators),
            staff=StaffLogin(STAFF, secrets["DEMO_STAFF_PASSWORD"]),
        ),
    )
    async with serving(app, port=port, http=Connection), running(*simulators, whatsapp):
        names = {one.name: one.public_url for one in simulators}
        click.echo(_welcome(base, settings, secrets["DEMO_STAFF_PASSWORD"], names))
        await interrupted()


def _secret_names() -> dict[str, str]:
    """What the simulators keep secret, by its name in the file, and what each begins with."""
    return {
        secret_name(code, keyword): prefix
        for code in installed_simulators()
        for keyword, prefix in secret_keywords(code).items()
    }


def _settings(
    environ: Mapping[str, str], secrets: Mapping[str, str], base: str, database_url: str
) -> Settings:
    core = {
        "BATUA_CUSTOMER_ORDERS": "on",
        # Whoever tries it has the password, and no app for codes at hand.
        "BATUA_STAFF_MFA": "optional",
        "BATUA_JWT_SECRET": secrets["BATUA_JWT_SECRET"],
        "BATUA_ENCRYPTION_KEY": secrets["BATUA_ENCRYPTION_KEY"],
        # Whoever tries it has a receiver on this machine, and no certificate.
        "BATUA_WEBHOOK_LOOPBACK_HTTP": "on",
        **environ,
    }
    return read_settings(core, database_url=database_url, public_url=base, notifier="whatsapp")


def _plugin_settings(
    simulators: Sequence[Simulator], secrets: Mapping[str, str], base: str
) -> dict[str, str]:
    gateways: dict[str, str] = {}
    for simulator in simulators:
        gateways |= simulator.settings()
    return {
        **gateways,
        "BATUA_WHATSAPP_PHONE_NUMBER_ID": PHONE_NUMBER_ID,
        "BATUA_WHATSAPP_ACCESS_TOKEN": secrets["BATUA_WHATSAPP_ACCESS_TOKEN"],
        "BATUA_WHATSAPP_APP_SECRET": secrets["BATUA_WHATSAPP_APP_SECRET"],
        "BATUA_WHATSAPP_BASE_URL": f"{base}/simulators/whatsapp",
    }


def _simulators(secrets: Mapping[str, str], base: str, database_url: str) -> tuple[Simulator, ...]:
    return tuple(
        new_simulator(
            code,
            webhook_url=f"{base}/api/v1/webhooks/{code}",
            public_url=f"{base}/simulators/{code}",
            store=beside_database(database_url, f"{code}-simulator"),
            secrets={
                keyword: secrets[secret_name(code, keyword)] for keyword in secret_keywords(code)
            },
        )
        for code in installed_simulators()
    )


def _whatsapp(secrets: Mapping[str, str], base: str, database_url: str) -> WhatsAppSimulator:
    return WhatsAppSimulator(
        phone_number_id=PHONE_NUMBER_ID,
        access_token=secrets["BATUA_WHATSAPP_ACCESS_TOKEN"],
        app_secret=secrets["BATUA_WHATSAPP_APP_SECRET"],
        webhook_url=f"{base}/api/v1/webhooks/whatsapp",
        store=beside_database(database_url, "whatsapp-simulator"),
    )


def _provider(simulator: Simulator) -> Provider:
    url = f"/simulators/{simulator.code}"
    return Provider(simulator.code, simulator.name, url, simulator.has_books)


def _newcomer(customer_id: str) -> Newcomer:
    # Always the same synthetic number for a name, in a range that no operator has given out.
    digits = int(hashlib.sha256(customer_id.encode()).hexdigest(), 16) % 10**7
    return Newcomer(
        name=customer_id.replace("_", " ").title(),
        phone=f"+91555{digits:07d}",
        consents=("whatsapp",),
    )


async def _seed(batua: Batua, password: str) -> None:
    for customer, amount in OPENING_BALANCES.items():
        if amount:
            await batua.engine.submit(
                Adjust(
                    id=f"adj_demo_{customer}",
                    customer_id=customer,
                    money=Money(amount, "INR"),
                    direction=Direction.CREDIT,
                    reason_code=AdjustmentReason.OPENING_BALANCE,
                    note="seeded by batua demo",
                    requested_by="staff:demo",
                    approval_limit=batua.settings.approval_limit,
                    newcomers=batua.newcomers,
                    new_id=batua.new_id,
                    rules=NO_RULES,  # whatever they may be, the demo begins with these
                )
            )
    if not await has_staff(batua, STAFF):
        await create_staff(batua, username=STAFF, password=password, role="owner")


def _mount(path: str, app: ASGIApp) -> ASGIRouteHandler:
    @asgi(path, is_mount=True, copy_scope=True)
    async def simulator(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return simulator


def _welcome(base: str, settings: Settings, password: str, simulators: Mapping[str, str]) -> str:
    customers = ", ".join(
        f"{name} {format_money(amount, 'INR')}" for name, amount in OPENING_BALANCES.items()
    )
    rows = [
        ("Demo shop", f"{base}{DEMO}/   begin here"),
        ("API", f"{base}/api/v1/docs"),
        ("Staff panel", f"{base}/admin/   user {STAFF}   password {password}"),
        *(
            [("", "no second factor is asked for; a real shop asks finance and owners for one")]
            if settings.staff_mfa == "optional"
            else []
        ),
        *((name, f"{url}/   (simulator)") for name, url in simulators.items()),
        ("WhatsApp", f"{base}/simulators/whatsapp/   (simulator)"),
        ("Database", settings.database_url.rpartition("@")[2]),
        ("Customers", f"seeded with {customers}"),
        ("Token", ".venv/bin/batua token --customer asha"),
    ]
    lines = "\n".join(f"  {name:<12} {text}" for name, text in rows)
    return f"\nBatua's demo shop is open. Stop it with Ctrl+C.\n\n{lines}\n"
