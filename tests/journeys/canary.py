"""A person nobody else is: every detail made up anew for each run, in every form in which it could leak."""

from __future__ import annotations

import random
from typing import Any

from shared.thai.identifiers import check_digit

LETTERS = "กขคจชตถทนบปพมยรลวสหอ"


def unheard_of(beginning: str) -> str:
    """A word that nobody has written yet."""
    return beginning + "".join(random.choice(LETTERS) for _ in range(7))


class Canary:
    """``body`` is what the caller tells; ``needles`` is what is searched for afterwards."""

    def __init__(self) -> None:
        self.kept: tuple[str, ...] = ()
        self.hatch()

    def hatch(self) -> None:
        """Everything anew."""
        dice, word = random.Random(), unheard_of
        self.name = f"{word('ขมิ้น')} {word('คานารี')}"
        self.caller = f"{word('ปักษา')} {word('คีรีบูน')}"
        self.relation, self.address, self.landmark = word("ป้า"), word("77/913 ซอย"), word("ต้นปีบ")
        self.complaint, self.notes, self.said, self.wrong = (
            word("ขนนกติดคอ"),
            word("กุญแจใต้"),
            word("ตอบว่า"),
            word("ผิดรูป"),
        )
        self.reference = f"CANARY{dice.randint(10**6, 10**7)}"
        self.line_id = "U" + "".join(dice.choice("0123456789abcdef") for _ in range(32))
        eight = f"{dice.randint(10**7, 10**8 - 1)}"
        self.phone = f"09{eight}"
        twelve = f"1{dice.randint(10**10, 10**11 - 1)}"
        self.national_id = twelve + str(check_digit(twelve))
        self.lat, self.lon = 16.43 + dice.randint(10001, 69999) / 1e7, 103.5 + dice.randint(10001, 69999) / 1e7
        self.born = f"{dice.randint(1931, 1949)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
        words = (*self.name.split(), *self.caller.split(), self.relation, self.address, self.landmark, self.complaint)
        self.needles: tuple[str, ...] = (
            *words, self.notes, self.said, self.wrong, self.reference, self.line_id, eight, f"{self.phone[:3]}-{self.phone[3:6]}",
            self.national_id, f"{self.lat:.6f}"[:-1], f"{self.lon:.6f}"[:-1], self.born,
        )  # fmt: skip
        self.body: dict[str, Any] = {
            "caller": {
                "name": self.caller, "phone": self.phone, "relation": self.relation, "line_user_id": self.line_id,
            },
            "patient": {
                "name": self.name, "national_id": self.national_id, "birth_date": self.born, "sex": "female",
                "mobility": "assisted",
            },
            "location": {"lat": self.lat, "lon": self.lon, "address": self.address, "landmark": self.landmark},
            "complaint": self.complaint,
            "notes": self.notes,
            "triage": {"criteria_group": 5},
            "barriers": ["people", "knowledge"],
            "external_refs": [{"system": "1669", "number": self.reference}],
        }  # fmt: skip

    def told(self, beginning: str) -> str:
        """Something else that is written down of them; searched for as well."""
        word = unheard_of(beginning)
        self.kept = (*self.kept, word)
        self.needles = (*self.needles, word)
        return word
