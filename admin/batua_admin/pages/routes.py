"""Every page of ours, and who may see it."""

from __future__ import annotations

from batua.identity import Role
from batua_admin.pages.audit import show_audit
from batua_admin.pages.customers import show_customer
from batua_admin.pages.dashboard import download, show_dashboard
from batua_admin.pages.doing import file_form, show_form
from batua_admin.pages.finding import find
from batua_admin.pages.gateways import save_settings, show_gateways, show_settings
from batua_admin.pages.orders import show_order
from batua_admin.pages.overview import show_overview
from batua_admin.pages.people import show_people
from batua_admin.pages.shell import Page
from batua_admin.pages.waiting import show_approvals, show_attention

__all__ = ["PAGES"]

PAGES = (
    Page("", show_overview, title="Overview"),
    Page("dashboard/", show_dashboard, title="Dashboard"),
    Page("dashboard/{name}.csv", download),
    Page("find/", find, title="Find"),
    Page("approvals/", show_approvals, title="Approvals"),
    Page("attention/", show_attention, title="Needs attention"),
    Page("gateways/", show_gateways, title="Gateways"),
    Page("gateways/{code}/", show_settings, Role.OWNER),
    Page("gateways/{code}/", save_settings, Role.OWNER, methods=("POST",)),
    Page("staff/", show_people, Role.OWNER, title="Staff"),
    Page("audit/", show_audit, Role.FINANCE, title="Audit log"),
    Page("customers/{id}/", show_customer),
    Page("orders/{id}/", show_order),
    # Who may file a form is said by its word (see batua.staff).
    Page("do/{slug}/", show_form),
    Page("do/{slug}/", file_form, methods=("POST",)),
)
