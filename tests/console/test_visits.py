"""The volunteers' page on the server's side: their own visits and no more, and what they wrote passed on under its ids."""

from __future__ import annotations

import re
from typing import Any

from services.console.pages.crew import worker_script
from shared.auth import Role
from shared.work import new_id
from tests.console.faces import Faces, SignedIn, words_of

JSON = {"accept": "application/json"}
VISIT, PERSON = new_id(), new_id()
FORM = {
    "id": "depression_2q", "version": "1", "th": "คัดกรอง 2Q", "en": "2Q", "source": "x", "counts": "points",
    "dimensions": [], "mark": {"th": "ตัวอย่าง", "en": "sample"}, "approved_by": None,
    "item": [{"id": "low", "th": "เศร้าไหม", "en": "Low?", "dimension": None,
              "choices": [{"points": 0, "th": "ไม่", "en": "no"}, {"points": 1, "th": "มี", "en": "yes"}]}],
    "band": [{"code": "none", "from": 0, "th": "ไม่พบ", "en": "none", "group": None}],
}  # fmt: skip
GIVEN: dict[str, Any] = {
    "id": str(VISIT), "kind": {"code": "home_visit", "th": "เยี่ยมบ้าน", "en": "home visit"}, "forms": ["depression_2q"],
    "due_on": "2020-01-05", "what": "ดูแผล", "done_at": None, "disputed": ["note"], "pictures": 2,
    "own": {"result": {"version": 2, "value": "as_told"}},
    "person": {
        "id": str(PERSON), "name": "</script><b>บุญมี</b>", "alias": None, "age": {"years": 76, "estimated": False},
        "sex": "male", "mobility": "stretcher", "needs": [], "usual_place": None,
        "addresses": [{"kind": "current", "area_code": "460101", "area_th": "ต.กาฬสินธุ์", "area_en": "Kalasin",
                       "detail": "9 หมู่ 2", "since_on": None}],
        "contacts": [{"phone": "+66812345699", "relation": "self", "name": None, "since_at": "2026-01-01T00:00:00Z",
                      "shared": False}],
        "home": {"lon": 103.5, "lat": 16.43, "verified": True},
    },
}  # fmt: skip

TASK: dict[str, Any] = {
    "id": str(new_id()), "kind": {"code": "bring", "th": "นำของไปให้", "en": "bring something"}, "what": "ถุงยังชีพ",
    "due_on": "2020-01-05", "overdue": True, "assigned_at": "2020-01-01T00:00:00Z",
}  # fmt: skip


def known(faces: Faces) -> None:
    faces.services.answers |= {
        "GET registry /v1/planned-visits/mine": {"items": [GIVEN]},
        "GET registry /v1/questionnaires": {"items": [FORM]},
        "GET registry /v1/tasks/mine": {"items": [{**TASK, "whom": GIVEN["person"]}, {**TASK, "whom": None}]},
    }


async def act(goer: SignedIn, **body: Any) -> Any:
    sent = {**JSON, "x-csrf-token": goer.csrf, "idempotency-key": str(new_id())}
    return await goer.client.post("/visits/act", json={"person_id": str(PERSON), **body}, headers=sent)


async def test_a_volunteer_is_given_their_own_visits_in_words_and_the_shell_holds_nobody(faces: Faces) -> None:
    known(faces)
    goer = await faces.sign_in(Role.VOLUNTEER)
    shell = await goer.get("/visits")
    assert "เยี่ยมบ้าน" in words_of(shell)
    assert faces.services.asked == [], "the page that is kept on the phone asks for nobody"
    kept = await goer.get("/visits/state", headers=JSON)
    assert kept.headers["cache-control"] == "no-store", "names and homes stay in no cache of the browser"
    state = kept.json()
    [asked] = faces.services.of("GET registry /v1/planned-visits/mine")
    assert (asked.purpose, asked.claims["role"]) == ("care", "volunteer")
    [visit] = state["visits"]
    assert (visit["id"], visit["late"], visit["disputed"], visit["own"]["result"]["version"]) == (
        str(VISIT), True, ["note"], 2,
    )  # fmt: skip
    whom = visit["person"]
    assert (whom["line"], whom["places"]) == ("76 ปี · ชาย · นอนเปล", ["9 หมู่ 2 ต.กาฬสินธุ์"])
    assert whom["contacts"] == [{"phone": "+66812345699", "shown": "081 234 5699", "who": "ตนเอง"}]
    assert visit["pictures"] == 2
    known_, unknown = state["tasks"]
    assert (known_["task"], known_["kind_label"], known_["person"]["places"]) == (
        True,
        "นำของไปให้",
        ["9 หมู่ 2 ต.กาฬสินธุ์"],
    )
    assert (unknown["person"], unknown["late"]) == (None, True)
    del faces.services.answers["GET registry /v1/tasks/mine"]
    older = (await goer.get("/visits/state", headers=JSON)).json()
    assert (len(older["visits"]), older["tasks"]) == (1, None), "an older registry takes no visit away"
    [form] = state["forms"]
    assert (form["mark"], form["items"][0]["choices"][1]) == ("ตัวอย่าง", {"points": 1, "text": "มี"})


