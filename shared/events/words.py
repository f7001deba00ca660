"""The words events share: closed sets as enums, open code lists as patterned strings, and shared value types.

A set is an enum only where a new member would be a new version of the contract; a list that grows (reasons,
outcomes, templates, skills) is a :data:`Code`. Every enum value appears in messages exactly as written here.
"""

from __future__ import annotations

from datetime import UTC
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

from shared.events.base import Part


class Lane(StrEnum):
    """ฉุกเฉิน / ไม่ฉุกเฉิน (A2): at once, or at a time agreed."""

    EMERGENCY = "emergency"
    BOOKED = "booked"


class Channel(StrEnum):
    """By which way a call came in."""

    PHONE = "phone"
    LINE = "line"
    WEB = "web"
    PARTNER = "partner"
    WALK_IN = "walk_in"
    TOPIC = "topic"
    FILE = "file"
    CENTRE_1669 = "centre_1669"


class CallKind(StrEnum):
    """What is asked for."""

    MEDICAL = "medical"
    TRANSFER = "transfer"
    WELFARE = "welfare"
    DEVICE = "device"
    HAZARD = "hazard"
    OTHER = "other"


class Severity(StrEnum):
    """Colour of urgency, always beside its scheme."""

    RED = "red"
    PINK = "pink"
    YELLOW = "yellow"
    GREEN = "green"
    WHITE = "white"
    BLACK = "black"


class SeverityScheme(StrEnum):
    """``cbd``: criteria-based dispatch (1669), no pink. ``ed5``: five levels of the ED, no black."""

    CBD = "cbd"
    ED5 = "ed5"


class CallStatus(StrEnum):
    """Where a call is in its life; how it ended is its outcome."""

    OPEN = "open"
    HANDED_OVER = "handed_over"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


class CallLink(StrEnum):
    """Why two calls belong together."""

    DUPLICATE = "duplicate"
    """Two people told us of the same thing: the leading call's trips serve both."""
    OCCURRENCE = "occurrence"
    """One date of a recurring appointment; the leading call is the first of the series."""
    CARRY_OVER = "carry_over"
    """What stayed open goes on in the next visit."""
    RELATED = "related"


class Mobility(StrEnum):
    """How a person can travel."""

    WALKING = "walking"
    ASSISTED = "assisted"
    WHEELCHAIR = "wheelchair"
    STRETCHER = "stretcher"


class Need(StrEnum):
    """What a journey must bring along for this person."""

    OXYGEN = "oxygen"
    SUCTION = "suction"
    INFECTION_PRECAUTION = "infection_precaution"
    BARIATRIC = "bariatric"
    STAIRS = "stairs"
    LIFT_TEAM = "lift_team"
    TRAINED_ESCORT = "trained_escort"
    INTERPRETER = "interpreter"


class Barrier(StrEnum):
    """ไม่มีเงิน คน เวลา ความรู้ รถ อุปกรณ์ (A3): the six barriers."""

    MONEY = "money"
    PEOPLE = "people"
    TIME = "time"
    KNOWLEDGE = "knowledge"
    VEHICLE = "vehicle"
    EQUIPMENT = "equipment"


