"""Staff accounts, for owners. Nobody changes their own here, and one owner always remains."""

from __future__ import annotations

from pydantic import BaseModel, Field

from batua.errors import Conflict
from batua.identity import Role
from batua.staff import Word
from batua_admin.forms.fields import Words
from batua_admin.forms.filing import Filing, StaffForm
from batua_admin.passwords import new_one_time_password
from batua_admin.staff import (
    create_staff,
    disable_staff,
    enable_staff,
    reset_password,
    reset_second_factor,
    set_staff_role,
)

__all__ = ["FORMS"]

SHOWN_ONCE = "It is shown this once, and is to be changed at the first sign-in"


class NewStaffForm(BaseModel):
    """Somebody new."""

    name: Words = Field(title="Name to sign in with")
    role: Role = Field(default=Role.VIEWER, title=f"Role: {', '.join(Role)}")


class RoleForm(BaseModel):
    """Another role for somebody."""

    name: Words = Field(title="Name")
    role: Role = Field(title=f"Role: {', '.join(Role)}")


class NameForm(BaseModel):
    """Who is meant."""

    name: Words = Field(title="Name")


async def _create(filing: Filing, data: NewStaffForm) -> str:
    password = new_one_time_password()
    try:
        await create_staff(
            filing.batua,
            username=data.name,
            password=password,
            role=data.role,
            is_one_time=True,
            actor=filing.actor,
        )
    except ValueError as error:
        raise Conflict("staff_refused", str(error)) from error
    return f"{data.name} signs in with the password {password}. {SHOWN_ONCE}."


async def _set_role(filing: Filing, data: RoleForm) -> str:
    before = await set_staff_role(filing.batua, data.name, data.role, actor=filing.actor)
    return f"{data.name} is {data.role} now, and was {before}."


async def _disable(filing: Filing, data: NameForm) -> str:
    changed = await disable_staff(filing.batua, data.name, actor=filing.actor)
    return f"{data.name} is shut out." if changed else f"{data.name} was shut out already."


async def _enable(filing: Filing, data: NameForm) -> str:
    changed = await enable_staff(filing.batua, data.name, actor=filing.actor)
    return f"{data.name} may sign in again." if changed else f"{data.name} could all the time."


async def _reset_password(filing: Filing, data: NameForm) -> str:
    password = new_one_time_password()
    await reset_password(filing.batua, data.name, password, is_one_time=True, actor=filing.actor)
    return f"{data.name} signs in with the password {password}. {SHOWN_ONCE}."


async def _reset_factor(filing: Filing, data: NameForm) -> str:
    await reset_second_factor(filing.batua, data.name, actor=filing.actor)
    return f"{data.name} has no second factor any more, and is signed out."


FORMS = (
    StaffForm(
        Word.CREATE_STAFF, "Staff", "Add somebody to the staff",
        "They get a password for once. Finance and owners need a second factor before they act.",
        NewStaffForm, _create, reveals=True,
    ),
    StaffForm(
        Word.SET_STAFF_ROLE, "Staff", "Change a role",
        "A lower one ends their sessions. Nobody changes their own.",
        RoleForm, _set_role,
    ),
    StaffForm(
        Word.DISABLE_STAFF, "Staff", "Shut somebody out",
        "At once: their sessions end.",
        NameForm, _disable,
    ),
    StaffForm(
        Word.ENABLE_STAFF, "Staff", "Let somebody in again",
        "By signing in, with the password that they had.",
        NameForm, _enable,
    ),
    StaffForm(
        Word.RESET_STAFF_PASSWORD, "Staff", "Reset a password",
        "Ends their sessions, and makes a password for once.",
        NameForm, _reset_password, reveals=True,
    ),
    StaffForm(
        Word.RESET_STAFF_MFA, "Staff", "Reset a second factor",
        "For somebody who has lost the app and the recovery codes. Be sure who is asking.",
        NameForm, _reset_factor,
    ),
)  # fmt: skip
