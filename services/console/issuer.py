"""The issuer of local accounts: signs the tokens of whoever is signed in, and names revoked devices to the services.

A device is a session's id. The services read the public file again every 30 s; a token lives five minutes at most,
so a revoked browser is out within half a minute, and for good.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.console.store import accounts, browsers
from shared.auth import Role, make_token
from shared.database import AWAY, Connection, Pool
from shared.service import Runtime
from shared.work import now_utc

log = structlog.get_logger()

LIFETIME_S = 300
RENEW_BEFORE_S = 60
NAMED_FOR = timedelta(minutes=20)
"""Longer than the longest token: after that a revoked device has nothing left to show."""


@dataclass(slots=True)
class Signer:
    """The private key, and the tokens that are still good, by session and role."""

    key: Ed25519PrivateKey
    key_id: str
    public_file: Path
    _made: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict)

    def token(
        self, *, session_id: str, login: str, role: Role, areas: tuple[str, ...], crew_id: str | None,
        agency_id: UUID | None = None, places: tuple[str, ...] = (),
    ) -> str:  # fmt: skip
        now = time.time()
        good_until, token = self._made.get((session_id, role.value), (0.0, ""))
        if good_until - RENEW_BEFORE_S > now:
            return token
        token = make_token(
            self.key, self.key_id, subject=login, role=role, areas=list(areas), now_s=now, lifetime_s=LIFETIME_S,
            crew_id=crew_id, device_id=session_id, agency_id=agency_id, places=places,
        )  # fmt: skip
        if len(self._made) > 10_000:  # noqa: PLR2004 far more than anybody has open
            self._made.clear()
        self._made[session_id, role.value] = (now + LIFETIME_S, token)
        return token

    def forget(self, session_id: str) -> None:
        for key in [key for key in self._made if key[0] == session_id]:
            del self._made[key]


def signer(key_file: Path, public_file: Path) -> Signer:
    """Reads the key.

    Raises:
        TypeError: the file holds another kind of key.
        OSError: there is no such file.

    """
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{key_file.name} holds no Ed25519 key")
    known = json.loads(public_file.read_text("utf-8"))
    return Signer(key, known["keys"][0]["kid"], public_file)


async def name_revoked(pool: Connection | Pool, public_file: Path) -> None:
    """Write the list of revoked devices beside the public keys, whole or not at all; other issuers' entries stay."""
    ids = {str(each) for each in await accounts.revoked_since(pool, now_utc() - NAMED_FOR)}
    await asyncio.to_thread(_write, public_file, ids)


def _write(public_file: Path, ids: set[str]) -> None:
    known: dict[str, Any] = json.loads(public_file.read_text("utf-8"))
    ours = set(known.get("revoked_by_console", []))
    others = [device for device in known.get("revoked", []) if device not in ours]
    wanted = {**known, "revoked": sorted({*others, *ids}), "revoked_by_console": sorted(ids)}
    if wanted == known:
        return
    handle, name = tempfile.mkstemp(dir=public_file.parent, prefix=".issuer-")
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(json.dumps(wanted))
        os.fchmod(out.fileno(), 0o644)
    Path(name).replace(public_file)


async def keep_named(runtime: Runtime) -> None:
    """A job beside the console: the list is right again at start, and old names leave it."""
    while not runtime.stopping:
        try:
            await name_revoked(runtime.pool, runtime.parts["signer"].public_file)
            await accounts.drop_old(runtime.pool, now_utc() - timedelta(days=30))
            await browsers.drop_old(runtime.pool, now_utc() - timedelta(days=400))
        except (*AWAY, OSError, ValueError) as problem:
            log.warning("issuer.list_not_written", reason=type(problem).__name__)
        await asyncio.sleep(60)
