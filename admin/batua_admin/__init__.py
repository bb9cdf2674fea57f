"""The staff panel: Piccolo Admin over our tables, with forms that call our services.

``create_panel`` is loaded when somebody asks for it: Piccolo Admin comes with it, which takes half
a second of a processor, and most processes and commands never show a panel.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from batua_admin.mount import LazyPanel, panel_handler
from batua_admin.staff import (
    create_staff,
    disable_staff,
    enable_staff,
    has_staff,
    list_staff,
    reseal_second_factors,
    reset_password,
    reset_second_factor,
    set_staff_role,
)

if TYPE_CHECKING:
    from batua_admin.panel import create_panel

__all__ = [
    "LazyPanel",
    "create_panel",
    "create_staff",
    "disable_staff",
    "enable_staff",
    "has_staff",
    "list_staff",
    "panel_handler",
    "reseal_second_factors",
    "reset_password",
    "reset_second_factor",
    "set_staff_role",
]


def __getattr__(name: str) -> Any:
    if name == "create_panel":
        return import_module("batua_admin.panel").create_panel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
