"""Canaries on every screen of the console: one who hides nothing, one who is secret, one who is typed into every form.

The first may stand on screens and nowhere in an address; the second on no screen of whoever may not see them; and of
both nothing is left on any screen once they are erased.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from karuna.local import Local
from karuna.seed import seed_id
from karuna.seed_agencies import agency_id
from services.console.navigation import DESK
from services.registry.rules.access import SEES_PROTECTED
from shared.auth import Role
from shared.thai.dates import BANGKOK
from tests.browser.order import on_duty, put_in_order
from tests.journeys import cared, looking
from tests.journeys.canary import Canary
from tests.journeys.eyes import Eyes, Seen, eyes_of, filled, screens
from tests.journeys.forms import forms, pressed
from tests.journeys.rides import book
from tests.journeys.test_canary import settled
from tests.journeys.town import AREA, Town, eventually, town_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEE_OTHER, FORBIDDEN, INTERNAL = 303, 403, 500
FULL = 25
"""A walk that finds fewer has not looked."""
NOT_HERS = ("call_id", "ride_id", "trip_id", "day", "agency_id", "group_id", "mate_id")
"""Of calls, of an agency and a group that others know, too, and of who lives with them."""
OF_CALLS = ("/desk", "/board", "/messages", "/rides")
"""Who serves calls sees whom they serve."""
REVIEWED = "/people/glass"
"""Every glass that was broken is reviewed, with the reason that was given."""
STOOD_ON_IT = "/people/withdrawals"
"""Who stood on a consent hears that it ended, whoever they are by now: of them an id and a day."""
ON_A_TELEPHONE = "/messages/simulated"
"""What has arrived on somebody's telephone nobody takes back."""
ELSEWHERE = "460102"
"""A tambon where no canary lives."""
COUNTS = (
    "/people/gaps?group=bedridden", "/people/gaps?group=bedridden&gap=no_verified_home", "/people/community",
    f"/people/community/card?name={cared.COMMUNITY}", "/people/visits", "/people/visits/disputed", "/people/duplicates",
    "/people/proposals", "/cases", "/cases/tasks", "/cases/reviews",
)  # fmt: skip
"""Lists and figures."""


@dataclass
class Flock:
    """Everybody who looks, the birds they look for, and what the screens showed before the secret one came."""

    town: Town
    eyes: dict[str, Eyes] = field(default_factory=dict)
    known: Canary = field(default_factory=Canary)
    secret: Canary = field(default_factory=Canary)
    known_ids: dict[str, str] = field(default_factory=dict)
    secret_ids: dict[str, str] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    shut: set[tuple[str, str]] = field(default_factory=set)
    before: dict[str, tuple[int, str]] = field(default_factory=dict)

    def may_see(self, one: Seen) -> bool:
        """Whether the secret one may stand on this screen: of who serves the call, or who cares and asks for them by id."""
        eyes = self.eyes[one.who]
        if not eyes.ours:
            return False
        asked = any(each in one.path for each in self.secret_ids.values())
        serves = eyes.role in DESK | {Role.CASE_MANAGER} and one.path.startswith(OF_CALLS)
        return serves or (eyes.role in SEES_PROTECTED and (asked or one.path == REVIEWED))

    async def each(self, asked: Iterable[str], *whose: Mapping[str, str]) -> list[Seen]:
        """These screens as everybody gets them; what is shut to a role is knocked at once."""
        wanted = list(asked)
        found = await asyncio.gather(*(self._all(eyes, wanted, whose) for eyes in self.eyes.values()))
        return [seen for some in found for seen in some]

    async def _all(self, eyes: Eyes, asked: list[str], whose: Iterable[Mapping[str, str]]) -> list[Seen]:
        got: dict[str, Seen] = {}
        for screen in asked:
            for ids in whose:
                path = filled(screen, ids)
                if path in got or (eyes.who, screen) in self.shut:
                    continue
                got[path] = await eyes.get(path)
                if got[path].status == FORBIDDEN and eyes.ours and ids is self.known_ids:
                    self.shut.add((eyes.who, screen))
        return list(got.values())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def flock(installation: Local) -> AsyncIterator[Flock]:
    async with town_of(installation) as town:
        duty = await on_duty(town)
        made = Flock(town)
        for bird in (made.known, made.secret):
            await looking.make_unknown(town.local, bird)
        volunteer = seed_id(AREA, "crew", "C10")
        made.eyes = {eyes.who: eyes for eyes in await _everybody(town, volunteer)}
        made.known_ids = await cared.cared_for(town, made.known, volunteer) | await _calls(town, made.known)
        made.before = {seen.line: seen.bare() for seen in await made.each(COUNTS, {})}
        made.secret_ids = await cared.cared_for(town, made.secret, volunteer)
        await cared.hidden(town, made.secret_ids["person_id"])
        made.secret_ids |= await _calls(town, made.secret)
        await settled(town)
        made.seen = await made.each(screens(), made.known_ids, made.secret_ids)
        yield made
        for eyes in made.eyes.values():
            await eyes.client.aclose()
        await put_in_order(town, duty)


