"""How often a password may be tried: where somebody tries counts, so that a stranger's tries keep nobody out elsewhere.

Wrong tries rest a login at the place that made them (a browser on which it has signed in before, else an address), not
everywhere. Only when very many came from browsers that the account has never used do such browsers rest altogether;
its own go on. A login that nobody has is counted alike, so that the answer tells nothing. A new password begins anew.

Source: OWASP, Slow Down Online Guessing Attacks with Device Cookies.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.console.store.accounts import Account
from shared.database import Pool
from shared.errors import Refused
from shared.limits import Limit, forget, spend, spent

FROM_ONE_PLACE = Limit("console.sign_in", 30, timedelta(minutes=5))
"""A whole office may sign in from one address at the change of shifts; a guesser does not get far."""
AT_ONE_PLACE = Limit("console.password", 5, timedelta(minutes=5))
"""Of one login, at one place."""
ELSEWHERE = Limit("console.password_elsewhere", 100, timedelta(hours=1))
"""Of one login, on browsers it has never signed in on. More than one address can reach, which mostly rests."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody tries. ``browser``: the cookie's hash, where this account has signed in with it."""

    address: str
    browser: bytes | None

    @property
    def name(self) -> str:
        return self.browser.hex() if self.browser else self.address


async def try_password(pool: Pool, login: str, account: Account | None, place: Place, at: datetime) -> str:
    """Count one try. Empty: it may be tried.

    ``too_many``: from this address; ``locked``: of this login, here; ``locked_elsewhere``: of it, on browsers it does
    not know.
    """
    limits = [(AT_ONE_PLACE, _key(login, account, place.name), "locked")]
    if place.browser is None:
        limits = [
            (FROM_ONE_PLACE, place.address, "too_many"), *limits, (ELSEWHERE, _key(login, account), "locked_elsewhere"),
        ]  # fmt: skip
    for limit, key, problem in limits:
        try:
            await spend(pool, limit, key, at=at)
        except Refused:
            return problem
    return ""


async def was_right(pool: Pool, account: Account, place: Place) -> None:
    """The tries before are forgotten."""
    await forget(pool, FROM_ONE_PLACE, place.address)
    await forget(pool, AT_ONE_PLACE, _key(account.login, account, place.name))
    await forget(pool, ELSEWHERE, _key(account.login, account))


async def may_retype(pool: Pool, account: Account | None, session_id: UUID, at: datetime) -> bool:
    """Whether somebody who is signed in may type the password once more: an open screen is no place to guess."""
    try:
        await spend(pool, AT_ONE_PLACE, _key("", account, str(session_id)), at=at)
    except Refused:
        return False
    return True


async def rests_elsewhere(pool: Pool, account: Account, at: datetime) -> bool:
    """Whether only browsers it has signed in on before may try."""
    return await spent(pool, ELSEWHERE, _key(account.login, account), at=at)


def _key(login: str, account: Account | None, place: str = "") -> str:
    return "|".join((login, (account.password or "") if account else "", place))
