"""JSON Schemas (draft 2020-12) of every event's data, and what may change about them inside a version.

The open schema describes ``data`` on the tree ``karuna``, the internal one on ``internal``. They allow unknown
fields, because consumers must: inside a version fields are added.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Literal

from pydantic import create_model

from karuna.contracts.catalogue import field_words, title
from shared.events.base import Event, Part
from shared.events.envelope import SCHEMA_ROOT, Envelope

Tree = Literal["open", "internal"]
Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
WORDS: Final = frozenset({"title", "description", "examples", "$id", "$schema"})
"""Members that say nothing about which messages are valid."""

WRITTEN_ALWAYS: Final = frozenset({"specversion", "datacontenttype", "exercise"})
"""Members of the envelope that have a default in its model and are nevertheless written every time."""

ENVELOPE_WORDS: Final = {
    "specversion": ("รุ่นของ CloudEvents", "version of CloudEvents"),
    "id": ("รหัสเหตุการณ์ ซ้ำกันคือเหตุการณ์เดียวกัน", "the event's id (UUIDv7); seen twice, it is the same event"),
    "source": ("ใครพูด", "who says it: /karuna/<area>/<service>"),
    "type": ("ชนิดและรุ่น", "kind and version: th.karuna.<service>.<noun>.<event>.v1"),
    "subject": ("เรื่องของสิ่งใด", "what it is about: <noun>/<id>"),
    "time": ("เวลาที่บันทึก", "when it was recorded; when it happened stands in data"),
    "dataschema": ("แบบข้อมูล", "the JSON Schema of data"),
    "datacontenttype": ("ชนิดของข้อมูล", "always JSON"),
    "area": ("เทศบาลที่เรื่องเกิด ไม่เปลี่ยน", "slug of the municipality it was born in; never changes"),
    "aggregateseq": ("ลำดับของสิ่งนั้น นับจาก 1 ไม่มีช่องว่าง", "counts this aggregate's events from 1 without holes"),
    "correlationid": ("สายต้นเรื่อง", "the call it all belongs to, else the root"),
    "causationid": ("เหตุการณ์ที่ทำให้เกิด", "the event or request that caused it"),
    "traceparent": ("ร่องรอยการทำงาน", "W3C trace context"),
    "exercise": ("ฝึกซ้อม ไม่ใช่เรื่องจริง", "nothing of it is real"),
    "protectedroot": ("เรื่องที่ปกป้อง (เฉพาะภายใน)", "internal tree only: what grows from it is protected as well"),
    "data": ("เนื้อหา; ว่าง = ปกป้องหรือลบแล้ว", "the fact itself; empty: protected, or erased"),
}

EMPTY: Final[dict[Tree, str]] = {
    "open": "ข้อมูลที่ปกป้อง หรือไม่มีสิ่งที่เปิดเผยได้ | Nothing may be open: the root is protected, or was erased.",
    "internal": "ลบแล้ว | The event was erased; it only moves the cursor.",
}


def schema_uri(event: type[Event], tree: Tree) -> str:
    """The open schema's is every message's ``dataschema``: internal data are valid under it as well."""
    return f"{SCHEMA_ROOT}{'internal/' if tree == 'internal' else ''}{event.short_type()}.json"


@cache
def body_schema(event: type[Event], tree: Tree) -> Schema:
    """The event's fields as one self-contained object schema, each with its words."""
    model = event if tree == "internal" else open_model(event)
    tidy: Schema = _tidy(self_contained(model.model_json_schema(mode="validation")))
    return tidy


def data_schema(event: type[Event], tree: Tree) -> Schema:
    """What ``data`` may be: the event's fields, or nothing at all."""
    thai, english = title(event)
    return {
        "$schema": DIALECT,
        "$id": schema_uri(event, tree),
        "title": event.short_type(),
        "description": f"{thai} | {english}",
        "anyOf": [body_schema(event, tree), {"type": "object", "maxProperties": 0, "description": EMPTY[tree]}],
    }