def _told(seen: Iterable[Seen], found: Callable[[Seen], list[str]]) -> dict[str, list[str]]:
    """What was found where."""
    return {one.line: what for one in seen if (what := found(one))}


def _ids_of_her(flock: Flock) -> list[str]:
    return [each for name, each in flock.secret_ids.items() if name not in NOT_HERS]


async def _everybody(town: Town, volunteer: UUID) -> list[Eyes]:
    """A browser of every role; of agencies with an agreement and without; of an account that is held elsewhere."""
    crew = {Role.VOLUNTEER: volunteer, Role.CREW: seed_id(AREA, "crew", "C40")}
    return [
        *[await eyes_of(town, role, crew_id=crew.get(role)) for role in Role],
        await eyes_of(town, Role.CASE_MANAGER, agency_id=cared.HOSPITAL),
        await eyes_of(town, Role.SUPERVISOR, agency_id=agency_id(AREA, "foundation")),
        await eyes_of(town, Role.REGISTRY_OFFICER, places=(ELSEWHERE,)),
    ]


async def _calls(town: Town, bird: Canary) -> dict[str, str]:
    """An emergency that a crew drives, and a ride that is booked."""
    call = await town.take({**bird.body, "lane": "emergency"})
    trip = await town.trip(call["id"], lambda trip: bool(trip["assignments"]))
    await town.press_when_asked(trip["assignments"][0]["id"], "accept")
    at = (datetime.now(BANGKOK) + timedelta(days=2)).replace(hour=10, minute=0, second=0, microsecond=0)
    ride = await book(town, bird.body["patient"], at, complaint=bird.complaint)
    return {"call_id": call["id"], "ride_id": ride["id"], "trip_id": trip["id"], "day": at.date().isoformat()}


async def test_whoever_is_known_stands_on_screens_and_in_no_address(flock: Flock) -> None:
    assert [one.line for one in flock.seen if one.status == INTERNAL] == []
    assert _told(flock.seen, lambda one: one.in_addresses(flock.known.needles)) == {}
    shown = {one.path for one in flock.seen if one.in_words(flock.known.needles)}
    assert len(shown) > FULL, "the walk finds what is there"
    assert await looking.open_to_others(flock.town, flock.known.needles) == {}
    assert "violation" not in looking.logs(flock.town.local)["console.log"], "for its figures it asks what it may"


async def test_whoever_is_secret_stands_on_no_screen_of_whoever_may_not_see_them(flock: Flock) -> None:
    barred = [one for one in flock.seen if not flock.may_see(one)]
    assert _told(barred, lambda one: one.in_words(flock.secret.needles)) == {}
    barred = [one for one in barred if one.path != STOOD_ON_IT]
    ids = _ids_of_her(flock)
    assert _told(barred, lambda one: one.in_words(each for each in ids if each not in one.path)) == {}
    assert _told(flock.seen, lambda one: one.in_addresses(flock.secret.needles)) == {}
    # Who serves the call sees the call, and nothing of what the register keeps.
    served = [one for one in flock.seen if flock.eyes[one.who].role not in SEES_PROTECTED]
    assert _told(served, lambda one: one.in_words(flock.secret.kept)) == {}
    assert [one for one in flock.seen if flock.may_see(one) and one.in_words(flock.secret.kept)], "who may, does"
    assert await looking.open_to_others(flock.town, flock.secret.needles) == {}


