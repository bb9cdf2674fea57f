"""Pages of ours under ``/admin/pages/``, which Piccolo Admin has no place for.

They are HTML that the server writes: no script, so that a keyboard, a reader and a slow line do.
They share the panel's session and its CSRF token, and look like it.

A page is a function of a ``Visit`` that is listed in ``routes.PAGES`` with its path and the least
role that may see it.  It reads, and shows a template with ``visit.show``.  Whatever changes
something is a form of ``batua_admin.forms``: it has a page of its own at ``do/<slug>/``, filled in
by the query (``do/refund-an-order/?order=A-1&back=orders/ord_1/``), and a page links to it with
``visit.form``.
"""

from batua_admin.pages.application import create_pages
from batua_admin.pages.routes import PAGES
from batua_admin.pages.shell import Page, Visit

__all__ = ["PAGES", "Page", "Visit", "create_pages"]
