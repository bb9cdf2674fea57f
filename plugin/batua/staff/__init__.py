"""What staff do, who may do it, and the desk that does it for them."""

from batua.staff.desk import Adjusting, Desk
from batua.staff.words import ROLES, Word, may, require

__all__ = ["ROLES", "Adjusting", "Desk", "Word", "may", "require"]
