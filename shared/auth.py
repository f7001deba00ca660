"""Who is asking: EdDSA tokens of at most 15 minutes, checked against the issuer's public keys.

The keys and the list of revoked devices are files (or mounted ones), read again every 30 s and kept when they
cannot be read. Source of the token format: RFC 7519, RFC 8037 (EdDSA).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import structlog
from fastapi import Request

from shared.errors import Refused, refuse

log = structlog.get_logger()

ISSUER = "karuna"
AUDIENCE = "karuna"
LONGEST_S = 15 * 60
LEEWAY_S = 30
READ_AGAIN_S = 30
TICKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
BAD_TICKET = (
    422,
    "ticket",
    "Karuna-Ticket เป็นเลขที่เรื่องได้เท่านั้น: ตัวอักษรอังกฤษ ตัวเลข . _ / - ไม่เกิน 64 ตัว",
    "Karuna-Ticket is the number of a matter: at most 64 letters, digits and . _ / -",
)
NOT_FOR_AGENCIES = (
    403,
    "not_for_agencies",
    "โทเคนของหน่วยงานภายนอกใช้เส้นทางนี้ไม่ได้",
    "a token of an agency may not do this: it is the municipality's own work",
)
NOT_FOR_HELD = (
    403,
    "not_for_held",
    "บัญชีที่ดูแลเฉพาะบางพื้นที่ใช้ส่วนนี้ไม่ได้ เป็นงานของทั้งเทศบาล",
    "an account held to places may not do this: it is the work of the whole municipality",
)


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
    """Who asks. ``areas`` are municipality slugs; ``*`` stands for all (the province's own desk).

    ``agency_id``: whose people they are; None is the municipality itself. ``places``: codes of the area tree to which
    they are held, each with all that lies in it; none is the whole municipality. ``standing``: on what they stand
    (ticket, agency, legal basis …), for the audit: codes and ids alone.
    """

    subject: str
    role: Role
    areas: frozenset[str]
    crew_id: str | None = None
    device_id: str | None = None
    purpose: str | None = None
    agency_id: UUID | None = None
    places: frozenset[str] = frozenset()
    standing: tuple[tuple[str, str], ...] = ()

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
    # Told and empty would open everything to whom somebody meant to hold.
    places = claims.get("places")
    if places is not None and not (isinstance(places, list) and places and all(isinstance(one, str) for one in places)):
        raise TypeError("places")
    agency_id = claims.get("agency_id")
    return Caller(
        subject=str(claims["sub"]),
        role=Role(claims["role"]),
        areas=frozenset(map(str, areas)),
        crew_id=crew_id,
        device_id=device_id,
        purpose=purpose,
        agency_id=None if agency_id is None else UUID(agency_id),
        places=frozenset(places or ()),
    )


def may(*roles: Role, agencies: bool | None = None, held: bool | None = None) -> Callable[[Request], Awaitable[Caller]]:
    """A FastAPI dependency: the caller, if one of ``roles`` (admin alone is not everything: name it where meant).

    ``agencies``: whether it decides itself what somebody of an agency sees; without that only outsiders by role (crew,
    volunteer, partner) come in with an agency's token, and everybody where no role is asked for. ``held``: the same of
    accounts that are held to places.

    A coroutine, though it awaits nothing: FastAPI would send a plain function through its pool of threads.
    """
    everybody = set(roles) == set(Role)
    agencies = everybody if agencies is None else agencies
    held = everybody if held is None else held

    async def check(request: Request) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise refuse("unauthenticated")
        issuers: Issuers = request.app.state.runtime.issuers
        caller = issuers.check(token, request.headers.get("karuna-purpose"))
        if caller.role not in roles:
            raise refuse("forbidden", needs=sorted(roles))
        if caller.agency_id is not None and not agencies and caller.role not in OUTSIDERS:
            raise Refused(*NOT_FOR_AGENCIES)
        if caller.places and not held and caller.role not in OUTSIDERS:
            raise Refused(*NOT_FOR_HELD)
        return _standing(caller, request.headers.get("karuna-ticket"))

    return check


def _standing(caller: Caller, ticket: str | None) -> Caller:
    """The caller with what stands in every audit row of theirs: the matter they name, and whose people they are."""
    if ticket is not None and TICKET.fullmatch(ticket) is None:
        raise Refused(*BAD_TICKET, field="Karuna-Ticket")
    said = {"ticket": ticket, "agency_id": str(caller.agency_id) if caller.agency_id else None}
    return replace(caller, standing=tuple((name, value) for name, value in said.items() if value))


OUTSIDERS = frozenset({Role.CREW, Role.VOLUNTEER, Role.PARTNER})
"""Who sees their own alone, wherever they belong."""
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
    agency_id: UUID | None = None,
    places: Sequence[str] = (),
) -> str:
    """A token as the local issuer writes it. Times are Unix seconds. ``places``: to which it is held; none: to none."""
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
    if agency_id is not None:
        claims["agency_id"] = str(agency_id)
    if places:
        claims["places"] = list(places)
    return jwt.encode(claims, private_key, algorithm="EdDSA", headers={"kid": key_id})
