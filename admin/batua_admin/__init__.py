"""The staff panel: Piccolo Admin over our tables, with forms that call our services."""

from batua_admin.mount import LazyPanel, panel_handler
from batua_admin.panel import create_panel
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
