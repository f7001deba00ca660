"""The bench's own town: a settings pack with 400 units of two crew members each, and calls from all over it."""

from __future__ import annotations

import json
import random
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from karuna.local import ROOT

AREA = "benchtown"
UNITS = 400
CREW_OF_UNIT = 2
SAMPLE = ROOT / "deploy" / "areas" / "kalasin"
CENTRE_LON, CENTRE_LAT = 103.506, 16.434
SPREAD_DEG = 0.008
POLICIES = """
[dispatch]
default_mode = "auto"
order_timeout_s = 600
[dispatch.mode]
red = "auto"
pink = "auto"
yellow = "auto"
green = "auto"
white = "auto"
[intake]
watchdog_s = 600
[notify]
brand = { th = "ชุมชนกรุณา", en = "Karuna" }
emergency_wait_s = 600
"""
"""No timers while we measure: nobody here is slow to answer."""

SEVERITIES = {"red": {"unresponsive": "yes"}, "yellow": {"sudden_tearing": "yes"}, "green": {"pain_strong": "yes"}}
MIX = ("red", "yellow", "yellow", "green", "green")
"""Of five calls of the burst."""


def write_pack(areas: Path) -> None:
    """Make the folder of packs with the bench's town in it: boundary, services and partners are those of the sample."""
    folder = areas / AREA
    folder.mkdir(parents=True)
    for name in ("boundary.geojson", "services.toml", "partners.toml", "stations.toml", "facilities.toml"):
        shutil.copy(SAMPLE / name, folder / name)
    area = (SAMPLE / "area.toml").read_text("utf-8")
    area = area.replace('slug = "kalasin"', f'slug = "{AREA}"').replace('case_prefix = "KLS"', 'case_prefix = "BEN"')
    (folder / "area.toml").write_text(area, "utf-8")
    (folder / "policies.toml").write_text(POLICIES, "utf-8")
    (folder / "vehicles.toml").write_text(_list("vehicle", [_vehicle(n) for n in range(UNITS)]), "utf-8")
    crew = [_member(n, place) for n in range(UNITS) for place in range(CREW_OF_UNIT)]
    (folder / "crew.toml").write_text(_list("crew", crew), "utf-8")


def _list(name: str, items: list[str]) -> str:
    return f"{name} = [\n" + "".join(f"  {item},\n" for item in items) + "]\n"


def _name(text: str) -> str:
    return f"{{ th = {json.dumps(text)}, en = {json.dumps(text)} }}"


def _vehicle(number: int) -> str:
    station = ("centre", "north", "south", "hospital_post")[number % 4]
    return (
        f'{{ code = "B{number}", name = {_name(f"BLS {number}")}, kind = "ambulance", level = "bls", '
        f'station = "{station}", places = {{ stretcher = 1, seat = 3 }}, '
        'equipment = ["oxygen_set", "suction_unit", "aed", "splints", "stretcher"] }'
    )


def _member(unit: int, place: int) -> str:
    skills = ["emt_b", "first_aid", "oxygen", "lifting", "driving", "emergency_driving"]
    phone = f"090-1{(unit * CREW_OF_UNIT + place) // 10000:02}-{(unit * CREW_OF_UNIT + place) % 10000:04}"
    return (
        f'{{ code = "B{unit}-{place}", name = {_name(f"Crew {unit} {place}")}, kind = "staff", vehicle = "B{unit}", '
        f'shift = "day", skills = {json.dumps(skills)}, duty_kinds = ["emergency"], phone = "{phone}" }}'
    )


@cache
def _dice() -> random.Random:
    return random.Random("bench")


def call_body(severity: str) -> dict[str, Any]:
    """A call as the desk's page sends it, from somewhere in the town, by somebody who never called before."""
    dice = _dice()
    return {
        "lane": "emergency",
        "kind": "medical",
        "caller": {"name": "ผู้แจ้งสมมติ", "phone": f"08{dice.randrange(10**8):08}", "relation": "neighbour"},
        "patients": [{"age": dice.randint(20, 90), "sex": dice.choice(["female", "male"])}],
        "location": {
            "lat": CENTRE_LAT + dice.uniform(-SPREAD_DEG, SPREAD_DEG),
            "lon": CENTRE_LON + dice.uniform(-SPREAD_DEG, SPREAD_DEG),
            "landmark": "ใกล้ศาลาประชาคม",
        },
        "complaint": "ปวดท้องมาก หน้าซีด",
        "triage": {"criteria_group": 1, "answers": _answers(severity)},
    }


def _answers(severity: str) -> dict[str, str]:
    asked = (
        "unresponsive", "breathing_bad", "fainting_pale", "blood_lost", "sudden_tearing", "may_be_pregnant",
        "pain_strong",
    )  # fmt: skip
    return dict.fromkeys(asked, "no") | SEVERITIES[severity]
