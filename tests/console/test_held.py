"""An administrator gives an account places; from then on it finds who lives there and nobody else, on every screen."""

from __future__ import annotations

import re

from services.console.navigation import PLACES, SECTIONS, navigation, sections
from services.console.rules.accounts import HELD, faults, wanted
from services.console.store import accounts
from shared.auth import Role
from tests.console.faces import Faces, SignedIn, words_of
from tests.console.with_registry import Behind, behind
from tests.registry.test_lists_by_area import TREE

__all__ = ["behind"]

HERE, THERE = "kalasin:rimpao", "46010103"
ORATHAI = {"login": "orathai", "name": "อรทัย", "roles": ["case_manager", "registry_officer"], "areas": "kalasin"}


async def given(faces: Faces, behind: Behind, **changes: object) -> tuple[SignedIn, object]:
    """An administrator, and the answer to the form by which an account gets the community by the river."""
    await behind.ask("POST", "/v1/areas/import", {"rows": TREE})
    anan = await faces.sign_in(Role.ADMIN)
    return anan, await anan.post("/admin/accounts", {**ORATHAI, "places": HERE, **changes})


async def test_an_account_that_is_given_places_finds_who_lives_there(faces: Faces, behind: Behind) -> None:
    anan, made = await given(faces, behind)
    assert "ชุมชนริมน้ำปาว" in words_of(made)  # type: ignore[arg-type]
    account = await accounts.by_login(faces.running.runtime.pool, "orathai")
    assert account is not None
    assert account.places == (HERE,)
    for code, name in ((HERE, "สมศรี ริมปาว"), (THERE, "สมศรี หนองบัว")):
        await behind.person(name, addresses={"current": {"area_code": code}})
    await faces.running.sql("update account set demo = true")  # so that they sign in without a password
    orathai = await faces.sign_in(Role.CASE_MANAGER, Role.REGISTRY_OFFICER, login="orathai")
    page = words_of(await orathai.post("/people", {"text": "สมศรี", "purpose": "care"}))
    assert ("สมศรี ริมปาว" in page, "สมศรี หนองบัว" in page) == (True, False)
    assert "เห็นเฉพาะคนในพื้นที่ที่ดูแล" in page
    [other] = (await behind.ask("POST", "/v1/persons/search", {"name": "สมศรี หนองบัว"}))["items"][:1]
    assert (await orathai.get(f"/people/{other['id']}?purpose=care")).status_code == 404

    assert (await orathai.get("/reports")).status_code == 200
    assert {each.service for each in faces.services.asked if "/reports/" in each.path} == set(), "the register is real"

    base = f"/admin/accounts/{account.id}"
    form = (await anan.get(f"{base}/change")).text
    assert re.search(rf'name="places" value="{HERE}" checked', form)
    assert not re.search(rf'name="places" value="{THERE}" checked', form)
    assert (await anan.post(f"{base}/change", {**ORATHAI, "places": [HERE, THERE]})).status_code == 303
    assert (await orathai.get("/people")).status_code == 303, "who holds the older right is out at once"
    [_, row] = await faces.running.sql("select detail from audit where noun = 'account' order by id")
    assert row["detail"]["places"] == [HERE, THERE]
    assert (await anan.post(f"{base}/change", ORATHAI)).status_code == 303
    assert "ทั้งเทศบาล" in words_of(await anan.get(base)), "none chosen: the whole municipality again"


async def test_places_are_refused_that_are_unknown_or_whose_work_knows_none(faces: Faces, behind: Behind) -> None:
    for changes, said in (
        ({"places": "kalasin:nowhere"}, "ไม่รู้จักพื้นที่ที่เลือก"),
        ({"places": "4602"}, "ไม่รู้จักพื้นที่ที่เลือก"),
        ({"roles": ["case_manager", "dispatcher"]}, "งานบทบาทอื่นเป็นของทั้งเทศบาล"),
    ):
        _, refused = await given(faces, behind, **changes)
        assert (refused.status_code, said in words_of(refused)) == (422, True), changes  # type: ignore[attr-defined, arg-type]


async def test_a_place_stays_while_the_register_is_away(faces: Faces, behind: Behind) -> None:
    """Nobody sees more because a tree could not be read when the form was saved."""
    anan, _ = await given(faces, behind)
    account = await accounts.by_login(faces.running.runtime.pool, "orathai")
    assert account is not None
    faces.running.runtime.parts["area_choices"].clear()
    backend = faces.running.runtime.parts["backend"]
    backend.settings = backend.settings.model_copy(update={"registry_url": "http://127.0.0.1:9"})
    base = f"/admin/accounts/{account.id}/change"
    assert f'name="places" value="{HERE}" checked' in (await anan.get(base)).text
    assert (await anan.post(base, {**ORATHAI, "places": HERE})).status_code == 303
    kept = await accounts.by_id(faces.running.runtime.pool, account.id)
    assert kept is not None
    assert kept.places == (HERE,)


def test_the_menu_of_an_account_that_is_held_has_nothing_of_the_whole_municipality() -> None:
    for role in HELD:
        menu = {place.key for place in navigation(role, held=True)}
        assert menu == {place.key for place in navigation(role)} - {place.key for place in PLACES if place.whole}
        for entry in SECTIONS:
            assert not [place for place in sections(entry, role, held=True) if place.whole]
    asked = wanted("nok", "นก", ["volunteer"], ["kalasin"], "", places=[HERE, HERE, ""])
    assert asked.places == (HERE,)
    assert faults(asked, ["kalasin"], {}, [HERE]) == {"crew": "crew"}
