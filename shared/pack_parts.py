"""What a municipality's settings pack consists of: one model per kind of entry, each field checked where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.area_shapes import Shape, lying_in
from shared.codes.codes import code_list
from shared.geo import Point, Polygon, read_point
from shared.pack_cards import RunCard
from shared.pack_notify import NotifyPolicies
from shared.thai import areas
from shared.thai.phones import read_phone
from shared.thai.text import Text

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
Mode = Literal["auto", "confirm"]


def _of(list_id: str) -> AfterValidator:
    """A code of that list."""

    def known(code: str) -> str:
        return code_list(list_id).item(code).code

    return AfterValidator(known)


Kind = Annotated[str, _of("kind")]
Lane = Annotated[str, _of("lane")]
Skill = Annotated[str, _of("skill")]
Severity = Annotated[str, _of("severity_ed5")]
Tambon = Annotated[str, AfterValidator(lambda code: areas.tambon(code).code)]
Phone = Annotated[str, AfterValidator(lambda text: (phone := read_phone(text)).e164 or phone.short or text)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(_Part):
    """Something with a point on the map."""

    lon: float
    lat: float

    @property
    def point(self) -> Point:
        return Point(self.lon, self.lat)

    @model_validator(mode="after")
    def _in_thailand(self) -> Self:
        read_point(self.lon, self.lat, "lon, lat")
        return self


class Community(Place):
    """A ชุมชน, with the point that stands for it while nothing better is known."""

    code: Key
    name: Text
    tambon_code: Tambon


class Area(_Part):
    """Who the municipality is. ``slug`` stands in every subject and row and never changes."""

    slug: Slug
    case_prefix: str = Field(pattern=r"^[A-Z]{2,5}$")
    short_number: str = Field(pattern=r"^[0-9]{3,10}$")
    name: Text
    desk: Text
    note: Text | None = None
    whole_tambons: tuple[Tambon, ...] = ()
    partial_tambons: tuple[Tambon, ...] = ()
    centre: Place
    community: tuple[Community, ...] = ()


class Bounded(_Part):
    """A community, village or quarter with its boundary, by its code in the area tree."""

    code: str = Field(pattern=r"^([0-9]{8}|[a-z][a-z0-9-]{1,30}:[a-z0-9][a-z0-9_-]{0,39})$")
    name: Text
    shape: Shape


class Limits(_Part):
    """What a service can promise. Beyond them a person decides; they are never a reason to drop a call."""

    max_distance_km: float | None = Field(default=None, gt=0)
    notice_hours: float | None = Field(default=None, ge=0)
    companions: int | None = Field(default=None, ge=0)


class Service(_Part):
    """One kind of service with its legal basis. There is no field for income, insurance or an identity card."""

    code: Key
    name: Text
    kinds: tuple[Kind, ...] = Field(min_length=1)
    lanes: tuple[Lane, ...] = Field(min_length=1)
    legal_basis: tuple[Text, ...] = Field(min_length=1)
    limits: Limits = Limits()
    approved_by: str | None = None


class Partner(_Part):
    """Who takes over. Without ``tambons`` a partner serves everywhere; ``takes`` says what for."""

    code: Key
    name: Text
    phone: Phone
    takes: tuple[Literal["outside_area", "red_flag", "police", "fire", "power", "mental_health", "social"], ...]
    tambons: tuple[Tambon, ...] = ()


class Duplicates(_Part):
    """When two calls may be one. Points add up; from ``possible_points`` on a candidate is shown."""

    within_min: float = 30
    within_m: float = 300
    same_phone_points: float = 60
    place_points: float = 40
    time_points: float = 20
    same_kind_points: float = 10
    same_group_points: float = 15
    possible_points: float = 50
    strong_points: float = 80
    most: int = 5


class IntakePolicies(_Part):
    watchdog_s: float = 60
    edge_m: float = 50
    """Nearer than this to the boundary, inside or outside, is undecided: points are never that exact."""
    outbound_before_min: float = 60
    occurrences: int = Field(default=60, ge=1, le=60)
    occurrence_days: int = Field(default=120, ge=1, le=120)
    duplicates: Duplicates = Duplicates()


class DispatchPolicies(_Part):
    """Timers in seconds. ``mode`` per severity of the emergency lane, ``booked_mode`` for rides."""

    mode: Mapping[Severity, Mode] = {}
    default_mode: Mode = "confirm"
    booked_mode: Mode = "confirm"
    choice: Literal["closest", "dmexclp", "reassign", "full"] = "full"
    """How a unit is chosen: the soonest idle one; sparing what the town needs; taking from less urgent calls; both."""
    relocation: Literal["off", "propose"] = "off"
    """Whether it is proposed to the dispatcher where idle units would better stand."""
    day_plan: Literal["off", "propose", "publish"] = "off"
    """Whether the system plans booked rides that wait, today's and, from ``night_plan_at`` on, tomorrow's: shown to the

    dispatcher as a proposal, or published. Where ``booked_mode`` is ``confirm`` it only proposes.
    """
    on_the_way: Literal["off", "propose", "auto"] = "propose"
    """Whether somebody who waits and whom no free unit can take gets a place in a tour that has begun, within what was

    promised to those it carries: proposed to the dispatcher, or offered to its crew at once. Where bookings are to be
    confirmed (``booked_mode``; for the way home the mode of green) it is only proposed.
    """
    night_plan_at: time = time(18, 0)
    """Local time."""
    proposal_s: float = Field(default=60, gt=0)
    order_timeout_s: float = Field(default=30, gt=0)
    parallel: frozenset[Severity] = frozenset({"red", "pink", "yellow"})
    volunteer_offer_s: float = Field(default=180, gt=0)
    circle_m: float = Field(default=0, ge=0)
    """Where the best unit is one of volunteers, all volunteers who are no further away (rounded up to multiples of so

    many metres) are asked at once; 0: one after the other.
    """
    circle_s: float = Field(default=60, gt=0)
    """Nobody has accepted so long after: the next circle is asked beside them."""
    booked_offer_s: float = Field(default=7200, gt=0)
    departs_within_s: Mapping[Severity, Annotated[float, Field(gt=0)]] = {"red": 120, "pink": 120, "yellow": 180}
    """From accepting an emergency to setting out; beyond it the desk is alarmed."""
    default_departs_within_s: float = Field(default=300, gt=0)
    """The same for severities not named above."""
    late_after_s: float = Field(default=900, gt=0)
    """So long after the time the rider was told a van that is not there is late: the desk and the rider hear of it."""
    rest_min: float = Field(default=0, ge=0, le=240)
    """Minutes of rest that a crew has in every shift longer than ``rest_after_h``; 0: the planner keeps none free.

    Labour Protection Act B.E. 2541, section 27: an hour a day, after no more than five hours of work; it may be split
    where that was agreed, into parts that come to an hour.
    """
    rest_parts: int = Field(default=1, ge=1, le=4)
    """Into so many parts of equal length the rest is split."""
    rest_after_h: float = Field(default=5, gt=0, le=12)
    """Hours of a shift after which the (first part of the) rest has begun."""
    rest_from: time | None = None
    rest_until: time | None = None
    """Local times, both or neither: the rest (its first part) lies between them where ``rest_after_h`` lets it, and

    units that are on duty without a shift on the roster have theirs then.
    """
    factor: float = Field(default=1.4, ge=1)
    urgent_km_h: float = Field(default=50, gt=0)
    ordinary_km_h: float = Field(default=35, gt=0)
    stale_position_s: float = Field(default=120, gt=0)

    @model_validator(mode="after")
    def _rest_has_both_ends(self) -> Self:
        if (self.rest_from is None) != (self.rest_until is None):
            raise ValueError("rest_from, rest_until: both or neither")
        if self.rest_from and self.rest_until and not self.rest_from < self.rest_until:
            raise ValueError("rest_until: later than rest_from, on the same day")
        return self


class Targets(_Part):
    """Service levels, from รับแจ้ง to ถึงที่เกิดเหตุ."""

    red_response_s: float = 480
    response_s: float = 600


class ReportPolicies(_Part):
    """What a ride would have cost the rider otherwise, and what our vehicles give off; left out: not reckoned.

    ``tariff_km_baht`` for every kilometre beyond ``tariff_free_km``, on top of ``tariff_start_baht``.
    """

    tariff_start_baht: float = Field(default=0, ge=0)
    tariff_free_km: float = Field(default=0, ge=0)
    tariff_km_baht: float | None = Field(default=None, ge=0)
    co2_g_per_km: float | None = Field(default=None, ge=0)


class Policies(_Part):
    intake: IntakePolicies = IntakePolicies()
    dispatch: DispatchPolicies = DispatchPolicies()
    notify: NotifyPolicies = NotifyPolicies()
    targets: Targets = Targets()
    reports: ReportPolicies = ReportPolicies()


class Station(Place):
    code: Key
    name: Text


class Facility(Place):
    code: Key
    kind: Annotated[str, _of("facility_kind")]
    name: Text
    clinics: tuple[Text, ...] = ()
    beds: Mapping[Key, int] = {}


class Vehicle(_Part):
    """``code`` is the call sign; ``level`` is absent for vehicles that do no medical work."""

    code: Key
    name: Text
    kind: Annotated[str, _of("vehicle_kind")]
    level: Annotated[str, _of("unit_level")] | None = None
    station: Key
    places: Mapping[Annotated[str, _of("place_kind")], int]
    equipment: frozenset[Annotated[str, _of("equipment")]] = frozenset()
    exercise: bool = False


class CrewMember(_Part):
    """A template: the seed makes people of them. ``valid_days``: for how long from then certificates last."""

    code: Key
    name: Text
    kind: Annotated[str, _of("crew_kind")]
    vehicle: Key
    shift: Literal["day", "night", "relief"]
    skills: frozenset[Skill]
    duty_kinds: frozenset[Annotated[str, _of("duty_kind")]]
    phone: Phone
    valid_days: Mapping[Skill, Annotated[int, Field(gt=0)]] = {}


class Pack(_Part):
    """Everything of one municipality, checked against the code lists and against itself."""

    area: Area
    boundary: tuple[Polygon, ...]
    boundary_attribution: str
    bounded: tuple[Bounded, ...] = ()
    service: tuple[Service, ...] = Field(min_length=1)
    partner: tuple[Partner, ...] = ()
    policies: Policies = Policies()
    station: tuple[Station, ...] = ()
    facility: tuple[Facility, ...] = ()
    vehicle: tuple[Vehicle, ...] = ()
    crew: tuple[CrewMember, ...] = ()
    run_card: tuple[RunCard, ...] = ()

    def community(self, told: str) -> Community | None:
        """A community by its code, here or in the area tree, or by either of its names."""
        word = told.removeprefix(f"{self.area.slug}:")
        return next((each for each in self.area.community if word in {each.code, each.name.th, each.name.en}), None)

    def community_code(self, told: str) -> str:
        """Its code in the area tree, by whatever it was told; what is in no list as it was."""
        known = self.community(told)
        return f"{self.area.slug}:{known.code}" if known else told

    def lying_in(self, point: Point) -> dict[str, str]:
        """Kind → code of the community, village and quarter in whose boundary the point plainly lies."""
        return lying_in(point, (each.shape for each in self.bounded))

    def partners_for(self, what: str, tambon_code: str | None = None) -> tuple[Partner, ...]:
        """Who takes this over, those of the tambon first, then those who serve everywhere."""
        fitting = [each for each in self.partner if what in each.takes]
        near = [each for each in fitting if tambon_code is not None and tambon_code in each.tambons]
        return (*near, *(each for each in fitting if not each.tambons))
