"""Who is asking: EdDSA tokens of at most 15 minutes, checked against the issuer's public keys.

The keys and the list of revoked devices are files (or mounted ones), read again every 30 s and kept when they
cannot be read. Source of the token format: RFC 7519, RFC 8037 (EdDSA).
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import jwt
import structlog
from fastapi import Request

from shared.errors import refuse

log = structlog.get_logger()

ISSUER = "karuna"
AUDIENCE = "karuna"
LONGEST_S = 15 * 60
LEEWAY_S = 30
READ_AGAIN_S = 30


class Role(StrEnum):
    """What somebody may be; one token carries one role."""

    CALL_TAKER = "call_taker"
    DISPATCHER = "dispatcher"
    CREW = "crew"
    CASE_MANAGER = "case_manager"
    REGISTRY_OFFICER = "registry_officer"
    VOLUNTEER = "volunteer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMIN = "admin"
    PARTNER = "partner"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``areas`` are municipality slugs; ``*`` stands for all (the province's own desk)."""

    subject: str
    role: Role
    areas: frozenset[str]
    crew_id: str | None = None
    device_id: str | None = None
    purpose: str | None = None

    def may_see(self, area: str) -> bool:
        return "*" in self.areas or area in self.areas

    @property
    def actor(self) -> str:
        return f"person:{self.subject}"


@dataclass(slots=True)
class Issuers:
    """Public keys by key id, and revoked devices, from a JSON file ``{"keys": [JWK…], "revoked": ["device"]}``."""

    path: Path
    _keys: dict[str, Any] = field(default_factory=dict)
    _revoked: frozenset[str] = frozenset()
    _read_at: float = -1e9

    def _refresh(self) -> None:
        if time.monotonic() - self._read_at < READ_AGAIN_S:
            return
        try:
            content = json.loads(self.path.read_text("utf-8"))
            self._keys = {key["kid"]: jwt.PyJWK(key).key for key in content["keys"]}
            self._revoked = frozenset(content.get("revoked", []))
        except (OSError, ValueError, KeyError, jwt.PyJWTError) as problem:
            log.warning("auth.issuer_unreadable", reason=type(problem).__name__, kept=len(self._keys))
        # Last: checks run in several threads, and one that comes meanwhile must not find it "read" and empty.
        self._read_at = time.monotonic()

    def check(self, token: str, purpose: str | None) -> Caller:
        """The caller behind a token.

        Raises:
            Refused: 401, saying whether it is expired, revoked or not a token of ours.

        """
        self._refresh()
        try:
            key = self._keys[jwt.get_unverified_header(token).get("kid", "")]
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
            if claims["exp"] - claims["iat"] > LONGEST_S:
                raise refuse("unauthenticated")
            caller = _caller(claims, purpose)
        except jwt.ExpiredSignatureError:
            raise refuse("token_expired") from None
        except (jwt.PyJWTError, KeyError, ValueError, TypeError):
            raise refuse("unauthenticated") from None
        if caller.device_id is not None and caller.device_id in self._revoked:
            raise refuse("device_revoked")
        return caller


def _caller(claims: dict[str, Any], purpose: str | None) -> Caller:
    areas, crew_id, device_id = claims["areas"], claims.get("crew_id"), claims.get("device_id")
    if not isinstance(areas, list) or any(not isinstance(each, str | None) for each in (crew_id, device_id)):
        raise TypeError("claims")
    return Caller(
        subject=str(claims["sub"]),
        role=Role(claims["role"]),
        areas=frozenset(map(str, areas)),
        crew_id=crew_id,
        device_id=device_id,
        purpose=purpose,
    )


def may(*roles: Role) -> Callable[[Request], Awaitable[Caller]]:
    """A FastAPI dependency: the caller, if one of ``roles`` (admin alone is not everything: name it where meant).

    A coroutine, though it awaits nothing: FastAPI would send a plain function through its pool of threads.
    """

    async def check(request: Request) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise refuse("unauthenticated")
        issuers: Issuers = request.app.state.runtime.issuers
        caller = issuers.check(token, request.headers.get("karuna-purpose"))
        if caller.role not in roles:
            raise refuse("forbidden", needs=sorted(roles))
        return caller

    return check


ANYONE = tuple(Role)
"""Every signed-in role."""


def make_token(
    private_key: Any,
    key_id: str,
    *,
    subject: str,
    role: Role,
    areas: list[str],
    now_s: float,
    lifetime_s: int = LONGEST_S,
    crew_id: str | None = None,
    device_id: str | None = None,
) -> str:
    """A token as the local issuer writes it. Times are Unix seconds."""
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "role": role.value,
        "areas": areas,
        "iat": int(now_s),
        "exp": int(now_s) + lifetime_s,
    }
    if crew_id is not None:
        claims["crew_id"] = crew_id
    if device_id is not None:
        claims["device_id"] = device_id
    return jwt.encode(claims, private_key, algorithm="EdDSA", headers={"kid": key_id})
