"""Pictures through the console: a volunteer's phone sends one, care sees it with the visit, the desk with the home."""

from __future__ import annotations

import re
from uuid import UUID

import httpx

from shared.auth import Role
from shared.work import new_id
from tests.console.faces import Faces, SignedIn, words_of
from tests.console.with_registry import Behind, behind
from tests.harness import bearer
from tests.registry.conftest import GOES, goes_to
from tests.registry.photos import opened, photo

__all__ = ["behind"]


async def visited(behind: Behind, person: str) -> str:
    visit = str(new_id())
    body = {"person_id": person, "fields": {"result": {"value": "as_told"}}}
    await behind.ask("PUT", f"/v1/visits/{visit}", body, Role.VOLUNTEER, **await goes_to(behind.running, person))
    return visit


async def send(goer: SignedIn, visit: str, content: bytes, picture: str, csrf: str | None = None) -> httpx.Response:
    headers = {"accept": "application/json", "x-csrf-token": goer.csrf if csrf is None else csrf}
    path = f"/visits/pictures/{picture}?visit_id={visit}"
    return await goer.client.post(path, content=content, headers=headers)


async def test_a_volunteers_picture_is_seen_with_the_visit_and_removed_by_an_officer(
    faces: Faces, behind: Behind
) -> None:
    person, picture = await behind.person("มะลิ ใจงาม"), str(new_id())
    visit = await visited(behind, person)
    goer = await faces.sign_in(Role.VOLUNTEER)
    await faces.running.sql("update account set crew_id = $1 where id = $2", UUID(GOES), goer.account_id)
    assert (await send(goer, visit, photo(), picture, csrf="")).status_code == 403
    for _ in range(2):
        sent = await send(goer, visit, photo(), picture)
        assert (sent.status_code, sent.json()) == (200, {"done": True})
    refused = await send(goer, visit, b"<svg>", str(new_id()))
    assert (refused.status_code, "ไม่ใช่ภาพ" in refused.json()["sentence"]) == (422, True)
    assert (await goer.get(f"/people/pictures/{picture}?purpose=care")).status_code == 403

    orathai = await faces.sign_in(Role.CASE_MANAGER)
    page = await orathai.get(f"/people/{person}/care?purpose=case_work")
    [shown] = re.findall(r'<img src="(/people/pictures/[^"]+)"[^>]* alt="([^"]+)"', page.text)
    assert shown[0] == f"/people/pictures/{picture}?purpose=case_work"
    assert shown[1].startswith("ภาพที่ 1 โดย ")
    seen = await orathai.get(shown[0])
    assert (seen.headers["content-type"], seen.headers["cache-control"]) == ("image/jpeg", "no-store")
    assert opened(seen.content).size == (64, 48)
    assert "ดูข้อมูลบุคคลเพื่ออะไร" in words_of(await orathai.get(f"/people/pictures/{picture}")), "the purpose first"
    looks = await behind.ask("GET", f"/v1/audit?subject_id={person}", role=Role.AUDITOR, purpose="audit")
    acts = [one["act"] for one in looks["items"]]
    assert (acts.count("add_picture"), acts.count("read_picture")) == (1, 1)

    form = {"purpose": "case_work", "person_id": person, "tab": "care"}
    dropped = await orathai.post(f"/people/pictures/{picture}/drop", form)
    assert (dropped.status_code, dropped.headers["location"]) == (303, f"/people/{person}/care?purpose=case_work")
    assert '<img src="/people/pictures' not in (await orathai.get(f"/people/{person}/care?purpose=case_work")).text
    assert (await orathai.get(shown[0])).status_code == 404
    again = await send(goer, visit, photo(), picture)
    assert (again.status_code, again.json()) == (200, {"done": True}), "the phone lets it go"
    assert (await orathai.get(shown[0])).status_code == 404, "and it stays away"


async def test_a_homes_picture_stands_with_the_place_and_the_desk_does_not_remove_it(
    faces: Faces, behind: Behind
) -> None:
    person, picture = await behind.person("บุญ ใจงาม"), str(new_id())
    place = await behind.ask("POST", f"/v1/persons/{person}/locations", {"lon": 103.5, "lat": 16.4})
    at = f"/v1/pictures/{picture}?location_id={place['id']}"
    kept = await behind.running.client.put(at, content=photo(), headers=bearer(Role.REGISTRY_OFFICER))
    assert kept.status_code == 200, kept.text
    for role, may in ((Role.DISPATCHER, False), (Role.REGISTRY_OFFICER, True)):
        reader = await faces.sign_in(role)
        page = (await reader.get(f"/people/{person}/home?purpose=care")).text
        assert f'src="/people/pictures/{picture}?purpose=care"' in page
        assert (f"/people/pictures/{picture}/drop" in page) == may
        assert (await reader.get(f"/people/pictures/{picture}?purpose=care")).status_code == 200
    form = {"purpose": "care", "person_id": person, "tab": "home"}
    desk = await faces.sign_in(Role.DISPATCHER)
    assert (await desk.post(f"/people/pictures/{picture}/drop", form)).status_code == 403


async def test_an_officer_adds_a_picture_to_a_place_once(faces: Faces, behind: Behind) -> None:
    person = await behind.person("บุปผา ใจงาม")
    place = await behind.ask("POST", f"/v1/persons/{person}/locations", {"lon": 103.5, "lat": 16.4})
    officer, home = await faces.sign_in(Role.REGISTRY_OFFICER), f"/people/{person}/home?purpose=care"
    page = (await officer.get(home)).text
    [key] = re.findall(r'action="[^"]*/picture".*?name="key" value="([0-9a-f]{32})"', page, re.DOTALL)
    form = {"purpose": "care", "location_id": place["id"], "key": key}

    async def sent(content: bytes, **more: str) -> httpx.Response:
        files = {"picture": ("home.jpg", content, "image/jpeg")}
        return await officer.post(f"/people/{person}/picture", {**form, **more}, files=files)

    for _ in range(2):
        kept = await sent(photo())
        assert (kept.status_code, kept.headers["location"]) == (303, f"{home}#places")
    shown = re.findall(r'<img src="(/people/pictures/[^"]+)"', (await officer.get(home)).text)
    assert len(shown) == 1
    assert opened((await officer.get(shown[0])).content).size == (64, 48)
    refused = await sent(b"<svg>", key=new_id().hex)
    assert (refused.status_code, "ไม่ใช่ภาพ" in words_of(refused)) == (422, True)
    assert (await sent(bytes(1024 * 1024 + 8192), key=new_id().hex)).status_code == 413
    desk = await faces.sign_in(Role.DISPATCHER)
    assert f"/people/{person}/picture" not in (await desk.get(home)).text
    files = {"picture": ("home.jpg", photo(), "image/jpeg")}
    assert (await desk.post(f"/people/{person}/picture", form, files=files)).status_code == 403
