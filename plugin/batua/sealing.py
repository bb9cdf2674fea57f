"""Small secrets at rest: encrypted, and bound to the place that they were stored for.

A sealed value that was copied from another row does not open: the place is inside.  Keys are
Fernet's, the newest first; the others open what they have sealed before.
https://cryptography.io/en/latest/fernet/
"""

from __future__ import annotations

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from batua.errors import ConfigurationError, InvariantViolated

__all__ = ["Sealer", "new_key"]

HOW = (
    "make one with python3 -c 'import base64, os; "
    "print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
)


class _Sealed(msgspec.Struct, frozen=True):
    place: str
    secret: str


class Sealer:
    """Seals and opens. ``keys`` is ``BATUA_ENCRYPTION_KEY``: comma separated while rotating.

    Raises ``ConfigurationError`` for a key that is none. Without a key it is made all the same,
    and raises when it is first needed.
    """

    def __init__(self, keys: str) -> None:
        try:
            made = [Fernet(key.strip()) for key in keys.split(",") if key.strip()]
        except ValueError:
            raise ConfigurationError(
                f"BATUA_ENCRYPTION_KEY must be 32 bytes in URL-safe base64: {HOW}"
            ) from None
        self._fernet = MultiFernet(made) if made else None

    def __repr__(self) -> str:
        return f"Sealer({'with' if self._fernet else 'without'} keys)"

    def seal(self, secret: str, place: str) -> str:
        """``secret`` in a form that may be stored, for ``place`` alone: table, row and column.

        Raises ``ConfigurationError`` without a key.
        """
        sealed = msgspec.json.encode(_Sealed(place, secret))
        if self._fernet is None:
            raise ConfigurationError(
                f"BATUA_ENCRYPTION_KEY is not set, and a secret is to be stored: {HOW}"
            )
        return self._fernet.encrypt(sealed).decode("ascii")

    def open(self, sealed: str, place: str) -> str:
        """What was sealed for ``place``.

        Raises ``ConfigurationError`` without a key and where none of the keys fits, and
        ``InvariantViolated`` for what was sealed for another place: somebody has moved it.
        """
        opened = msgspec.json.decode(self._decrypted(sealed, place), type=_Sealed)
        if opened.place != place:
            raise InvariantViolated(f"what is stored in {place} was sealed for {opened.place}")
        return opened.secret

    def reseal(self, sealed: str, place: str) -> str:
        """The same, sealed with the newest key. Raises as ``open`` does."""
        return self.seal(self.open(sealed, place), place)

    def _decrypted(self, sealed: str, place: str) -> bytes:
        if self._fernet is None:
            raise ConfigurationError(
                f"BATUA_ENCRYPTION_KEY is not set, and the secret in {place} is sealed: "
                "set the key that sealed it"
            )
        try:
            return self._fernet.decrypt(sealed.encode())
        except InvalidToken:
            raise ConfigurationError(
                f"none of the keys in BATUA_ENCRYPTION_KEY opens the secret in {place}: "
                "put the key back that sealed it, after the newest and a comma"
            ) from None


def new_key() -> str:
    """A new ``BATUA_ENCRYPTION_KEY``."""
    return Fernet.generate_key().decode("ascii")
