"""Signing in: passwords (argon2id) and second factor (TOTP). How often somebody may try stands in ``tries.py``.

Sources: OWASP Password Storage Cheat Sheet (argon2id), RFC 6238 (TOTP), NIST SP 800-63B (length before rules).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

import argon2
import pyotp

from services.console.store.accounts import Account

HASHER = argon2.PasswordHasher()
SHORTEST = 12
STEP_S = 30
NOBODY = HASHER.hash("nobody-has-this-password")
"""Checked where there is no such account, so that the time taken tells nothing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``code``: ok, wrong, needs_code. ``step``: the time step of the code that was used."""

    code: str
    step: int = 0


async def hashed(password: str) -> str:
    return await asyncio.to_thread(HASHER.hash, password)


async def judge(account: Account | None, password: str, code: str, now: datetime) -> Verdict:
    """Whether these are the account's password and code. Takes as long for a login that does not exist."""
    right = await asyncio.to_thread(_verify, account.password if account and account.password else NOBODY, password)
    if account is None or not account.active or not account.password:
        return Verdict("wrong")
    if not right:
        return Verdict("wrong")
    if account.totp_secret is None:
        return Verdict("ok")
    if not code:
        return Verdict("needs_code")
    step = matching_step(account.totp_secret, code, now)
    return Verdict("ok", step) if step > account.totp_step else Verdict("wrong")


def _verify(known: str, password: str) -> bool:
    try:
        return HASHER.verify(known, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def matching_step(secret: str, code: str, now: datetime) -> int:
    """The time step a code belongs to, the neighbours of now included; -1 where it belongs to none."""
    totp = pyotp.TOTP(secret)
    current = int(now.timestamp()) // STEP_S
    for step in (current, current - 1, current + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), code.strip().replace(" ", "")):
            return step
    return -1


def new_secret() -> str:
    return pyotp.random_base32()


def enrolment_uri(secret: str, login: str) -> str:
    """What an authenticator application reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name="Karuna")
