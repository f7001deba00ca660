"""What a service said, for a person at a terminal."""

from __future__ import annotations

import httpx


def refusal(answer: httpx.Response) -> str:
    """A problem document's sentence in both languages, and under it a line for each field that says something else."""
    said = answer.json()
    fields = [f"{one['field']}: {one['th']} ({one['en']})" for one in said.get("errors", []) if one["th"] != said["th"]]
    return "\n".join([f"{said['th']} ({said['en']})", *fields])
