"""Secrets at rest: encrypted by Fernet, newest key first.

Fernet has no associated data, so the account and the column are written
inside the plaintext and compared on reading: a secret that was copied to
another row or column does not open.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from uuid import UUID

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from b24_pipeline.errors import SecretKeyError
from b24_pipeline.store.database.secret_file import kept_secret

HOW_TO_MAKE = (
    "a database that has portals needs the key it had; for a new one, make one with `b24 keys new`, and keep it apart "
    "from the database"
)


class Vault:
    """Encrypts and decrypts secrets. Raises SecretKeyError where the keys do not fit."""

    def __init__(self, keys: str) -> None:
        listed = [key.strip() for key in keys.split(",") if key.strip()]
        if not listed:
            raise SecretKeyError(f"B24_SECRET_KEYS is empty; {HOW_TO_MAKE}")
        try:
            self._fernet = MultiFernet([Fernet(key) for key in listed])
            self._keys = listed
        except ValueError:
            raise SecretKeyError(
                f"B24_SECRET_KEYS holds something that is no Fernet key; {HOW_TO_MAKE}"
            ) from None

    def signing_keys(self, purpose: str) -> list[bytes]:
        """Keys for signing, one of each key of ours, the newest last; they are good for `purpose` alone."""
        return [hmac.digest(key.encode(), purpose.encode(), "sha256") for key in reversed(self._keys)]

    def lock(self, account: UUID, column: str, secret: str) -> str:
        """Encrypts the secret of an account's column."""
        return self._fernet.encrypt(orjson.dumps([str(account), column, secret])).decode()

    def open(self, account: UUID, column: str, locked: str) -> str:
        """Decrypts what `lock` made for this account and column. Raises SecretKeyError."""
        try:
            owner, where, secret = orjson.loads(self._fernet.decrypt(locked.encode()))
        except InvalidToken:
            raise SecretKeyError(
                f"no key of B24_SECRET_KEYS opens {column}; was the key replaced? "
                "Put the old one behind the new one, separated by a comma"
            ) from None
        if (owner, where) != (str(account), column):
            raise SecretKeyError(f"{column} holds a secret of another row; connect this portal again")
        return str(secret)


def key_of_home(home: Path) -> str:
    """The key of an embedded database, made once and readable by its owner alone."""
    return kept_secret(home.expanduser() / "secret.keys", lambda: Fernet.generate_key().decode())
