"""A message of ours as the message objects of LINE's Messaging API.

Limits from the Messaging API reference (developers.line.biz/en/reference/messaging-api): at most 5 objects a request,
text 5,000, alternative text 1,500, buttons template 4 actions with 160 of text, 13 quick replies, label 20, postback
data 300, shown text 300. Texts, alternative texts and data count in UTF-16 units; labels, shown texts and template
texts in grapheme clusters (developers.line.biz/en/docs/messaging-api/text-character-count).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from services.notify.channels.base import Button, Outgoing, Reason
from services.notify.channels.text import cut, graphemes, utf16_units

MAX_OBJECTS = 5
MAX_TEXT = 5000
MAX_ALT_TEXT = 1500
MAX_TEMPLATE_TEXT = 160
MAX_BUTTONS = 4
MAX_QUICK_REPLIES = 13
MAX_LABEL = 20
MAX_DATA = 300
MAX_SHOWN = 300
ADDRESS = re.compile(r"[UCR][0-9a-f]{32}")
"""A user, group or room id. Sending to ids that cannot exist is forbidden by LINE's development guidelines."""

SURROGATE = re.compile(r"[\ud800-\udfff]")
"""Half a character: it came from broken input and cannot be written."""

JsonObject = dict[str, Any]
LIMITS: list[tuple[Reason, Callable[[Outgoing], bool]]] = [
    (Reason.CONTENT_REFUSED, lambda m: not m.text.strip()),
    (Reason.CONTENT_REFUSED, lambda m: any(SURROGATE.search(said) for said in _all_texts(m))),
    (Reason.CONTENT_REFUSED, lambda m: len(m.buttons) > MAX_BUTTONS),
    (Reason.CONTENT_REFUSED, lambda m: len(m.quick_replies) > MAX_QUICK_REPLIES),
    (Reason.CONTENT_REFUSED, lambda m: not all(_pressable(b) for b in m.buttons + m.quick_replies)),
    (Reason.CONTENT_REFUSED, lambda m: bool(m.buttons) and not m.prompt.strip()),
    (Reason.CONTENT_REFUSED, lambda m: graphemes(m.prompt) > MAX_TEMPLATE_TEXT),
    (Reason.TOO_LONG, lambda m: utf16_units(m.text) > MAX_TEXT * MAX_OBJECTS),
]
"""What LINE would answer with 400, known before asking."""


class MessageUnfitError(ValueError):
    """LINE would refuse this message; ``reason`` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def message_objects(message: Outgoing) -> list[JsonObject]:
    """The 1 to 5 message objects that say ``message``.

    A short text with buttons is one buttons template; a long one is text, with the buttons under ``prompt`` after it.

    Raises:
        MessageUnfitError: LINE would refuse it.

    """
    for reason, broken in LIMITS:
        if broken(message):
            raise MessageUnfitError(reason)
    objects = _objects(message)
    if len(objects) > MAX_OBJECTS:
        raise MessageUnfitError(Reason.TOO_LONG)
    if message.quick_replies:  # LINE shows those of the last object only
        objects[-1]["quickReply"] = {"items": [_quick_reply(button) for button in message.quick_replies]}
    return objects


def _objects(message: Outgoing) -> list[JsonObject]:
    if message.buttons and graphemes(message.text) <= MAX_TEMPLATE_TEXT and utf16_units(message.text) <= MAX_ALT_TEXT:
        return [_template(message.text, message.buttons)]
    texts: list[JsonObject] = [{"type": "text", "text": t} for t in cut(message.text, MAX_TEXT, utf16_units)]
    return [*texts, _template(message.prompt, message.buttons)] if message.buttons else texts


def _template(text: str, buttons: tuple[Button, ...]) -> JsonObject:
    actions = [_postback(button) for button in buttons]
    return {"type": "template", "altText": text, "template": {"type": "buttons", "text": text, "actions": actions}}


def _quick_reply(button: Button) -> JsonObject:
    return {"type": "action", "action": _postback(button)}


def _postback(button: Button) -> JsonObject:
    action: JsonObject = {"type": "postback", "label": button.label, "data": button.data}
    return {**action, "displayText": button.shown} if button.shown else action


def _all_texts(message: Outgoing) -> list[str]:
    pressed = [said for b in message.buttons + message.quick_replies for said in (b.label, b.data, b.shown or "")]
    return [message.text, message.prompt, *pressed]


def _pressable(button: Button) -> bool:
    """LINE takes neither empty nor blank fields; what is shown may be left out."""
    fields = [(button.label, MAX_LABEL, graphemes), (button.data, MAX_DATA, utf16_units)]
    if button.shown:
        fields.append((button.shown, MAX_SHOWN, graphemes))
    return all(text.strip() and measure(text) <= limit for text, limit, measure in fields)