class Sex(StrEnum):
    """Left out where unknown."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"


class Language(StrEnum):
    """The language somebody wants to be told in."""

    TH = "th"
    EN = "en"


class By(StrEnum):
    """Whether a person or an automatic step did it."""

    PERSON = "person"
    SYSTEM = "system"


class Leg(StrEnum):
    """There, and back again."""

    OUTBOUND = "outbound"
    RETURN = "return"


class TripRisk(StrEnum):
    """What threatens a promise. ``late``: the van is not there in time; ``left_behind``: no unit on duty can bring

    the person home.
    """

    LATE = "late"
    LEFT_BEHIND = "left_behind"


class Role(StrEnum):
    """``primary`` carries the trip, ``support`` helps."""

    PRIMARY = "primary"
    SUPPORT = "support"


class Step(StrEnum):
    """What a crew reports. Four of the seven stamps of the mission form are among them."""

    ACCEPT = "accept"
    DECLINE = "decline"
    EN_ROUTE = "en_route"
    AT_SCENE = "at_scene"
    LEFT_SCENE = "left_scene"
    AT_DESTINATION = "at_destination"
    CLEAR = "clear"
    AT_BASE = "at_base"


class AssignmentStatus(StrEnum):
    """Where an assignment is in its life. ``at_base`` is a stamp of a cleared assignment, not a status."""

    PLANNED = "planned"
    PROPOSED = "proposed"
    ORDERED = "ordered"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    EN_ROUTE = "en_route"
    AT_SCENE = "at_scene"
    LEFT_SCENE = "left_scene"
    AT_DESTINATION = "at_destination"
    CLEARED = "cleared"
    RELEASED = "released"


class SwapStatus(StrEnum):
    """Where a swap of shifts is: the other member agrees, a supervisor approves."""

    ASKED = "asked"
    AGREED = "agreed"
    APPROVED = "approved"
    DECLINED = "declined"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class UnitLevel(StrEnum):
    """ระดับชุดปฏิบัติการ: first response to advanced life support; ``transport`` gives rides only."""

    TRANSPORT = "transport"
    FR = "fr"
    BLS = "bls"
    ILS = "ils"
    ALS = "als"


class CrewKind(StrEnum):
    """บุคลากรเทศบาล จิตอาสา ภาคีเครือข่าย (A10)."""

    STAFF = "staff"
    VOLUNTEER = "volunteer"
    PARTNER = "partner"


class MessageChannel(StrEnum):
    """By which way somebody is told. ``desk`` is an alarm on our own screens, ``phone`` a person who rings."""

    LINE = "line"
    LINE_PHONE = "line_phone"
    """LINE notification message, addressed by telephone number."""
    SMS = "sms"
    PHONE = "phone"
    APP = "app"
    DESK = "desk"


class MessageClass(StrEnum):
    """``emergency`` is sent at least once, ``routine`` at most once."""

    EMERGENCY = "emergency"
    ROUTINE = "routine"


class RecipientKind(StrEnum):
    """Whom a message is for, or from whom a reply came."""

    CALLER = "caller"
    PATIENT = "patient"
    CREW = "crew"
    DESK = "desk"


class Answer(StrEnum):
    """What a reply means; its text stays with notify. The first eight are the steps of a crew."""

    ACCEPT = "accept"
    DECLINE = "decline"
    EN_ROUTE = "en_route"
    AT_SCENE = "at_scene"
    LEFT_SCENE = "left_scene"
    AT_DESTINATION = "at_destination"
    CLEAR = "clear"
    AT_BASE = "at_base"
    SEEN = "seen"
    READY = "ready"
    """The return leg may come."""
    CONFIRM = "confirm"
    CANCEL = "cancel"
    STOP = "stop"
    """No more messages."""
    START = "start"
    UNKNOWN = "unknown"
    """A person must read it."""


class Disclosure(StrEnum):
    """How far a person's facts may go. ``secret``: hidden from search, no pin on a map, no text messages."""

    SHARED = "shared"
    RESTRICTED = "restricted"
    SECRET = "secret"  # noqa: S105 a class of disclosure, not a password


# --- patterned strings ------------------------------------------------------

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
"""A member of an open code list, e.g. ``outside_area``; labels in Thai and English come from ``GET /v1/codes``."""

Number = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z/-]{0,39}$")]
"""A case number of ours, e.g. ``6908-4601-0042``; not personal."""

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
"""A municipality's short name, e.g. ``kalasin``."""

AmphoeCode = Annotated[str, Field(pattern=r"^[0-9]{4}$")]
"""District code of the Department of Provincial Administration, e.g. ``4601``."""

TambonCode = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
"""Sub-district code of the Department of Provincial Administration, e.g. ``460101``."""

AreaCode = Annotated[str, Field(pattern=r"^([0-9]{8}|[a-z][a-z0-9-]{1,30}:[a-z0-9][a-z0-9_-]{0,39})$")]
"""A village by its eight digits, or a community or quarter as ``municipality:code``, e.g. ``kalasin:rimpao``."""

Phone = Annotated[str, Field(pattern=r"^(\+[1-9][0-9]{3,14}|[0-9]{3,6})$")]
"""E.164, e.g. ``+66812345678``, or a Thai short code such as ``1669``."""

TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""Local time (Asia/Bangkok), e.g. ``21:30``."""

Line = Annotated[str, Field(min_length=1, max_length=500)]
"""One line of what a person said or wrote."""

Text = Annotated[str, Field(min_length=1, max_length=8000)]
"""Free text."""

Instant = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]
"""An aware moment, kept in UTC."""

Lat = Annotated[float, Field(ge=-90, le=90)]
Lon = Annotated[float, Field(ge=-180, le=180)]


class ExternalRef(Part):
    """The same thing's number in another system, e.g. ``{"system": "1669", "number": "…"}``."""

    system: Code
    number: Line
