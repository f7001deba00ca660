"""What goes wrong is a page for people and a document for scripts; a device has a name people know."""

from __future__ import annotations

import pytest

from services.console.rules.devices import device_name
from shared.auth import Role
from tests.console.faces import Faces, words_of

ASKS_FOR_A_PAGE = {"accept": "text/html,application/xhtml+xml"}


@pytest.mark.parametrize("path", ["/no-such-page", "/desk/calls/no-id", "/admin/fleet/helicopter"])
async def test_a_wrong_address_is_a_page_with_the_menu(faces: Faces, path: str) -> None:
    anan = await faces.sign_in(Role.ADMIN, Role.DISPATCHER, lang="en")
    answer = await anan.get(path, headers=ASKS_FOR_A_PAGE)
    assert answer.status_code in {404, 422, 403}
    assert answer.headers["content-type"].startswith("text/html")
    assert "That did not work" in words_of(answer)
    assert "Main menu" in answer.text
    assert (await anan.get("/no-such-page")).headers["content-type"] == "application/problem+json"


async def test_nobody_signed_in_gets_the_page_as_well(faces: Faces) -> None:
    answer = await faces.browser().get("/no-such-page", headers=ASKS_FOR_A_PAGE)
    assert (answer.status_code, "ไม่พบรายการ" in words_of(answer)) == (404, True)
    assert (await faces.browser().get("/favicon.ico")).headers["location"].startswith("/static/icon.svg?v=")


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (Linux; Android 13; SM-A145F) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36",
         "Chrome · Android"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0",
         "Edge · Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) Version/17.1 Mobile/15E148 Safari/604.1",
         "Safari · iPhone"),
        ("Mozilla/5.0 (Linux; Android 11) Chrome/119.0 Mobile Safari/537.36 Line/13.19.1/IAB", "LINE · Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", "Firefox · Linux"),
        ("curl/8.4.0", "curl/8.4.0"), ("", "?"), (None, "?"), ("x" * 500, "x" * 40),
    ],
)  # fmt: skip
def test_a_device_has_a_name_people_know(agent: str | None, name: str) -> None:
    assert device_name(agent) == name


async def test_who_has_several_roles_reads_where_they_are_changed_and_an_address_of_no_page_is_one(
    faces: Faces,
) -> None:
    orathai = await faces.sign_in(Role.CASE_MANAGER, Role.REGISTRY_OFFICER)
    refused = await orathai.get("/people/duplicates")
    assert (refused.status_code, "เลือกบทบาทอื่นได้ที่แถบด้านบน" in words_of(refused)) == (403, True)
    nowhere = await orathai.get("/people/neu", headers={"accept": "text/html"})
    assert (nowhere.status_code, "ไม่พบรายการ" in words_of(nowhere), "UUID" in nowhere.text) == (404, True, False)
