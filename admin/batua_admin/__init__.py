"""The staff panel: Piccolo Admin over our tables, with forms that call our services."""

from batua_admin.mount import LazyPanel, panel_handler
from batua_admin.panel import create_panel
from batua_admin.staff import (
    create_staff,
    disable_staff,
    enable_staff,
    has_staff,
    list_staff,
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
    "set_staff_role",
]
