"""Figures: one tested definition each. Exercises never count."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.dispatch.policy import policies
from shared.area_parts import Part
from shared.database import Pool, Search, look_up


def _there(trip: str, number: int) -> str:
    """Of a part (``$number + 1`` is told): the tambon of the call's place begins with ``$number``; of whom none is

    known, the community says it, or what was found by the point. What was erased lies nowhere.
    """
    tambon, community = (f"{trip}details->'location'->>'{name}'" for name in ("tambon_code", "community"))
    return f"""(${number + 1}::text[] is null or {tambon} like ${number} || '%'
       or ({tambon} is null or ${number}::text is null)
          and ({community} = any(${number + 1}) or {trip}details->'location'->'area_codes' ?| ${number + 1}))"""


# Per trip of the emergency lane: the first asking, the first acceptance and the first arrival at the scene.
# A stamp that is missing is counted, never guessed.
RESPONSE_TIMES = Search(f"""
with journey as (
    select t.severity, t.severity_scheme, t.received_at,
           min(a.asked_at) filter (where a.status <> 'proposed') as asked_at, min(a.accepted_at) as accepted_at,
           min(a.at_scene_at) as at_scene_at, t.status
    from trip t left join assignment a on a.trip_id = t.id
    where ($1::text[] is null or t.area = any($1)) and t.lane = 'emergency' and not t.exercise
      and t.received_at >= $2 and t.received_at < $3
      and {_there("t.", 4)}
    group by t.id
), waited as (
    select *, extract(epoch from asked_at - received_at)::float as to_order_s,
           extract(epoch from accepted_at - received_at)::float as to_accept_s,
           extract(epoch from at_scene_at - received_at)::float as to_scene_s
    from journey
)
select severity, severity_scheme, count(*)::int as trips,
    percentile_disc(0.5) within group (order by to_order_s) as to_order_p50_s,
    percentile_disc(0.9) within group (order by to_order_s) as to_order_p90_s,
    (count(*) - count(to_order_s))::int as to_order_missing,
    percentile_disc(0.5) within group (order by to_accept_s) as to_accept_p50_s,
    percentile_disc(0.9) within group (order by to_accept_s) as to_accept_p90_s,
    (count(*) - count(to_accept_s))::int as to_accept_missing,
    percentile_disc(0.5) within group (order by to_scene_s) as to_scene_p50_s,
    percentile_disc(0.9) within group (order by to_scene_s) as to_scene_p90_s,
    (count(*) - count(to_scene_s))::int as to_scene_missing,
    count(*) filter (where to_scene_s <= 480)::int as within_8_min,
    count(*) filter (where to_scene_s <= 600)::int as within_10_min,
    count(*) filter (where status = 'cancelled')::int as cancelled
from waited group by severity, severity_scheme
order by array_position(array['red', 'pink', 'yellow', 'green', 'white', 'black'], severity), severity_scheme
""")  # noqa: S608
# The seven stamps of the form, of the unit that kept the trip; the definitions are those of ``rules.stamps``.
STAMPS = Search(f"""
with mission as (
    select distinct on (t.id) t.severity, t.severity_scheme, t.received_at, a.asked_at, a.en_route_at, a.at_scene_at,
           a.left_scene_at, a.at_destination_at, a.at_base_at
    from trip t join assignment a on a.trip_id = t.id and a.role = 'primary' and a.accepted_at is not null
    where ($1::text[] is null or t.area = any($1)) and t.lane = 'emergency' and not t.exercise
      and t.received_at >= $2 and t.received_at < $3
      and {_there("t.", 4)}
    order by t.id, a.accepted_at desc
)
select m.severity, m.severity_scheme, i.name as interval, count(*)::int as missions,
    count(*) filter (where i.s >= 0)::int as known, count(*) filter (where i.s is null)::int as missing,
    count(*) filter (where i.s < 0)::int as wrong,
    (avg(i.s) filter (where i.s >= 0))::float as mean_s,
    percentile_disc(0.5) within group (order by i.s) filter (where i.s >= 0) as p50_s,
    percentile_disc(0.9) within group (order by i.s) filter (where i.s >= 0) as p90_s
