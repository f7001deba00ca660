"""The inboxes as a page for people, Thai first, with nothing fetched from elsewhere; and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta, timezone
from html import escape
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from karuna.simulate.inbox import Entry, Inbox, newest_of

SHOWN = 200
LONGEST_WAIT_S = 30.0
BANGKOK = timezone(timedelta(hours=7))
VIA = {"line": "LINE", "smpp": "SMS (SMPP)", "http": "SMS (HTTP)"}
STATES = {
    "shown": "แสดงแล้ว · shown",
    "blocked": "ผู้รับบล็อก ไม่เห็นข้อความ · blocked, not seen",
    "waiting": "รอตอนที่เหลือ · waiting for the other parts",
    "received": "ถึงเครื่องแล้ว · received",
    "undelivered": "ส่งไม่ถึง · undelivered",
    "unreadable": "อ่านไม่ออก · unreadable",
}
HEAD = """<!doctype html><html lang="th"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>กล่องข้อความจำลอง · Simulated inbox</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:1rem auto;padding:0 1rem;color:#222;background:#f6f5f2}
article{background:#fff;border:1px solid #ddd;border-radius:.6rem;padding:.6rem 1rem;margin:.7rem 0}
.line{border-left:.4rem solid #06913f}.smpp,.http{border-left:.4rem solid #2f5fb3}
header{font-size:.85rem;color:#555}p{white-space:pre-wrap;overflow-wrap:anywhere;margin:.4rem 0}
form{display:inline}button{font:inherit;padding:.3rem .8rem;margin:.2rem .3rem .2rem 0;cursor:pointer}
input{font:inherit;padding:.3rem}
</style></head><body><h1>กล่องข้อความจำลอง <small lang="en">Simulated inbox</small></h1>
<p>ข้อความที่ระบบส่งออก ใหม่สุดอยู่บน ไม่มีข้อความใดออกไปถึงคนจริง<br>
<span lang="en">What the system sent, newest first. Nothing here reaches a real person.</span></p>"""
TAIL = """<script>setInterval(function(){var a=document.activeElement;
if(!a||a.tagName!=="INPUT")location.reload()},4000)</script></body></html>"""


def page(shown: Sequence[Inbox], line_url: str = "") -> Response:
    """``line_url``: where the simulated LINE takes the answers of people, when that is another port."""
    entries = newest_of(shown, SHOWN)
    body = "".join(_article(entry, line_url) for entry in entries)
    return HTMLResponse(HEAD + (body or "<p>ยังไม่มีข้อความ · no messages yet</p>") + TAIL)


def _article(entry: Entry, line_url: str) -> str:
    at = entry.at.astimezone(BANGKOK).strftime("%H:%M:%S")
    state = STATES.get(entry.state, entry.state)
    parts = entry.details.get("parts")
    head = f"{at} · {VIA[entry.via]} · {entry.sender} → {entry.to} · {state}"
    head += f" · {len(parts)} ตอน · parts" if parts else ""
    answers = _answers(entry, line_url) if entry.via == "line" and entry.state == "shown" else ""
    return f'<article class="{entry.via}"><header>{escape(head)}</header><p>{escape(entry.text)}</p>{answers}</article>'


def _answers(entry: Entry, line_url: str) -> str:
    person = f"{escape(line_url)}/_control/users/{quote(entry.to, safe='')}"
    buttons = "".join(
        f'<form method="post" action="{person}/postback"><input type="hidden" name="data" '
        f'value="{escape(button["data"])}"><button>{escape(button["label"])}</button></form>'
        for button in entry.buttons
    )
    write = (
        f'<form method="post" action="{person}/text"><input name="text" required '
        f'aria-label="ตอบเป็นข้อความ · answer" '
        f'placeholder="ตอบเป็นข้อความ · answer"><button>ส่ง · send</button></form>'
    )
    return f"<div>{buttons}</div><div>{write}</div>"


async def inbox_json(inbox: Inbox, request: Request, shown: Sequence[Inbox] = ()) -> Response:
    """``?after=NUMBER`` leaves out what is known, ``&wait_s=`` waits for something new.

    Gives ``{"items": [...], "total": n}``, oldest first; with ``?all=n`` the newest of every inbox on the page instead,
    newest first.
    """
    if request.query_params.get("all", "").isdecimal():
        newest = newest_of(shown or [inbox], min(int(request.query_params["all"]), SHOWN))
        return JSONResponse({"items": [entry.as_json() for entry in newest], "total": len(newest)})
    try:
        after = int(request.query_params.get("after", 0))
        wait_s = min(float(request.query_params.get("wait_s", 0)), LONGEST_WAIT_S)
    except ValueError:
        return JSONResponse({"message": "after and wait_s are numbers"}, 400)
    if wait_s > 0:
        with suppress(TimeoutError):
            await inbox.wait(lambda box: box.total > after, wait_s)
    items: list[dict[str, Any]] = [entry.as_json() for entry in inbox.after(after)]
    return JSONResponse({"items": items, "total": inbox.total})
