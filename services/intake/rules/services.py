"""Which of the municipality's services a call asks for, on what legal basis, and whether its limits are kept.

``Asked`` is all that is looked at. It has no field for income, insurance, nationality or an identity card: whoever
asks is served, and that is so by construction, not by a check that somebody might change.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.pack_parts import Pack, Service
from shared.thai.text import Text


@dataclass(frozen=True, slots=True)
class Asked:
    """``notice_h``: hours between the call and the appointment; ``distance_km`` one way. None: not known."""

    kind: str
    lane: str
    distance_km: float | None = None
    notice_h: float | None = None
    companions: int = 0


@dataclass(frozen=True, slots=True)
class Offered:
    """``beyond`` lists limits that are exceeded: a person confirms, nothing is dropped."""

    service: Service
    beyond: tuple[Text, ...]

    @property
    def needs_confirmation(self) -> bool:
        return bool(self.beyond)


def service_for(pack: Pack, asked: Asked) -> Offered:
    """The first service of the pack that takes this kind in this lane; else one that takes the kind; else the first.

    A call never stays without a service: what fits none is taken by the pack's first and a person decides.
    """
    services = pack.service
    exact = (each for each in services if asked.kind in each.kinds and asked.lane in each.lanes)
    near = (each for each in services if asked.kind in each.kinds)
    service = next(exact, None) or next(near, None) or services[0]
    return Offered(service, _beyond(service, asked))


def _beyond(service: Service, asked: Asked) -> tuple[Text, ...]:
    limits, found = service.limits, []
    if limits.max_distance_km is not None and (asked.distance_km or 0) > limits.max_distance_km:
        found.append(
            Text(th=f"ไกลเกิน {limits.max_distance_km:g} กม.", en=f"further than {limits.max_distance_km:g} km")
        )
    if limits.notice_hours is not None and asked.notice_h is not None and asked.notice_h < limits.notice_hours:
        found.append(Text(th=f"แจ้งล่วงหน้าไม่ถึง {limits.notice_hours:g} ชั่วโมง",
                          en=f"less than {limits.notice_hours:g} hours' notice"))  # fmt: skip
    if limits.companions is not None and asked.companions > limits.companions:
        found.append(Text(th=f"ผู้ติดตามเกิน {limits.companions} คน", en=f"more than {limits.companions} companions"))
    return tuple(found)