from mission m cross join lateral (values
    (1, 'call_handling_s', extract(epoch from m.asked_at - m.received_at)::float),
    (2, 'turnout_s', extract(epoch from m.en_route_at - m.asked_at)::float),
    (3, 'travel_s', extract(epoch from m.at_scene_at - m.en_route_at)::float),
    (4, 'response_s', extract(epoch from m.at_scene_at - m.received_at)::float),
    (5, 'on_scene_s', extract(epoch from m.left_scene_at - m.at_scene_at)::float),
    (6, 'transport_s', extract(epoch from m.at_destination_at - m.left_scene_at)::float),
    (7, 'return_s', extract(epoch from m.at_base_at - m.at_destination_at)::float),
    (8, 'mission_s', extract(epoch from m.at_base_at - m.received_at)::float)
) as i (place, name, s)
group by m.severity, m.severity_scheme, i.place, i.name
order by array_position(array['red', 'pink', 'yellow', 'green', 'white', 'black'], m.severity), m.severity_scheme,
    i.place
""")  # noqa: S608
TRIPS = Search(f"""
select lane, leg, status, outcome, count(*)::int as trips, count(distinct call_id)::int as calls,
       count(*) filter (where back_entry)::int as from_paper
from trip
where ($1::text[] is null or area = any($1)) and not exercise and received_at >= $2 and received_at < $3
      and {_there("", 4)}
group by lane, leg, status, outcome order by lane, leg, status, outcome
""")  # noqa: S608
QUEUE = Search(f"""
select lane, severity, count(*)::int as queued,
       count(*) filter (where status in ('queued', 'unassigned'))::int as still_waiting,
       count(*) filter (where 'nobody_free' = any(queue_reasons))::int as nobody_free
from trip
where ($1::text[] is null or area = any($1)) and not exercise and queued_at >= $2 and queued_at < $3
      and {_there("", 4)}
group by lane, severity order by lane, severity
""")  # noqa: S608
UNITS = Search(f"""
select u.id::text as unit_id, count(r.id)::int as runs,
       count(r.id) filter (where r.lane = 'emergency')::int as emergency_runs,
       coalesce(sum(extract(epoch from least(coalesce(r.closed_at, $3), $3) - r.opened_at)), 0)::float as busy_s
from unit u join run r on r.unit_id = u.id and r.opened_at >= $2 and r.opened_at < $3 and not r.exercise
where ($1::text[] is null or u.area = any($1))
  and ($5::text[] is null or exists (select from assignment a join trip t on t.id = a.trip_id
                                     where a.run_id = r.id and {_there("t.", 4)}))
group by u.id order by u.id limit 1000
""")  # noqa: S608
# Per completed trip: the way the rider was brought (straight line times the municipality's factor), what the crew's
# odometer says was driven, what the ride would have cost, what the vehicle gave off. What is not known is counted.
DISTANCE = Search(f"""
with told as (
    select * from unnest($4::text[], $5::float[], $6::float[], $7::float[], $8::float[], $9::float[])
        as p (area, factor, start_baht, free_km, km_baht, co2_g)
), driven as (
    select a.trip_id, max(s.odometer_km) - min(s.odometer_km) as km
    from assignment a join step s on s.assignment_id = a.id
    where a.role = 'primary' and s.odometer_km is not null group by a.trip_id having count(*) > 1
), ride as (
    select t.lane, t.id, coalesce(t.person_id, t.patient_id) as who, p.start_baht, p.free_km, p.km_baht, p.co2_g,
           d.km as driven_km,
           case when t.pickup_lon is not null and t.drop_lon is not null
               then coalesce(p.factor, 1.4) * 12742.0176 * asin(sqrt(least(1,
                   power(sind((t.drop_lat - t.pickup_lat) / 2), 2)
                   + cosd(t.pickup_lat) * cosd(t.drop_lat) * power(sind((t.drop_lon - t.pickup_lon) / 2), 2))))
           end as ride_km
    from trip t left join told p on p.area = t.area left join driven d on d.trip_id = t.id
    where ($1::text[] is null or t.area = any($1)) and not t.exercise and t.status = 'completed'
      and t.received_at >= $2 and t.received_at < $3
      and {_there("t.", 10)}
)
select lane, count(*)::int as trips, count(distinct who)::int as persons,
    sum(ride_km)::float as ride_km, (count(*) - count(ride_km))::int as ride_missing,
    sum(driven_km)::float as driven_km, (count(*) - count(driven_km))::int as driven_missing,
    sum(start_baht + greatest(ride_km - free_km, 0) * km_baht) filter (where lane = 'booked')::float as saved_baht,
    (sum(coalesce(driven_km, ride_km) * co2_g) / 1000)::float as co2_kg