async def test_what_was_written_is_passed_on_by_its_own_ids_and_a_refusal_is_a_sentence(faces: Faces) -> None:
    known(faces)
    goer = await faces.sign_in(Role.VOLUNTEER)
    mine = {"id": str(new_id()), "value": "as_told", "said_by": "x", "said_at": "2026-01-01T00:00:00Z"}
    kept = {"fields": [{"field": "result", "version": 3, "stands": mine, "others": []},
                       {"field": "note", "version": 0, "stands": None, "others": [mine]}]}  # fmt: skip
    need = new_id()
    faces.services.answers |= {
        f"PUT registry /v1/visits/{VISIT}": kept,
        f"POST registry /v1/persons/{PERSON}/needs": (201, {"id": str(need)}),
        f"POST registry /v1/persons/{PERSON}/assessments": (201, {"band": {"code": "x", "th": "ติดเตียง", "en": "bed"}}),
        f"POST registry /v1/persons/{PERSON}/locations": (422, {"code": "x", "th": "พิกัดอยู่นอกประเทศไทย"}),
    }
    written = {"fields": {"result": {"value": "as_told", "base": 2}}}
    said = (await act(goer, kind="visit", id=str(VISIT), body=written)).json()
    assert said == {"done": True, "own": {"result": {"version": 3, "value": "as_told"}}, "disputed": ["note"]}
    [asked] = faces.services.of(f"PUT registry /v1/visits/{VISIT}")
    assert asked.body == {**written, "person_id": str(PERSON)}
    assert (await act(goer, kind="need", id=str(need), body={"need": "food", "urgency": 9})).json() == {"done": True}
    [asked] = faces.services.of(f"POST registry /v1/persons/{PERSON}/needs")
    assert asked.body["id"] == str(need)
    assert (await act(goer, kind="assessment", id=str(new_id()), body={})).json()["band"] == "ติดเตียง"
    path = f"POST registry /v1/tasks/{TASK['id']}/done"
    faces.services.answers[path] = 204, ""
    ended = {"outcome": "could_not", "note": "ไม่มีใครอยู่"}
    assert (await act(goer, kind="task", id=TASK["id"], body=ended)).json() == {"done": True}
    [asked] = faces.services.of(path)
    assert (asked.body, len(asked.key or "")) == (ended, 36), "sent again under the same key it is once"
    refused = await act(goer, kind="place", id=str(new_id()), body={})
    assert (refused.status_code, refused.json()["sentence"]) == (422, "พิกัดอยู่นอกประเทศไทย")
    assert (await act(goer, kind="erase", id=str(new_id()), body={})).status_code == 422
    stranger = await faces.sign_in(Role.DISPATCHER)
    assert (await stranger.get("/visits/state", headers=JSON)).status_code == 403


def test_the_worker_keeps_the_volunteers_page_and_forgets_at_sign_out_all_but_what_is_unsent() -> None:
    script = worker_script()
    assert re.search(r'"/static/js/visits-queue\.js\?v=', script)
    assert '"karuna-visits": ["kept"]' in script
    assert 'const UNSENT = ["drafts", "acts"];' in script
    assert 'clear("karuna-visits", SEALED, UNSENT)' in script
