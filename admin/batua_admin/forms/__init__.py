"""What staff file: each form calls the desk, none writes a table."""

from batua_admin.forms import accounts, cases, gateways, payments, refunds, wallets
from batua_admin.forms.filing import Filing, StaffForm
from batua_admin.forms.panel_forms import panel_forms

__all__ = ["FORMS", "Filing", "StaffForm", "panel_forms"]

FORMS = (
    *refunds.FORMS,
    *wallets.FORMS,
    *payments.FORMS,
    *cases.FORMS,
    *gateways.FORMS,
    *accounts.FORMS,
)
