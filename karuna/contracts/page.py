"""The contract as one page that needs no network: every event, its subject, its open fields and an example."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from karuna.contracts import inward
from karuna.contracts.catalogue import event_name, events, nouns, title
from karuna.contracts.samples import AREA, message
from karuna.contracts.schemas import Schema, body_schema, envelope_schema
from shared.events.base import Event

TYPES: Final = {"object": "{…}", "integer": "จำนวนเต็ม integer", "number": "จำนวน number", "boolean": "ใช่/ไม่ boolean"}
FORMATS: Final = {"uuid": "UUID", "date-time": "เวลา date-time (UTC)", "date": "วัน date"}

SERVICE_WORDS: Final = {
    "intake": ("รับแจ้ง", "takes calls"),
    "dispatch": ("สั่งการและจัดรถ", "sends crews and plans rides"),
    "registry": ("ทะเบียนบุคคลและการดูแล", "people and what is done for them"),
    "notify": ("แจ้งข่าว", "tells people"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One field as the page shows it."""

    name: str
    thai: str
    english: str
    type: str
    certain: bool
    """In every message, however old."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One event as the page shows it."""

    name: str
    thai: str
    english: str
    subject: str
    rows: list[Row]
    private: list[Row]
    example: str
    schema: str


def page() -> str:
    """The HTML of the whole page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2").render(
        services=_services(),
        count=len(events()),
        envelope=rows(envelope_schema()),
        inward=_inward(),
        words=SERVICE_WORDS,
        area=AREA,
    )


def _services() -> dict[str, list[tuple[str, list[Shown]]]]:
    found: dict[str, list[tuple[str, list[Shown]]]] = {}
    for service, noun, of_noun in nouns():
        found.setdefault(service, []).append((noun, [_shown(event) for event in of_noun]))
    return found


def _shown(event: type[Event]) -> Shown:
    thai, english = title(event)
    private = body_schema(event, "internal")["properties"].get("private")
    return Shown(
        name=event_name(event),
        thai=thai,
        english=english,
        subject=f"karuna.{AREA}.{event.SERVICE}.{event.NOUN}.<id>.{event.NAME}.v{event.VERSION}",
        rows=rows(body_schema(event, "open")),
        private=rows(_object_in(private)) if private else [],
        example=_json(json.loads(message(event, internal=False))),
        schema=f"{event.short_type()}.json",
    )


def rows(schema: Schema, prefix: str = "") -> list[Row]:
    """The fields of an object schema; those of objects inside it follow with their path."""
    found: list[Row] = []
    for name, value in schema["properties"].items():
        thai, _, english = value.get("description", "").partition(" | ")
        certain = name in schema.get("required", ())
        found.append(Row(prefix + name, thai, english, type_words(value), certain))
        inner = _object_in(value)
        if "properties" in inner:
            found += rows(inner, f"{prefix}{name}.")
    return found


def _object_in(value: Schema) -> Schema:
    """The object behind a field, through lists and null."""
    if "anyOf" in value:
        return next((_object_in(choice) for choice in value["anyOf"] if choice.get("type") != "null"), value)
    return _object_in(value["items"]) if "items" in value else value


def type_words(value: Schema) -> str:
    """A field's type in a few words."""
    return next(words(value) for member, words in TYPE_WORDS.items() if member in value)


def _choice_words(value: Schema) -> str:
    choices = [type_words(choice) for choice in value["anyOf"] if choice.get("type") != "null"]
    return " / ".join(choices) + " หรือว่าง or null"


def _plain_words(value: Schema) -> str:
    if value["type"] == "array":
        return f"รายการ list: {type_words(value['items'])}"
    return TYPES.get(value["type"], "ข้อความ text")


TYPE_WORDS: Final[dict[str, Callable[[Schema], str]]] = {
    "anyOf": _choice_words,
    "enum": lambda value: " · ".join(map(str, value["enum"])),
    "const": lambda value: json.dumps(value["const"]),
    "format": lambda value: FORMATS.get(value["format"], str(value["format"])),
    "pattern": lambda value: f"ข้อความ text {value['pattern']}",
    "type": _plain_words,
    "description": lambda _: "อะไรก็ได้ anything",
}
"""Which member of a schema says most about it, and how."""


def _inward() -> list[dict[str, Any]]:
    return [
        {
            "subject": inward.CALLS.replace("{area}", AREA),
            "thai": "แจ้งเหตุ คำตอบคือเลขที่รับแจ้ง หรือเหตุผลที่ปฏิเสธ",
            "english": "Ask for a call. The reply is its number, or a clear refusal. Header Idempotency-Key.",
            "rows": rows(inward.call_schema()),
            "example": _json(inward.CALL_EXAMPLE),
        },
        {
            "subject": inward.POSITIONS.replace("{area}", AREA).replace("{unit}", "<unit>"),
            "thai": "พิกัดรถ ไม่มีคำตอบ",
            "english": "Where a unit is. Nothing is answered.",
            "rows": rows(inward.fix_schema()),
            "example": _json(inward.POSITION_EXAMPLE),
        },
        {
            "subject": f"karuna.{AREA}.ask.<service>.<question>",
            "thai": "ถามบริการ (NATS micro) ส่งโทเคนใน header Authorization สิทธิเท่ากับทาง HTTP",
            "english": "A question to a service (NATS micro); token in the header Authorization, rights as over HTTP.",
            "rows": [],
            "example": "",
        },
    ]


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2)
