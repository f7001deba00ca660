"""Administration: accounts are made and closed by administrators alone, and nobody gives more than they have."""

from __future__ import annotations

import re
from uuid import UUID

from services.console.accounts import new_secret
from services.console.rules.accounts import faults, may_manage, wanted
from services.console.store import accounts
from shared.auth import Role
from shared.work import new_id, now_utc
from tests.console.faces import Faces, words_of

PASSWORD = re.compile(r'class="big-code">([^<]+)<')


def form(**changes: object) -> dict[str, object]:
    return {"login": "Nok.1", "name": "นก  ใจดี", "roles": ["call_taker", "dispatcher"], "areas": "kalasin", **changes}


async def test_an_account_is_made_with_a_password_shown_once_and_written_down(faces: Faces) -> None:
    anan = await faces.sign_in(Role.ADMIN)
    made = await anan.post("/admin/accounts", form())
    password = PASSWORD.findall(made.text)
    assert (made.status_code, len(password)) == (200, 1)
    nok = await accounts.by_login(faces.running.runtime.pool, "nok.1")
    assert nok is not None
    assert (nok.name, nok.roles, nok.must_change) == ("นก ใจดี", ("call_taker", "dispatcher"), True)
    assert PASSWORD.search((await anan.get(f"/admin/accounts/{nok.id}")).text) is None

    browser = faces.browser()
    signed = await browser.post("/sign-in", data={"login": "nok.1", "password": password[0]})
    assert signed.headers["location"] == "/account"
    assert "มีชื่อผู้ใช้นี้แล้ว" in words_of(await anan.post("/admin/accounts", form()))

    again = await anan.post(f"/admin/accounts/{nok.id}/reset-password")
    assert PASSWORD.findall(again.text) != password
    assert (await browser.get("/account")).headers["location"].startswith("/sign-in"), "the old one is out"
    rows = await faces.running.sql("select act, caller, detail from audit order by id")
    assert [row["act"] for row in rows] == ["make", "reset_password"]
    assert not any(word in str(dict(row)) for row in rows for word in (password[0], "นก"))


async def test_nobody_gives_more_than_they_have_or_changes_themselves(faces: Faces) -> None:
    anan = await faces.sign_in(Role.ADMIN)
    for wrong in ({"areas": "khonkaen"}, {"areas": "*"}, {"areas": ""}, {"roles": []}, {"roles": ["partner"]},
                  {"roles": ["crew"]}, {"login": "A B"}, {"name": " "}, {"crew": "no id"}):  # fmt: skip
        assert (await anan.post("/admin/accounts", form(**wrong))).status_code == 422, wrong
    for act in ("close", "reset-password", "second-factor-off", "change"):
        assert (await anan.post(f"/admin/accounts/{anan.account_id}/{act}", form())).status_code == 404, act
    elsewhere = await faces.sign_in(Role.DISPATCHER, areas=("khonkaen",))
    assert (await anan.get(f"/admin/accounts/{elsewhere.account_id}")).status_code == 404
    assert (await anan.post(f"/admin/accounts/{elsewhere.account_id}/close")).status_code == 404
    malee = await faces.sign_in(Role.SUPERVISOR)
    assert (await malee.get("/admin/accounts")).status_code == 200
    for path in ("/admin/accounts", f"/admin/accounts/{anan.account_id}/close"):
        assert (await malee.post(path, form())).status_code == 403


async def test_an_account_is_changed_closed_and_its_devices_are_out(faces: Faces) -> None:
    anan, pool = await faces.sign_in(Role.ADMIN), faces.running.runtime.pool
    wichai = await faces.sign_in(Role.DISPATCHER, login="wichai")
    await accounts.set_totp(pool, wichai.account_id, new_secret(), now_utc())
    base = f"/admin/accounts/{wichai.account_id}"
    [device] = await accounts.sessions_of(pool, wichai.account_id, now_utc())
    assert (await anan.post(f"{base}/devices/{new_id()}/revoke")).status_code == 404
    assert (await anan.post(f"{base}/devices/{device['id']}/revoke")).status_code == 303
    assert (await wichai.get("/account")).status_code == 303
    assert str(device["id"]) in faces.running.runtime.parts["signer"].public_file.read_text()

    await anan.post(f"{base}/second-factor-off")
    changed = await anan.post(f"{base}/change", form(roles=["crew"], crew=str(UUID(int=7))))
    assert changed.status_code == 303
    account = await accounts.by_id(pool, wichai.account_id)
    assert account is not None
    assert (account.login, account.roles, account.crew_id, account.totp_secret) == ("wichai", ("crew",), UUID(int=7), None)

    await anan.post(f"{base}/close")
    refused = await faces.browser().post("/demo-sign-in", data={"login": "wichai"})
    assert refused.status_code == 401
    await anan.post(f"{base}/open")
    assert (await faces.browser().post("/demo-sign-in", data={"login": "wichai"})).status_code == 303


def test_the_rules_of_accounts_need_no_database() -> None:
    assert may_manage(["*"], ["anywhere", "*"])
    assert not may_manage(["kalasin"], ["kalasin", "*"])
    asked = wanted(" Nok ", "นก", ["dispatcher", "partner", "root"], "kalasin, kalasin  yang", "")
    assert (asked.login, asked.roles, asked.areas) == ("nok", ("dispatcher",), ("kalasin", "yang"))
    assert faults(asked, ["kalasin"]) == {"areas": "areas_not_yours"}