async def test_whoever_is_secret_is_answered_like_nobody(flock: Flock) -> None:
    nobody = {name: str(uuid4()) for name in flock.secret_ids if name not in NOT_HERS}
    hers = {name: flock.secret_ids[name] for name in nobody}
    asked = [path for path in screens() if any(f"{{{name}}}" in path for name in nobody)]
    found, others = [await flock.each(asked, ids) for ids in (hers, nobody)]
    wrong = [
        (one.line, other.status) for one, other in zip(found, others, strict=True)
        if not flock.may_see(one) and one.bare() != other.bare()
    ]  # fmt: skip
    assert wrong == []
    assert len(found) > FULL


async def test_whoever_is_secret_is_found_by_no_search_no_place_and_no_file(flock: Flock) -> None:
    bird, got = flock.secret, []
    for eyes in flock.eyes.values():
        typed = (bird.name, bird.phone, bird.national_id)
        got += [await eyes.post("/people", {"text": text, "purpose": "care"}) for text in typed]
        near = {"group": "bedridden", "point": f"{bird.lat}, {bird.lon}", "within_m": "2000", "purpose": "care"}
        got.append(await eyes.post("/people/near", near))
        boat = {"kind": "boat", "point": near["point"], "within_m": "2000"}
        got.append(await eyes.post("/people/community/find", boat))
        got += [await eyes.post("/people/imports/export", {"format": one}) for one in ("csv", "geojson")]
        got.append(await eyes.post("/people/break-glass", {"national_id": bird.national_id, "reason": "หมดสติหน้าตลาด"}))
    # What somebody typed stands in its field again; nothing else of them may.
    typed = {*bird.name.split(), bird.phone[2:], bird.national_id, near["point"]}
    others = [each for each in bird.needles if each not in typed and each not in near["point"]]
    assert _told(got, lambda one: one.in_words([*others, *_ids_of_her(flock)])) == {}
    found = {eyes.who: await eyes.say("/desk/find", {"text": bird.name}) for eyes in flock.eyes.values()}
    assert [who for who, one in found.items() if one.in_words(flock.secret.kept)] == []
    assert [one for one in got if one.in_words(flock.known.needles)], "others are found by the same"


async def test_lists_and_figures_are_as_before_the_secret_one_came(flock: Flock) -> None:
    now = {seen.line: seen.bare() for seen in await flock.each(COUNTS, {})}
    assert [line for line, said in now.items() if said != flock.before[line]] == []


async def test_what_is_typed_into_a_form_stands_in_no_address_and_no_log(flock: Flock) -> None:
    stray = Canary()
    await looking.make_unknown(flock.town.local, stray)
    got = [await pressed(route, flock.eyes, stray, flock.known_ids) for route in forms()]
    assert [one.line for one in got if one.status == INTERNAL] == []
    assert _told(got, lambda one: one.in_addresses(stray.needles)) == {}
    assert len([one for one in got if one.status < 400]) > FULL, [one.line for one in got]
    await settled(flock.town)
    assert await looking.open_to_others(flock.town, stray.needles) == {}


async def test_of_whoever_is_erased_no_screen_shows_anything(flock: Flock) -> None:
    town, whose = flock.town, (flock.known_ids, flock.secret_ids)
    for ids in whose:
        for call in (ids["call_id"], ids["ride_id"]):
            await town.client.post(
                f"{town.local.url('intake')}/v1/calls/{call}/withdraw", json={}, headers=town.headers("call_taker")
            )
            await eventually(lambda call=call: _erased(town, call))
        sure = {"reason": "asked_by_person", "sure": "yes"}
        gone = await flock.eyes["registry_officer"].post(f"/people/{ids['person_id']}/erase", sure)
        assert gone.status == SEE_OTHER, gone.text
    await settled(town)
    needles = [*flock.known.needles, *flock.secret.needles]
    seen = [one for one in await flock.each(screens(), *whose) if one.path != ON_A_TELEPHONE]
    assert _told(seen, lambda one: one.in_words(needles)) == {}
    assert await looking.left_of(town, needles) == {}


async def _erased(town: Town, call: str) -> bool:
    answer = await town.client.post(
        f"{town.local.url('intake')}/v1/calls/{call}/erase", json={}, headers=town.headers("supervisor")
    )
    return answer.is_success
