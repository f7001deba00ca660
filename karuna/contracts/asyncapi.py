"""The contract as AsyncAPI 3.0: what can be heard, and what can be said to Karuna, over NATS.

One channel per noun and tree. What NATS alone knows (stream, durable, retention) stands in ``x-karuna-*``.
Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

import json
from typing import Any, Final

from karuna.contracts import inward
from karuna.contracts.catalogue import event_name, nouns, title
from karuna.contracts.samples import message
from karuna.contracts.schemas import EMPTY, Schema, Tree, body_schema, envelope_schema, schema_uri
from shared.events.base import Event
from shared.events.envelope import CONTENT_TYPE, TYPE_PREFIX
from shared.streams import DUPLICATE_WINDOW_S, LISTENERS, POSITIONS, SERVICES, durables_of, stream_name

VERSION: Final = "1.0.0"
"""Of the contract. The second number grows with every added field or event."""

PREFIX: Final[dict[Tree, str]] = {"open": "karuna", "internal": "internal"}
JSON: Final = "application/json"

ABOUT: Final = """\
ทุกสิ่งที่เกิดขึ้นในชุมชนกรุณา ตั้งแต่รับแจ้งจนกลับสู่ภาวะปกติ

Everything that happens in Karuna, from the call to back to normal, as CloudEvents 1.0 (structured JSON).