def envelope_schema() -> Schema:
    """The CloudEvent around every event; ``data`` is described by the schema that ``dataschema`` names."""
    raw = Envelope.model_json_schema(mode="validation")
    properties = {name: _envelope_member(name, value) for name, value in raw["properties"].items()}
    required = [name for name in properties if name in raw["required"] or name in WRITTEN_ALWAYS]
    return {
        "$schema": DIALECT,
        "$id": f"{SCHEMA_ROOT}envelope.json",
        "title": "CloudEvent",
        "description": "ซองของทุกเหตุการณ์ (CloudEvents 1.0) | The envelope of every event (CloudEvents 1.0).",
        "type": "object",
        "required": required,
        "properties": properties,
    }


def _envelope_member(name: str, value: Schema) -> Schema:
    """An optional member that is absent is left out, so null never stands in an envelope."""
    plain = next((choice for choice in value.get("anyOf", ()) if choice != {"type": "null"}), value)
    kept = {key: item for key, item in plain.items() if key not in {"title", "default", "additionalProperties"}}
    thai, english = ENVELOPE_WORDS[name]
    return {"description": f"{thai} | {english}", **kept}


@cache
def open_model(event: type[Event]) -> type[Part]:
    """The event as everybody hears it."""
    fields: dict[str, Any] = {
        name: (info.annotation, info) for name, info in event.model_fields.items() if name != "private"
    }
    return create_model(event.__name__, __base__=Part, **fields)


def self_contained(raw: Schema) -> Schema:
    """The schema without references: each stands alone. Our models hold no cycles."""
    inlined: Schema = _inline(raw, raw.get("$defs", {}))
    return inlined


def _inline(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inline(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        return _inline({**target, **{k: v for k, v in node.items() if k != "$ref"}}, definitions)
    return {key: _inline(value, definitions) for key, value in node.items() if key != "$defs"}


def _tidy(node: Any) -> Any:
    """Unknown fields allowed, pydantic's titles and texts replaced by our own words."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _tidy(value)
        for key, value in node.items()
        if key not in {"title", "description", "additionalProperties", "properties"}
    }
    if "properties" in node:
        kept["properties"] = {name: _tidy(value) for name, value in node["properties"].items()}
        for name, value in kept["properties"].items():
            if name in field_words():
                thai, english = field_words()[name]
                kept["properties"][name] = {"description": f"{thai} | {english}", **value}
    return kept


# --- what may change ---------------------------------------------------------


def breaking(old: Schema, new: Schema, path: str = "data") -> list[str]:
    """Why ``new`` breaks those who rely on ``old``; empty when it only adds optional fields or changes words."""
    if _without_words(old) == _without_words(new):
        return []
    found = []
    for key in sorted((old.keys() | new.keys()) - WORDS - {"properties", "required"}):
        if key in old and key in new and isinstance(old[key], dict) and isinstance(new[key], dict):
            found += breaking(old[key], new[key], f"{path}[]" if key == "items" else path)
        elif _is_schemas(old.get(key)) and _is_schemas(new.get(key)) and len(old[key]) == len(new[key]):
            for before, after in zip(old[key], new[key], strict=True):
                found += breaking(before, after, path)
        elif old.get(key) != new.get(key):
            found.append(f"{path}: {key} changed from {old.get(key)!r} to {new.get(key)!r}")
    return found + _breaking_fields(old, new, path)


def _breaking_fields(old: Schema, new: Schema, path: str) -> list[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    found = [f"{path}.{name}: removed" for name in before if name not in after]
    for name in before.keys() & after.keys():
        found += breaking(before[name], after[name], f"{path}.{name}")
    was, now = set(old.get("required", ())), set(new.get("required", ()))
    found += [f"{path}.{name}: new and required" for name in now - was if name not in before]
    found += [f"{path}.{name}: was optional, is required" for name in now - was if name in before]
    found += [f"{path}.{name}: was always there, may be missing" for name in was - now if name in after]
    return sorted(found)


def _is_schemas(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _without_words(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_words(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _without_words(value) for name, value in node[key].items()}
        if key == "properties"
        else _without_words(node[key])
        for key in node
        if key not in WORDS
    }
