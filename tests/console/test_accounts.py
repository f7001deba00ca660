"""Signing in and what it gives: passwords, codes that are good once, locks, sessions, tokens, and their end."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import timedelta

import httpx
import jwt
import pyotp
import pytest

from karuna.accounts import DESK as DEMONSTRATED
from karuna.accounts import Invented, logins
from services.console import tries
from services.console.accounts import hashed, judge, new_secret
from services.console.issuer import name_revoked
from services.console.store import accounts
from services.console.web import BROWSER, COOKIE, inside
from shared.auth import Issuers, Role
from shared.work import now_utc
from tests.console.conftest import HERE, PASSWORD, Console
from tests.harness import KEY


async def test_the_right_password_gives_a_session_and_the_wrong_one_a_sentence(console: Console) -> None:
    await console.account()
    wrong = await console.sign_in(password="not this one at all")
    assert (wrong.status_code, COOKIE in wrong.cookies, "ไม่ถูกต้อง" in wrong.text) == (401, False, True)
    nobody = await console.sign_in("nobody")
    assert (nobody.status_code, nobody.text.replace("nobody", "somsri")) == (401, wrong.text)
    right = await console.sign_in()
    assert (right.status_code, right.headers["location"]) == (303, "/board")
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    kept = await console.pool.fetchval("select cookie_hash from session")
    assert right.cookies[COOKIE].encode() not in kept
    assert (await console.client.get("/account")).status_code == 200


def elsewhere(console: Console, host: str = "203.0.113.9") -> Console:
    """Another browser, at another address."""
    app = console.client._transport.app  # type: ignore[attr-defined]
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app, client=(host, 1)), base_url=HERE)
    return Console(dataclasses.replace(console.running, client=client))


async def five_wrong(console: Console, login: str = "somsri") -> str:
    """What the sixth try is told."""
    for _ in range(5):
        await console.sign_in(login, password="guess after guess")
    return (await console.sign_in(login)).text


async def test_wrong_tries_rest_an_account_where_they_were_made_and_nowhere_else(console: Console) -> None:
    await console.account()
    hostile = elsewhere(console)
    assert "กรุณารอ 5 นาที" in await five_wrong(hostile), "even for the right password"
    assert "กรุณารอ 5 นาที" in await five_wrong(hostile, "nobody"), (
        "who does not exist rests alike: the answer tells nothing"
    )
    assert (await console.sign_in()).status_code == 303
    await console.pool.execute("update throttle set opened_at = opened_at - interval '5 minutes'")
    assert (await hostile.sign_in()).status_code == 303, "and there until its time is over"


async def test_a_browser_that_has_signed_in_is_kept_out_by_nobody_at_its_address_or_elsewhere(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "ELSEWHERE", dataclasses.replace(tries.ELSEWHERE, tries=6))
    account_id, beside = await console.account(), elsewhere(console, "127.0.0.1")
    await console.sign_in()
    await five_wrong(beside)
    stranger = elsewhere(console)
    await five_wrong(stranger)
    assert "เครื่องที่เคยเข้า" in (await elsewhere(console, "203.0.113.10").sign_in()).text
    assert (await console.sign_in()).status_code == 303, (
        "somebody else sits at the same address, and in the whole world"
    )
    kept = await console.pool.fetchval("select cookie_hash from browser")
    assert console.client.cookies[BROWSER].encode() not in kept
    assert "กรุณารอ 5 นาที" in await five_wrong(console), "who guesses on it rests on it"
    await accounts.reset(console.pool, account_id, await hashed("a brand new password"), now_utc())
    assert (await stranger.sign_in(password="a brand new password")).status_code == 303


async def test_the_cookie_of_a_browser_signs_nobody_in_and_is_only_its_own_accounts(console: Console) -> None:
    await console.account()
    await console.account("wichai")
    await console.sign_in()
    cookie = console.client.cookies[BROWSER]
    console.client.cookies.delete(COOKIE)
    assert (await console.client.get("/account")).headers["location"].startswith("/sign-in")
    hostile = elsewhere(console)
    hostile.client.cookies.set(BROWSER, "made-up")
    await hostile.sign_in("wichai")
    given = {each.value for each in hostile.client.cookies.jar if each.name == BROWSER} - {"made-up"}
    assert len(given - {cookie}) == 1, "what was brought along is worth nothing"
    await console.sign_in("wichai")
    assert console.client.cookies[BROWSER] == cookie, "a computer that several use"
    assert await console.pool.fetchval("select count(*) from browser") == 3


async def test_a_code_is_needed_where_there_is_a_second_factor_and_is_good_once(console: Console) -> None:
    account_id, secret = await console.account(), new_secret()
    await accounts.set_totp(console.pool, account_id, secret, now_utc())
    assert "รหัสจากแอป" in (await console.sign_in()).text
    assert (await console.sign_in(code="000000")).status_code == 401
    code = pyotp.TOTP(secret).now()
    assert (await console.sign_in(code=code)).status_code == 303
    assert (await console.sign_in(code=code)).status_code == 401, "a code seen over a shoulder"
    await elsewhere(console).sign_in("nobody", "my password in the wrong box")
    rows = await console.pool.fetch("select act, caller, subject_id, detail from audit order by id")
    assert [(row["act"], row["caller"], row["subject_id"]) for row in rows] == [
        (act, "person:somsri", account_id) for act in ("sign_in_refused", "sign_in", "sign_in_refused")
    ], "who came in and who was kept out"
    assert "wrong box" not in str([dict(row) for row in rows])
    late = now_utc() + timedelta(minutes=2)
    account = await accounts.by_login(console.pool, "somsri")
    assert (await judge(account, PASSWORD, code, late)).code == "wrong"


async def test_an_open_screen_is_not_enough_to_set_a_second_factor(console: Console) -> None:
    await console.account()
    await console.sign_in()
    shown = await console.post("/account/second-factor")
    [secret] = re.findall(r"<code>(\w+)</code>", shown.text)
    kept = "select totp_secret is not null from account"
    for password in ("", "not this one at all"):
        await console.post("/account/second-factor", secret=secret, code=pyotp.TOTP(secret).now(), password=password)
        assert await console.pool.fetchval(kept) is False
    code = pyotp.TOTP(secret).now()
    await console.post("/account/second-factor", secret=secret, code=code, password=PASSWORD)
    assert await console.pool.fetchval(kept) is True
    assert (await elsewhere(console).sign_in(code=code)).status_code == 401, "the code that set it up was used by that"
    assert await console.pool.fetchval("select count(*) from audit where act = 'second_factor_on'") == 1
    for _ in range(3):
        rests = await console.post("/account/password", old="guess after guess", new="a brand new password")
    assert (rests.status_code, "กรุณารอ 5 นาที" in rests.text) == (429, True), "an open screen is no place to guess"


async def test_nothing_is_changed_without_the_sessions_own_token(console: Console) -> None:
    await console.account()
    await console.sign_in()
    csrf = await console.csrf()
    for fields, origin in (({}, HERE), ({"csrf": "x"}, HERE), ({"csrf": csrf}, "https://evil.example")):
        refused = await console.client.post("/sign-out", data=fields, headers={"origin": origin})
        assert refused.status_code == 403
    assert (
        await console.client.post("/sign-in", data={"login": "somsri"}, headers={"origin": "null"})
    ).status_code == 403
    assert (await console.post("/sign-out")).headers["location"] == "/sign-in"
    assert (await console.client.get("/account")).headers["location"] == "/sign-in?next=/account"


async def test_the_token_is_short_names_the_device_and_is_worthless_when_that_is_revoked(console: Console) -> None:
    await console.account("somsri", Role.DISPATCHER, Role.CALL_TAKER)
    await console.sign_in()
    signer, session = console.running.runtime.parts["signer"], await console.pool.fetchval("select id from session")
    token = signer.token(
        session_id=str(session), login="somsri", role=Role.DISPATCHER, areas=("kalasin",), crew_id=None
    )
    claims = jwt.decode(token, KEY.public_key(), algorithms=["EdDSA"], audience="karuna")
    assert claims["exp"] - claims["iat"] <= 300
    assert Issuers(signer.public_file).check(token, None).device_id == str(session)

    before = json.loads(signer.public_file.read_text())["revoked"]
    await console.post("/sign-out")
    with pytest.raises(Exception, match="revoked"):
        Issuers(signer.public_file).check(token, None)
    assert set(before) < set(json.loads(signer.public_file.read_text())["revoked"]), "what others revoked stays"
    await console.pool.execute("update session set revoked_at = now() - interval '1 day'")
    await name_revoked(console.pool, signer.public_file)
    assert json.loads(signer.public_file.read_text())["revoked"] == before, "the list does not grow for ever"


async def test_a_new_password_signs_other_devices_out(console: Console) -> None:
    await console.account()
    first = (await console.sign_in()).cookies[COOKIE]
    await console.sign_in()
    short = await console.post("/account/password", old=PASSWORD, new="short")
    assert short.status_code == 422
    wrong = await console.post("/account/password", old="not it", new="a brand new password")
    assert wrong.status_code == 422
    assert (await console.post("/account/password", old=PASSWORD, new="a brand new password")).status_code == 200
    assert (await console.client.get("/account")).status_code == 200
    console.client.cookies.clear()
    console.client.cookies.set(COOKIE, first)
    assert (await console.client.get("/account")).status_code == 303
    assert (await console.sign_in()).status_code == 401
    assert (await console.sign_in(password="a brand new password")).status_code == 303


async def test_one_works_only_in_ones_own_roles_and_demonstration_is_off_by_default(console: Console) -> None:
    await console.account("somsri", Role.DISPATCHER, Role.CALL_TAKER, demo=True)
    refused = await console.client.post("/demo-sign-in", data={"login": "somsri"}, headers={"origin": HERE})
    assert refused.status_code == 401
    await console.sign_in()
    assert (await console.post("/role", role="call_taker")).headers["location"] == "/desk"
    assert await console.pool.fetchval("select role from session") == "call_taker"
    assert (await console.post("/role", role="admin")).status_code == 403
    await console.pool.execute("update account set roles = '{dispatcher}'")
    assert (await console.client.get("/account")).status_code == 303, "a role that was taken away ends its sessions"


async def test_a_pages_token_is_never_twice_the_same_and_good_each_time(console: Console) -> None:
    await console.account()
    await console.sign_in()
    tokens = [
        re.search(r'name="csrf" content="([^"]+)"', (await console.client.get("/account")).text) for _ in range(2)
    ]
    first, second = (found[1] for found in tokens if found)
    assert first != second
    for token in ("", f"{first}00", first[:-2], "zz.zz", await console.csrf() + "x"):
        assert (await console.post("/role", csrf=token, role="dispatcher")).status_code == 403, token
    for token in (first, second):
        assert (await console.post("/role", csrf=token, role="dispatcher")).status_code == 303


@pytest.mark.parametrize(
    ("asked", "goes"),
    [("/board", "/board"), (None, "/"), ("https://evil.example", "/"), ("//evil.example", "/"), ("/\\evil.example", "/"),
     ("/a\r\nSet-Cookie: x", "/"), ("javascript:alert(1)", "/")],
)  # fmt: skip
def test_one_goes_on_inside_only(asked: str | None, goes: str) -> None:
    assert inside(asked) == goes


async def test_where_one_wanted_to_go_is_not_forgotten_by_a_wrong_password(console: Console) -> None:
    await console.account()
    fields = {"login": "somsri", "password": "not this one", "next": "/rides?on=2026-11-22"}
    answer = await console.client.post("/sign-in", data=fields, headers={"origin": HERE})
    assert answer.status_code == 401
    assert 'name="next" value="/rides?on=2026-11-22"' in answer.text
    evil = await console.client.post("/sign-in", data={**fields, "next": "//evil.example"}, headers={"origin": HERE})
    assert "evil.example" not in evil.text


def test_every_role_with_a_screen_has_an_account_to_press() -> None:
    crew = (Invented("crew1", "สมชาย", ("crew",)), Invented("volunteer1", "รัตนา", ("volunteer",)))
    roles = {Role(role) for each in (*DEMONSTRATED, *crew) for role in each.roles}
    assert roles == set(Role) - {Role.PARTNER}
    told = logins(DEMONSTRATED)
    assert all(each.login in line and each.name in line for each, line in zip(DEMONSTRATED, told, strict=True))
