"""What LINE refuses in a request body, and how it says so: ``[{"message", "property"}]``.

Limits and wording follow the Messaging API reference (developers.line.biz/en/reference/messaging-api) and
.../docs/messaging-api/text-character-count. Written apart from the client in the notify service, on purpose: the two
check each other. Types the project does not send (flex, imagemap, media) are taken unseen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import regex

Json = dict[str, Any]
Detail = dict[str, str]

ADDRESS = re.compile(r"[UCR][0-9a-f]{32}")
UNCHECKED = {"textV2", "sticker", "image", "video", "audio", "location", "imagemap", "flex", "coupon"}
TYPES = ["text", "template", *sorted(UNCHECKED)]


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clusters(text: str) -> int:
    return len(regex.findall(r"\X", text))


def check_messages(messages: object) -> list[Detail]:
    if not isinstance(messages, list) or not 1 <= len(messages) <= 5:
        return [{"message": "Size must be between 1 and 5", "property": "messages"}]
    return [detail for i, message in enumerate(messages) for detail in _message(message, f"messages[{i}]")]


def _message(message: object, at: str) -> Iterator[Detail]:
    if not isinstance(message, dict):
        yield {"message": "Must be an object", "property": at}
        return
    kind = message.get("type")
    if kind == "text":
        yield from _text(message, "text", f"{at}.text", 5000, units)
    elif kind == "template":
        yield from _text(message, "altText", f"{at}.altText", 1500, units)
        yield from _template(message.get("template"), f"{at}.template")
    elif kind not in UNCHECKED:
        yield {"message": f"Must be one of the following values: [{', '.join(TYPES)}]", "property": f"{at}.type"}
    if "quickReply" in message:
        yield from _quick_reply(message["quickReply"], f"{at}.quickReply")


def _template(template: object, at: str) -> Iterator[Detail]:
    if not isinstance(template, dict):
        yield {"message": "May not be null", "property": at}
        return
    kind = template.get("type")
    decorated = bool(template.get("title") or template.get("thumbnailImageUrl"))
    if kind == "buttons":
        yield from _text(template, "text", f"{at}.text", 60 if decorated else 160, clusters)
        if "title" in template:
            yield from _text(template, "title", f"{at}.title", 40, clusters)
        yield from _actions(template.get("actions"), f"{at}.actions", 1, 4)
    elif kind == "confirm":
        yield from _text(template, "text", f"{at}.text", 240, clusters)
        yield from _actions(template.get("actions"), f"{at}.actions", 2, 2)
    elif kind not in {"carousel", "image_carousel"}:
        yield {
            "message": "Must be one of the following values: [buttons, confirm, carousel, image_carousel]",
            "property": f"{at}.type",
        }


def _quick_reply(quick_reply: object, at: str) -> Iterator[Detail]:
    items = quick_reply.get("items") if isinstance(quick_reply, dict) else None
    if not isinstance(items, list) or not 1 <= len(items) <= 13:
        yield {"message": "Size must be between 1 and 13", "property": f"{at}.items"}
        return
    for i, item in enumerate(items):
        if not isinstance(item, dict) or item.get("type") != "action":
            yield {"message": "Must be one of the following values: [action]", "property": f"{at}.items[{i}].type"}
        else:
            yield from _action(item.get("action"), f"{at}.items[{i}].action")


def _actions(actions: object, at: str, fewest: int, most: int) -> Iterator[Detail]:
    if not isinstance(actions, list) or not fewest <= len(actions) <= most:
        yield {"message": f"Size must be between {fewest} and {most}", "property": at}
        return
    for i, action in enumerate(actions):
        yield from _action(action, f"{at}[{i}]")


def _action(action: object, at: str) -> Iterator[Detail]:
    if not isinstance(action, dict):
        yield {"message": "May not be null", "property": at}
        return
    kind = action.get("type")
    if kind not in ACTIONS:
        yield {"message": f"Must be one of the following values: [{', '.join(ACTIONS)}]", "property": f"{at}.type"}
        return
    for name, limit, measure, required in ACTIONS[kind]:
        if required or name in action:
            yield from _text(action, name, f"{at}.{name}", limit, measure)


ACTIONS: dict[str, list[tuple[str, int, Callable[[str], int], bool]]] = {
    "postback": [("label", 20, clusters, True), ("data", 300, units, True), ("displayText", 300, clusters, False)],
    "message": [("label", 20, clusters, True), ("text", 300, clusters, True)],
    "uri": [("label", 20, clusters, True), ("uri", 1000, units, True)],
    "location": [("label", 20, clusters, True)],
}
"""Type of action -> its fields with limit, measure, and whether it must be there."""


def _text(holder: Json, name: str, at: str, limit: int, measure: Callable[[str], int]) -> Iterator[Detail]:
    value = holder.get(name)
    if not isinstance(value, str) or not value.strip():
        yield {"message": "May not be empty", "property": at}
    elif measure(value) > limit:
        yield {"message": f"Length must be between 0 and {limit}", "property": at}