* **Two trees.** `karuna.…` is open: ids, kinds, severities, times, statuses; never a name, a contact, a place or \
free text. `internal.…` is heard by Karuna's own services only. Both carry the same event under the same id.
* **Order.** `aggregateseq` counts the events of one aggregate (the `subject`) from 1 without holes. Keep the last \
number per subject, and repetition, reordering and replay change nothing.
* **Empty data.** The root is protected (violence, psychiatric, secret), or was erased: id and time are all there is.
* **Growth.** Inside v1 fields are only added. Ignore what you do not know.
* **Access.** `karuna subscriber add NAME --allow PATTERN` makes an account, durable consumers and a credentials \
file; `karuna subscriber replay NAME --from TIME` goes back in time.
"""

Document = dict[str, Any]


def document() -> Document:
    """The whole AsyncAPI document."""
    channels = {key: channel for tree in PREFIX for key, channel in _event_channels(tree)} | _inward_channels()
    return {
        "asyncapi": "3.0.0",
        "id": "urn:karuna:events",
        "info": {
            "title": "กรุณา Karuna: เหตุการณ์ (events)",
            "version": VERSION,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "local": {
                "host": "127.0.0.1:4222",
                "protocol": "nats",
                "description": "ค่าเริ่มต้นของ `make run` | What `make run` starts.",
                "security": [{"$ref": "#/components/securitySchemes/credentials"}],
            }
        },
        "channels": channels,
        "operations": _event_operations() | _inward_operations(),
        "components": {
            "securitySchemes": {
                "credentials": {
                    "type": "asymmetricEncryption",
                    "description": "A NATS credentials file: a JWT and the key that signs the server's nonce.",
                }
            },
            "schemas": {"Envelope": _embedded(envelope_schema()), "Nothing": {"type": "object", "maxProperties": 0}},
            "messages": {
                _message_key(event, tree): _message(event, tree)
                for tree in PREFIX
                for _, _, events in nouns()
                for event in events
            }
            | _inward_messages(),
        },
    }


# --- what can be heard -------------------------------------------------------


def _message_key(event: type[Event], tree: Tree) -> str:
    return f"{PREFIX[tree]}.{event_name(event)}"


def _event_channels(tree: Tree) -> list[tuple[str, Document]]:
    return [
        (f"{PREFIX[tree]}.{service}.{noun}", _event_channel(tree, service, noun, events))
        for service, noun, events in nouns()
    ]


def _event_channel(tree: Tree, service: str, noun: str, events: list[type[Event]]) -> Document:
    channel: Document = {
        "address": f"{PREFIX[tree]}.{{area}}.{service}.{noun}.{{id}}.{{event}}.v1",
        "title": f"{noun} ({'เปิดเผย open' if tree == 'open' else 'ภายใน internal'})",
        "description": "\n".join(f"* `{event.NAME}`: {' | '.join(title(event))}" for event in events),
        "parameters": {
            "area": {"description": "Slug of the municipality, e.g. kalasin."},
            "id": {"description": f"UUIDv7 of the {noun}."},
            "event": {"enum": [event.NAME for event in events], "description": "What happened."},
        },
        "messages": {event.NAME: {"$ref": f"#/components/messages/{_message_key(event, tree)}"} for event in events},
        "x-karuna-stream": stream_name(service),
        "x-karuna-tree": tree,
        "x-karuna-retention": "limits, no age: kept until erased; a full stream refuses (discard new)",
        "x-karuna-duplicate-window-s": DUPLICATE_WINDOW_S,
    }
    if tree == "open":
        channel["x-karuna-durable"] = "one per subscriber, made by `karuna subscriber add`; console has its own"
    else:
        channel["x-karuna-internal"] = True
        channel["x-karuna-durables"] = _who_hears(service, noun)
    return channel


def _who_hears(service: str, noun: str) -> list[str]:
    wanted = f"internal.*.{service}.{noun}.>"
    return [name for name in LISTENERS for durable in durables_of(name) if wanted in durable.filters]


def _message(event: type[Event], tree: Tree) -> Document:
    thai, english = title(event)
    example = {"examples": [{"name": event_name(event), "payload": json.loads(message(event, internal=False))}]}
    return {
        "name": TYPE_PREFIX + event.short_type(),
        "title": thai,
        "summary": english,
        "contentType": CONTENT_TYPE,
        "headers": _headers(tree),
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/Envelope"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": TYPE_PREFIX + event.short_type()},
                        "data": {
                            "anyOf": [_embedded(body_schema(event, tree)), {"$ref": "#/components/schemas/Nothing"}],
                            "description": EMPTY[tree],
                        },
                    },
                },
            ]
        },
        "x-karuna-schema": schema_uri(event, tree),
        **(example if tree == "open" else {}),
    }


def _headers(tree: Tree) -> Schema:
    suffix = ", followed by .open" if tree == "open" else ""
    return {
        "type": "object",
        "required": ["Nats-Msg-Id", "content-type"],
        "properties": {
            "Nats-Msg-Id": {"type": "string", "description": f"The event's id{suffix}."},
            "content-type": {"type": "string", "const": CONTENT_TYPE},
            "traceparent": {"type": "string", "description": "W3C trace context."},
        },
    }


def _event_operations() -> Document:
    return {
        f"say.{PREFIX[tree]}.{service}.{noun}": {
            "action": "send",
            "channel": {"$ref": f"#/channels/{PREFIX[tree]}.{service}.{noun}"},
            "title": f"{service} says what happens to a {noun}",
        }
        for tree in PREFIX
        for service, noun, _ in nouns()
    }


# --- what can be said to Karuna ----------------------------------------------

_AREA: Final = {"description": "Slug of the municipality, e.g. kalasin."}


def _inward_channels() -> Document:
    return {
        "inbox.calls": {
            "address": inward.CALLS,
            "title": "แจ้งเหตุ (ask for a call)",
            "description": "The body of `POST /v1/calls`; the header `Idempotency-Key` makes repeating safe.",
            "parameters": {"area": _AREA},
            "messages": {"call": {"$ref": "#/components/messages/inbox.call"}},
        },
        "inbox.calls.reply": {
            "address": None,
            "title": "คำตอบ (the number, or a clear refusal)",
            "messages": {
                "taken": {"$ref": "#/components/messages/inbox.call.taken"},
                "refused": {"$ref": "#/components/messages/refused"},
            },
        },
        "inbox.positions": {
            "address": inward.POSITIONS,
            "title": "พิกัดรถ (where a unit is)",
            "description": "Telemetry: the newest wins, nothing is answered, nothing of it is ever open.",
            "parameters": {"area": _AREA, "unit": {"description": "UUID of the unit."}},
            "messages": {"position": {"$ref": "#/components/messages/inbox.position"}},
        },
        "ask": {
            "address": inward.ASK,
            "title": "ถาม (a question to a service)",
            "description": "A NATS micro service; the asker's token travels in the header `Authorization`, and the "
            "same decision and audit apply as over HTTP.",
            "parameters": {
                "area": _AREA,
                "service": {"enum": list(SERVICES), "description": "Who is asked."},
                "question": {"description": "What is asked; the service's `$SRV.INFO` lists its questions."},
            },
            "messages": {"question": {"$ref": "#/components/messages/ask.question"}},
        },
        "ask.reply": {
            "address": None,
            "title": "คำตอบ (an answer, or a clear refusal)",
            "messages": {
                "answer": {"$ref": "#/components/messages/ask.answer"},
                "refused": {"$ref": "#/components/messages/refused"},
            },
        },
        "telemetry.position": {
            "address": inward.TELEMETRY,
            "title": "พิกัดล่าสุดของหน่วย (a unit's last position, internal)",
            "parameters": {"area": _AREA, "id": {"description": "UUID of the unit."}},
            "messages": {"position": {"$ref": "#/components/messages/inbox.position"}},
            "x-karuna-internal": True,
            "x-karuna-stream": POSITIONS,
            "x-karuna-retention": "memory, the last one per unit",
        },
    }


def _inward_operations() -> Document:
    def asked(channel: str, name: str) -> Document:
        return {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{channel}"},
            "title": name,
            "reply": {"channel": {"$ref": f"#/channels/{channel}.reply"}},
        }

    return {
        "take.call": asked("inbox.calls", "intake takes a call"),
        "answer.question": asked("ask", "a service answers"),
        "take.position": {
            "action": "receive",
            "channel": {"$ref": "#/channels/inbox.positions"},
            "title": "dispatch takes a position",
        },
        "say.telemetry.position": {
            "action": "send",
            "channel": {"$ref": "#/channels/telemetry.position"},
            "title": "dispatch alone says where a unit is",
        },
    }


def _inward_messages() -> Document:
    def plain(name: str, words: str, payload: Schema, **more: Any) -> Document:
        return {"name": name, "title": words, "contentType": JSON, "payload": _embedded(payload), **more}

    key = {
        "type": "object",
        "properties": {"Idempotency-Key": {"type": "string", "description": "The same key and body: one call."}},
    }
    token = {
        "type": "object",
        "required": ["Authorization"],
        "properties": {"Authorization": {"type": "string"}, "Karuna-Purpose": {"type": "string"}},
    }
    anything: Schema = {"type": "object"}
    return {
        "inbox.call": plain(
            "call", "แจ้งเหตุ (a call)", inward.call_schema(), headers=key, examples=[{"payload": inward.CALL_EXAMPLE}]
        ),
        "inbox.call.taken": plain("taken", "รับแจ้งแล้ว (taken)", inward.taken_schema()),
        "inbox.position": plain(
            "position", "พิกัด (a position)", inward.fix_schema(), examples=[{"payload": inward.POSITION_EXAMPLE}]
        ),
        "ask.question": plain("question", "คำถาม (a question)", anything, headers=token),
        "ask.answer": plain("answer", "คำตอบ (an answer)", anything),
        "refused": plain("refused", "ปฏิเสธพร้อมเหตุผล (a refusal)", inward.refusal_schema()),
    }


def _embedded(schema: Schema) -> Schema:
    """A schema inside the document: it has no address of its own there."""
    return {key: value for key, value in schema.items() if key not in {"$id", "$schema"}}
