"""Signing in and out, and changing one's password: in the place of Piccolo's own.

Piccolo's login gives a session to whoever knows a password, keeps its token as it is, and hashes
passwords in the way of everybody else. Its page is used on: it sends and expects what it always
did, the words ``MFA code required`` included.
"""

from __future__ import annotations

import logging

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from batua.audit import Act, Actor, Note
from batua.bootstrap import Batua
from batua.database import Row
from batua.identity import Role
from batua.limits import ClientAddresses
from batua.staff import Word
from batua_admin.attempts import Attempts
from batua_admin.bodies import read_json
from batua_admin.passwords import Passwords, check_new_password, is_outdated
from batua_admin.second_factor import SecondFactors
from batua_admin.sessions import LIFE, Sessions, SignedIn, end_sessions

__all__ = ["SigningIn"]

HELD_BACK = (
    "You came in without a second factor, and may look only: set one up on the page Security, "
    "and sign in again."
)

log = logging.getLogger(__name__)


class _Login(msgspec.Struct):
    username: str = ""
    password: str = ""
    mfa_code: str | None = None


class _NewPassword(msgspec.Struct):
    current_password: str = ""
    new_password: str = ""
    confirm_new_password: str = ""


class SigningIn:
    """Who comes in and who is in. ``is_secure`` is for a panel that is reached by https."""

    def __init__(self, batua: Batua, addresses: ClientAddresses, *, is_secure: bool) -> None:
        self._batua = batua
        self._addresses = addresses
        self._is_secure = is_secure
        self._sessions = Sessions(batua.database, now=batua.now, new_id=batua.new_id)
        self.attempts = Attempts(batua.rate_limits, batua.settings)
        self.passwords = Passwords()
        self.second_factors = SecondFactors(
            batua.database, batua.sealer, now=batua.now, new_id=batua.new_id
        )

    @property
    def cookie(self) -> str:
        """What the session's cookie is called. Browsers take such a name over https alone."""
        return "__Secure-batua_session" if self._is_secure else "batua_session"

    async def find(self, connection: HTTPConnection) -> SignedIn | None:
        """Who makes this request; None for whoever has no session."""
        token = connection.cookies.get(self.cookie)
        session = await self._sessions.find(token) if token else None
        if session is None:
            return None
        account_role, with_factor = Role(session["role"]), bool(session["has_second_factor"])
        role = self._effective_role(account_role, has_second_factor=with_factor)
        return SignedIn(
            staff_id=session["staff_id"],
            username=session["username"],
            account_role=account_role,
            role=role,
            held_back="" if role is account_role else HELD_BACK,
            address=self.address_of(connection),
            session_id=session["id"],
            has_second_factor=with_factor,
            has_one_time_password=bool(session["has_one_time_password"]),
        )

    def address_of(self, connection: HTTPConnection) -> str:
        """Where a request comes from, as it is counted and written down."""
        client = connection.client
        return self._addresses.find(client.host if client else None, connection.headers.raw)

    async def sign_in(self, request: Request) -> Response:
        """Begin a session.

        A wrong password, an unknown name and an account that may not come in are told alike, and
        take the same work.
        """
        shown, address = await read_json(request, _Login), self.address_of(request)
        await self.attempts.count_password(shown.username, address)
        if not shown.username or not shown.password:
            raise HTTPException(422, "Missing username or password")
        account = await self._account(shown.username)
        stored = account["password"] if account else None
        is_right = await self.passwords.are_same(shown.password, stored)
        if account is None or not is_right or not (account["active"] and account["admin"]):
            raise HTTPException(401, "Login failed")
        with_factor = await self._require_second_factor(account, shown.mfa_code)
        try:
            token = await self._sessions.begin(
                account, address=address, has_second_factor=with_factor
            )
        except PermissionError:
            raise HTTPException(401, "Login failed") from None
        if is_outdated(account["password"]):
            await self._hash_anew(account, shown.password)
        role = self._effective_role(Role(account["role"]), has_second_factor=with_factor)
        actor = Actor(name=f"staff:{account['username']}", role=role, address=address)
        await self.enter(actor, Word.SIGN_IN)
        response = JSONResponse({"message": "logged in"})
        self._set_cookie(response, request, token, age_s=int(LIFE.total_seconds()))
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session, whether there still is one or not."""
        me = await self.find(request)
        if me is not None:
            await self._sessions.end(request.cookies[self.cookie])
            await self.enter(me.actor, Word.SIGN_OUT)
        response = JSONResponse({"message": "logged out"})
        self._set_cookie(response, request, "", age_s=0)
        return response

    async def change_password(self, request: Request) -> Response:
        """Take another password of whoever is signed in, and sign them out everywhere."""
        me: SignedIn = request.user
        asked = await read_json(request, _NewPassword)
        await self.attempts.count_password(me.username, me.address)
        if not await self.is_password_of(me.username, asked.current_password):
            raise HTTPException(422, "Incorrect password.")
        self._check(asked)
        hashed = await self.passwords.hash(asked.new_password)
        await self.enter(me.actor, Word.CHANGE_PASSWORD)
        async with self._batua.database.transaction() as transaction:
            await transaction.execute(
                "update batua_staff set password = $2, has_one_time_password = $3 where id = $1",
                me.staff_id, hashed, False,
            )  # fmt: skip
            await end_sessions(transaction, me.staff_id)
        response = JSONResponse({"message": "changed: sign in again"})
        self._set_cookie(response, request, "", age_s=0)
        return response

    async def is_password_of(self, username: str, password: str) -> bool:
        """Whether this is somebody's password. It is for the caller to count who asks."""
        account = await self._account(username)
        stored = account["password"] if account else None
        return await self.passwords.are_same(password, stored)

    async def enter(self, actor: Actor, word: Word) -> None:
        """Enter in the audit log what somebody does about their own account."""
        act = Act(id=self._batua.new_id("aud"), actor=actor, word=word, subject=actor.name)
        await self._batua.engine.submit(Note(act))

    def _effective_role(self, role: Role, *, has_second_factor: bool) -> Role:
        """The one place where it is decided that a password alone is not enough."""
        is_enough = has_second_factor or self._batua.settings.staff_mfa == "optional"
        return role if is_enough or not role.reaches(Role.FINANCE) else Role.VIEWER

    async def _require_second_factor(self, account: Row, code: str | None) -> bool:
        """Whether the account has one: then ``code`` is of it. Raises 401 and 429."""
        if not await self.second_factors.has(account["id"]):
            return False
        if code is None:
            raise HTTPException(401, "MFA code required")  # Piccolo's page asks for it by this
        await self.attempts.count_code(account["username"])
        if not await self.second_factors.accept(account["id"], code):
            log.warning("a wrong code for staff %r, with the right password", account["username"])
            raise HTTPException(401, "MFA failed")
        return True

    async def _hash_anew(self, account: Row, password: str) -> None:
        hashed = await self.passwords.hash(password)
        async with self._batua.database.transaction() as transaction:
            await transaction.execute(
                "update batua_staff set password = $3 where id = $1 and password = $2",
                account["id"], account["password"], hashed,
            )  # fmt: skip

    async def _account(self, username: str) -> Row | None:
        if not username.isprintable():  # no text in a database has a zero byte
            return None
        return await self._batua.database.fetch_one(
            "select id, username, password, role, active, admin from batua_staff"
            " where username = $1",
            username,
        )

    def _check(self, asked: _NewPassword) -> None:
        if asked.new_password != asked.confirm_new_password:
            raise HTTPException(422, "Passwords do not match.")
        if asked.new_password == asked.current_password:
            raise HTTPException(422, "That is the password that you have. Choose another one.")
        try:
            check_new_password(asked.new_password)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None

    def _set_cookie(self, response: Response, request: Request, token: str, *, age_s: int) -> None:
        response.set_cookie(
            self.cookie,
            token,
            max_age=age_s,
            path=f"{request.scope.get('app_root_path', '')}/",
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )
