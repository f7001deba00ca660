"""Why a trip waits for a unit, in words: the codes of ``queue_reason``, and ``no_<code>`` for what no free unit has."""

from __future__ import annotations

from shared.codes.codes import code_list
from shared.thai.text import Text

MISSING = ("skill", "equipment", "place_kind", "unit_level")
"""Lists in which ``no_<code>`` is looked up."""


def queue_reason(code: str) -> Text:
    """A reason in both languages; ``no_<code>`` names what is missing."""
    known = code_list("queue_reason")
    if code in known:
        return Text(th=known.label(code), en=known.label(code, "en"))
    what = code.removeprefix("no_")
    for list_id in MISSING:
        labels = code_list(list_id)
        for each in labels.codes:
            if each.lower() == what:
                return Text(th=f"ขาด: {labels.label(each)}", en=f"missing: {labels.label(each, 'en')}")
    return Text(th=f"ขาด: {what}", en=f"missing: {what}")