from ride group by lane order by lane
""")  # noqa: S608
# The last time something happened that should not have. ``target_s`` per area, the default where it has none.
DAYS_SINCE = Search(f"""
with target as (select * from unnest($4::text[], $5::float[]) as p (area, red_s)), late as (
    select 'red_over_target' as what, t.received_at as at
    from trip t left join target p on p.area = t.area
    left join lateral (select min(a.at_scene_at) as at from assignment a where a.trip_id = t.id) scene on true
    where ($1::text[] is null or t.area = any($1)) and t.lane = 'emergency' and t.severity = 'red' and not t.exercise
      and t.received_at >= $2 and t.received_at < $3 and t.status <> 'cancelled' and {_there("t.", 6)}
      and coalesce(scene.at, least($3, now())) - t.received_at > coalesce(p.red_s, 480) * interval '1 second'
    union all
    select 'ride_missed', t.received_at from trip t
    where ($1::text[] is null or t.area = any($1)) and t.lane = 'booked' and t.outcome in ('missed', 'unmet')
      and not t.exercise and t.received_at >= $2 and t.received_at < $3 and {_there("t.", 6)}
)
select w.what, max(late.at) as last_at, count(late.at)::int as times,
       floor(extract(epoch from least($3, now()) - max(late.at)) / 86400)::int as days
from unnest(array['red_over_target', 'ride_missed']) as w (what) left join late using (what) group by w.what order by 1
""")  # noqa: S608
MISSIONS = Search("""
select t.id::text as trip_id, t.call_id::text as call_id, t.area, t.lane, t.kind, t.severity_scheme, t.severity as idc,
       a.rc, t.status, t.outcome, t.leg, t.back_entry, u.call_sign as unit, u.level as unit_level, f.name as facility,
       t.received_at, a.asked_at, a.en_route_at, a.at_scene_at, a.left_scene_at, a.at_destination_at, a.at_base_at,
       (select (max(s.odometer_km) - min(s.odometer_km))::float from step s where s.assignment_id = a.id) as driven_km
from trip t
left join lateral (select * from assignment a
                   where a.trip_id = t.id and a.role = 'primary' and a.accepted_at is not null
                   order by a.accepted_at desc limit 1) a on true
left join unit u on u.id = a.unit_id left join facility f on f.id = coalesce(a.facility_id, t.facility_id)
where ($1::text[] is null or t.area = any($1)) and t.lane = 'emergency' and not t.exercise and not t.protected
  and t.received_at >= $2 and t.received_at < $3 and t.id > $4
order by t.id limit $5
""")


@dataclass(frozen=True, slots=True)
class Span:
    """Which trips are counted: of these municipalities (None: all), of a part of them, received in this time."""

    areas: list[str] | None
    since: datetime
    until: datetime
    part: Part | None = None

    @property
    def there(self) -> tuple[str | None, list[str] | None]:
        return (self.part.tambon, list(self.part.communities)) if self.part else (None, None)


Reader = Callable[[Pool, Span], Awaitable[list[asyncpg.Record]]]


def _plain(search: Search) -> Reader:
    async def read(pool: Pool, span: Span) -> list[asyncpg.Record]:
        return await look_up(pool, search, span.areas, span.since, span.until, *span.there)

    return read


async def distance(pool: Pool, span: Span) -> list[asyncpg.Record]:
    told = policies()
    of = [each.reports for each in told.values()]
    return await look_up(
        pool, DISTANCE, span.areas, span.since, span.until, list(told), [each.pack.factor for each in told.values()],
        [each.tariff_start_baht for each in of], [each.tariff_free_km for each in of],
        [each.tariff_km_baht for each in of], [each.co2_g_per_km for each in of], *span.there,
    )  # fmt: skip


async def days_since(pool: Pool, span: Span) -> list[asyncpg.Record]:
    told = policies()
    targets = [each.targets.red_response_s for each in told.values()]
    return await look_up(pool, DAYS_SINCE, span.areas, span.since, span.until, list(told), targets, *span.there)


async def missions(
    pool: Pool, areas: list[str] | None, since: datetime, until: datetime, after: UUID, limit: int
) -> list[asyncpg.Record]:
    """Emergencies with the seven stamps of the unit that kept them, by id; protected ones are left out."""
    return await look_up(pool, MISSIONS, areas, since, until, after, limit)


READERS: Mapping[str, Reader] = {
    "response_times": _plain(RESPONSE_TIMES),
    "stamps": _plain(STAMPS),
    "trips": _plain(TRIPS),
    "queue": _plain(QUEUE),
    "units": _plain(UNITS),
    "distance": distance,
    "days_since": days_since,
}
