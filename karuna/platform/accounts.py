"""Keys and accounts of one installation, in ``<home>/keys/``: operator, SYS, KARUNA and its users.

The server gets public tokens only; seeds stay in this folder, mode 0600. The operator's token is made once and kept
byte-equal. The token of KARUNA is signed anew when its content changes, and pushed into the running server.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import nats
from nats.aio.client import Client

from karuna.platform import jwt
from karuna.platform.files import read_or_none, write_private
from karuna.platform.jwt import Key, Rights
from karuna.platform.permissions import SYSTEM_RIGHTS, SYSTEM_USER, TABLE, exports, inbox

REQUEST_TIMEOUT_S = 5


class ClaimsRefused(Exception):
    """The server did not take an account's token; the message is the server's."""


class Accounts:
    """The accounts of one installation. Making one reads the folder and creates or renews what is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.operator = self._key("operator", jwt.OPERATOR)
        self.system = self._key("SYS", jwt.ACCOUNT)
        self.karuna = self._key("KARUNA", jwt.ACCOUNT)
        self._signer = self._key("KARUNA-signing", jwt.ACCOUNT)
        self.operator_token = self._once("operator.jwt", jwt.operator(self.operator, self.system.public))
        self.system_token = self._once(
            "SYS.jwt", jwt.account(self.operator, self.system.public, "SYS", issued_at=int(time.time()))
        )
        self._write_user(SYSTEM_USER, SYSTEM_RIGHTS, self.system, None)
        self.renew()

    def creds(self, user: str) -> Path:
        """The credentials file of a user of the permission table, or of ``sys``."""
        if user != SYSTEM_USER and user not in TABLE:
            raise KeyError(user)
        return self.folder / f"{user}.creds"

    def tokens(self) -> dict[str, str]:
        """Account key → token: SYS, KARUNA, and the outsiders who are not removed."""
        outsiders = {
            jwt.decode(token)["sub"]: token
            for file in sorted((self.folder / "subscribers").glob("*.jwt"))
            if (token := file.read_text())
        }
        return {self.system.public: self.system_token, self.karuna.public: self.token, **outsiders}

    def renew(self) -> None:
        """Bring KARUNA's users to the permission table and its token to the exports.

        A user whose row changed gets a new token, and the older one is revoked: rights once taken away are gone.
        """
        old = read_or_none(self.folder / "KARUNA.jwt")
        revoked: dict[str, int] = dict(jwt.decode(old)["nats"]["revocations"]) if old else {}
        for user, rights in TABLE.items():
            revoked.update(self._write_user(user, rights, self._signer, self.karuna.public))
        self.token = self.sign_account(
            "KARUNA.jwt",
            lambda issued_at: jwt.account(
                self.operator,
                self.karuna.public,
                "KARUNA",
                signing_keys=[self._signer.public],
                exports=exports(),
                revocations=revoked,
                jetstream=True,
                issued_at=issued_at,
            ),
        )

    def sign_account(self, file: str, make: jwt.Maker) -> str:
        """The token kept in ``file``, or a later one where what it says has changed."""
        path = self.folder / file
        old = read_or_none(path)
        new = make(int(time.time()))
        if old and jwt.same(old, new):
            return old
        if old and jwt.issued_at(new) <= jwt.issued_at(old):
            new = make(jwt.issued_at(old) + 1)  # the server keeps the later of two
        write_private(path, new)
        return new

    async def push(self, url: str, *tokens: str) -> None:
        """Give tokens to the running server at ``url``; without any, all of them."""
        client = await nats.connect(
            url,
            user_credentials=str(self.creds(SYSTEM_USER)),
            inbox_prefix=inbox(SYSTEM_USER).encode(),
            allow_reconnect=False,
            connect_timeout=REQUEST_TIMEOUT_S,
        )
        try:
            for token in tokens or tuple(self.tokens().values()):
                await _push_one(client, token)
        finally:
            await client.close()

    def _key(self, name: str, kind: int) -> Key:
        path = self.folder / f"{name}.seed"
        if seed := read_or_none(path):
            return Key(seed.encode())
        key = Key.new(kind)
        write_private(path, key.seed.decode())
        return key

    def _once(self, file: str, token: str) -> str:
        if kept := read_or_none(self.folder / file):
            return kept
        write_private(self.folder / file, token)
        return token

    def _write_user(self, user: str, rights: Rights, signer: Key, account: str | None) -> dict[str, int]:
        """Write a user's credentials; gives the revocation of the token it replaces, if any."""
        path = self.folder / f"{user}.creds"
        old_token, seed = jwt.read_creds(text) if (text := read_or_none(path)) else (None, None)
        key = Key(seed) if seed else Key.new(jwt.USER)
        issued_at = int(time.time())
        if old_token:
            issued_at = max(issued_at, jwt.issued_at(old_token) + 1)
        token = jwt.user(signer, key.public, user, rights, issuer_account=account, issued_at=issued_at)
        if old_token and jwt.same(old_token, token):
            return {}
        write_private(path, jwt.creds(token, key.seed))
        return {key.public: jwt.issued_at(old_token)} if old_token else {}


async def _push_one(client: Client, token: str) -> None:
    reply = await client.request("$SYS.REQ.CLAIMS.UPDATE", token.encode(), timeout=REQUEST_TIMEOUT_S)
    answer = json.loads(reply.data)
    if "error" in answer:
        raise ClaimsRefused(str(answer["error"].get("description")))
