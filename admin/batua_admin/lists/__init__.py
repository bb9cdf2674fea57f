"""The panel's lists: every table of the shop, to read, to find things in, and to follow."""

from batua_admin.lists.catalogue import LISTS
from batua_admin.lists.routes import list_routes

__all__ = ["LISTS", "list_routes"]
