"""How a municipality wants its emergencies and bookings decided: its settings pack, and what no pack needs to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from services.dispatch.emergencies.choice import RULES
from services.dispatch.rules.ranking import GreatCircle, TravelTimes, Weights
from services.dispatch.travel.road_files import FILES
from shared.geo import Point
from shared.pack_cards import RunCard
from shared.pack_notify import NotifyPolicies
from shared.pack_parts import DispatchPolicies, Pack, ReportPolicies, Targets
from shared.packs import load_all
from shared.thai.quiet import next_allowed

RED_WAITS, YELLOW_WAITS, OTHERS_WAIT = timedelta(0), timedelta(seconds=60), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Policy:
    """One municipality's. An area without a pack (a replay's own) decides by itself, as a demonstration does."""

    pack: DispatchPolicies = field(default_factory=lambda: DispatchPolicies(default_mode="auto", booked_mode="auto"))
    targets: Targets = field(default_factory=Targets)
    reports: ReportPolicies = field(default_factory=ReportPolicies)
    silent_until: timedelta = timedelta(seconds=90)
    """How long a silent order stays open beside the next one, before its unit is free again."""
    ask_again: timedelta = timedelta(seconds=120)
    """A unit that was silent may be asked again for the same trip after this."""
    no_holds: timedelta = timedelta(minutes=10)
    """So long a unit that said no is left alone with that trip; then it is asked once more, where nobody else is."""
    retry: timedelta = timedelta(seconds=15)
    """How often a waiting trip is looked at again, whatever else happens."""
    booked_due: timedelta = timedelta(minutes=60)
    """A booked trip without a crew this long before its pickup is an alarm."""
    booked_last_call: timedelta = timedelta(minutes=30)
    """From here on the system itself looks for a unit for it."""
    waiting_alarm: Mapping[str, timedelta] = field(
        default_factory=lambda: {"red": RED_WAITS, "pink": RED_WAITS, "yellow": YELLOW_WAITS}
    )
    cards: tuple[RunCard, ...] = ()
    """Which units go together."""
    demand: tuple[Point, ...] = ()
    """Where calls come from: the middles of the communities."""
    town: Pack | None = None
    """Its communities and their boundaries, by which figures are told apart."""
    travel_times: TravelTimes = field(default_factory=GreatCircle)
    """The port to travel times: straight lines, the roads of the pack, or an OSRM server."""
    weights: Weights = field(default_factory=Weights)

    def must_be_confirmed(self, lane: str, severity: str) -> bool:
        """Whether a dispatcher decides, and the system only proposes."""
        mode = self.pack.booked_mode if lane == "booked" else self.pack.mode.get(severity, self.pack.default_mode)
        return bool(mode == "confirm")

    @property
    def takes(self) -> bool:
        """Whether a unit may be taken from something less urgent."""
        return "reassign" in RULES[self.pack.choice]

    @property
    def beyond_roads(self) -> GreatCircle:
        """What answers where no road does."""
        return GreatCircle(self.pack.factor, self.pack.urgent_km_h / 3.6, self.pack.ordinary_km_h / 3.6)

    @property
    def spares(self) -> bool:
        """Whether what the rest of the town keeps counts for calls that are not urgent."""
        return "coverage" in RULES[self.pack.choice]

    def parallel(self, severity: str) -> bool:
        """Whether silence alerts the next unit beside the silent one."""
        return severity in self.pack.parallel

    def respond(self, severity: str, *, volunteer: bool) -> timedelta:
        """How long somebody asked at once has to answer."""
        patient = volunteer and not self.parallel(severity)
        return timedelta(seconds=self.pack.volunteer_offer_s if patient else self.pack.order_timeout_s)

    def departs_within(self, severity: str) -> timedelta:
        """How long a crew that accepted an emergency has to set out."""
        return timedelta(seconds=self.pack.departs_within_s.get(severity, self.pack.default_departs_within_s))

    @property
    def late_after(self) -> timedelta:
        """How long after the time a rider was told their van is late."""
        return timedelta(seconds=self.pack.late_after_s)

    @property
    def booked_respond(self) -> timedelta:
        return timedelta(seconds=self.pack.booked_offer_s)

    def asks_from(self, at: datetime) -> datetime:
        """When who is at home may be asked what can wait: ``at``, or the end of the municipality's quiet hours."""
        own = self.town.policies.notify if self.town is not None else NotifyPolicies()
        return next_allowed(at, own.quiet_from, own.quiet_until)

    @property
    def confirm_within(self) -> timedelta:
        return timedelta(seconds=self.pack.proposal_s)

    def alarm_after(self, severity: str) -> timedelta:
        return self.waiting_alarm.get(severity, OTHERS_WAIT)


_DEFAULT = Policy()
_policies: dict[str, Policy] = {}


def policy_of(area: str) -> Policy:
    return _policies.get(area, _DEFAULT)


def load_policies(areas_dir: Path) -> None:
    """Read the packs. A folder that is not there means no packs.

    Raises:
        PackError: a pack cannot be used; names file and field.

    """
    _policies.clear()
    if areas_dir.is_dir():
        for slug, pack in load_all(areas_dir).items():
            demand = tuple(Point(each.lon, each.lat) for each in pack.area.community)
            made = set_policy(
                slug, pack.policies.dispatch, pack.policies.targets, pack.policies.reports, demand, pack.run_card
            )
            found = _roads_of(areas_dir / slug, made) or made.travel_times
            _policies[slug] = replace(made, travel_times=found, town=pack)


def _roads_of(folder: Path, policy: Policy) -> TravelTimes | None:
    """The pack's own roads. What reads them takes fourteen megabytes: it is not loaded where there are none."""
    if not any((folder / name).exists() for name in FILES):
        return None
    from services.dispatch.travel import roads  # noqa: PLC0415 see above

    return roads.load(folder, policy.beyond_roads)


def travel_by(area: str, times: TravelTimes) -> None:
    """From now on ``times`` says how long a drive takes there."""
    _policies[area] = replace(policy_of(area), travel_times=times)


def policies() -> Mapping[str, Policy]:
    """Every municipality that has a pack, by slug."""
    return dict(_policies)


def set_policy(
    area: str, pack: DispatchPolicies, targets: Targets | None = None, reports: ReportPolicies | None = None,
    demand: tuple[Point, ...] = (), cards: tuple[RunCard, ...] = (),
) -> Policy:  # fmt: skip
    """Decide for this area as the pack says, with straight lines for travel times."""
    weights = Weights(stale_after_s=pack.stale_position_s)
    made = Policy(pack, targets or Targets(), reports or ReportPolicies(), cards=cards, demand=demand, weights=weights)
    _policies[area] = replace(made, travel_times=made.beyond_roads, town=policy_of(area).town)
    return _policies[area]
