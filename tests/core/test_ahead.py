"""What waits here: the most urgent first, every matter in its order, nobody for ever, nothing lost."""

from __future__ import annotations

import tracemalloc

import orjson
from hypothesis import given
from hypothesis import strategies as st

from shared.ahead import ALONE, REMEMBERED, Ahead, Urgencies
from shared.pull import Came


def body(
    root: str, severity: str | None = None, aggregate: str | None = None, *, kind: str = "toy.toy.toyed.v1"
) -> bytes:
    data = {} if severity is None else {"severity": severity}
    subject = aggregate or f"call/{root}"
    return orjson.dumps({"type": f"th.karuna.{kind}", "subject": subject, "correlationid": root, "data": data})


def waiting(*bodies: bytes) -> Ahead[int]:
    """The bodies' numbers, in the order of their coming."""
    ahead: Ahead[int] = Ahead(Urgencies())
    for number, each in enumerate(bodies):
        ahead.put(number, each)
    return ahead


def items(ahead: Ahead[int], limit: int) -> list[int]:
    return [each.item for each in ahead.take(limit)]


def all_of(ahead: Ahead[int], limit: int) -> list[int]:
    taken: list[int] = []
    while ahead:
        group = items(ahead, limit)
        assert 0 < len(group) <= limit
        taken += group
    assert items(ahead, limit) == []
    return taken


def test_a_red_call_goes_alone_and_the_oldest_is_in_every_other_group() -> None:
    ahead = waiting(*(body(f"g{number}", "green") for number in range(9)), body("y", "yellow"), body("r", "red"))
    assert items(ahead, 3) == [10]
    assert items(ahead, 2) == [0, 9]
    assert items(ahead, 2) == [1, 2]


def test_what_is_not_red_gets_on_however_much_is_red() -> None:
    ahead = waiting(body("g", "green"), *(body(f"r{number}", "red") for number in range(9)))
    assert [items(ahead, 1)[0] for _ in range(ALONE + 2)] == [1, 2, 3, 4, 0, 5]


def test_what_nobody_waits_for_of_a_red_call_comes_after_every_red_order_and_before_what_is_yellow() -> None:
    ahead: Ahead[int] = Ahead(Urgencies(frozenset({"intake.call.received.v1", "dispatch.trip.ordered.v1"})))
    ahead.put(0, body("y", "yellow", kind="intake.call.received.v1"))
    ahead.put(1, body("r", "red", "trip/1", kind="dispatch.trip.at_scene.v1"))
    ahead.put(2, body("s", "red", "trip/2", kind="dispatch.trip.ordered.v1"))
    assert items(ahead, 3) == [2]
    assert items(ahead, 1) == [0]  # the oldest
    ahead.put(3, body("z", "yellow", kind="intake.call.received.v1"))
    assert items(ahead, 2) == [1, 3]


def test_an_order_of_a_red_call_takes_what_stands_before_it_along() -> None:
    ahead: Ahead[int] = Ahead(Urgencies(frozenset({"dispatch.trip.ordered.v1"})))
    ahead.put(0, body("r", "red", kind="dispatch.trip.at_scene.v1"))
    ahead.put(1, body("r", "red", kind="dispatch.trip.ordered.v1"))
    ahead.put(2, body("r", "red", kind="dispatch.trip.cleared.v1"))
    assert items(ahead, 3) == [0, 1]


def test_what_was_taken_and_not_applied_waits_again_where_it_stood() -> None:
    ahead = waiting(*(body(f"y{number}", "yellow") for number in range(3)), body("y0", "yellow"))
    taken = ahead.take(4)
    ahead.put(4, body("y0", "yellow"))
    ahead.back(taken[1:])
    assert items(ahead, 5) == [1, 2, 3, 4]


def test_what_is_red_presses_all_ears_of_the_service_while_it_waits() -> None:
    urgencies = Urgencies()
    calls: Ahead[int] = Ahead(urgencies)
    orders: Ahead[int] = Ahead(urgencies)
    calls.put(0, body("r", "red"))
    orders.put(1, body("r", aggregate="trip/1"))
    orders.put(2, body("y", "yellow"))
    assert urgencies.pressing == 2
    taken = calls.take(1)
    assert urgencies.pressing == 1
    calls.back(taken)
    calls.leave()
    orders.take(1)
    assert urgencies.pressing == 0


def test_what_grows_from_a_red_call_is_as_urgent_by_whatever_ear_the_call_was_heard() -> None:
    urgencies = Urgencies()
    calls: Ahead[int] = Ahead(urgencies)
    calls.put(0, body("r", "red"))
    orders: Ahead[int] = Ahead(urgencies)
    for number in range(3):
        orders.put(number, body(f"y{number}", "yellow"))
    orders.put(3, body("r", aggregate="message/1"))
    assert items(orders, 2) == [3]


def test_what_calls_stand_on_is_not_overtaken() -> None:
    ahead = waiting(body("g", "green"), body("unit", aggregate="unit/1"), body("r", "red"))
    assert items(ahead, 2) == [1, 2]


def test_no_matter_carries_its_later_messages_past_what_came_before_them() -> None:
    """A crew is heard of before the order that names it, and units' duties in the order in which they changed."""
    assert items(waiting(body("r", "red", "trip/1"), body("crew/c"), body("r", "red", "order/1")), 3) == [0, 1, 2]
    duties = waiting(*(body(unit, aggregate=f"unit/{unit}") for unit in ("1", "1", "2", "2", "1")))
    assert items(duties, 5) == [0, 1, 2, 3, 4]


def test_what_is_said_of_one_person_keeps_its_order_whatever_it_grows_from() -> None:
    """Somebody joined a group by a green call, and was erased: never the other way round."""
    joined = orjson.dumps({"subject": "group/m", "correlationid": "g", "data": {"person_id": "p"}})
    ahead = waiting(body("y", "green"), body("g", "green"), joined, body("p", aggregate="person/p"))
    taken = all_of(ahead, 1)
    assert taken.index(2) < taken.index(3)


def test_of_several_trips_of_a_call_the_most_urgent_says_how_urgent_the_call_is() -> None:
    urgencies = Urgencies()
    for severity in ("red", "green"):
        urgencies.rank("r", {"severity": severity}, of_call=False)
    assert urgencies.rank("r", {}, of_call=False) == 0
    urgencies.rank("r", {"severity": "green"}, of_call=True)
    assert urgencies.rank("r", {}, of_call=False) > 0


def test_no_more_is_kept_of_a_matter_than_what_waits_of_it() -> None:
    ahead = waiting(body("r", "red"))
    for number in range(1, 500):
        ahead.put(number, body("r", "red", f"step/{number}"))
        ahead.take(1)
    assert len(ahead._lines) <= 3  # memory is the promise


def test_a_call_that_turns_red_takes_what_it_said_before_along_in_order() -> None:
    ahead = waiting(body("y", "yellow"), body("a", "green"), body("a", "green"), body("a", "red"))
    assert all_of(ahead, 2) == [1, 2, 3, 0]


def test_two_matters_of_one_aggregate_become_one() -> None:
    ahead = waiting(
        body("g", "green"), body("a", "green", "trip/1"), body("b", "green", "trip/2"),
        body("a", "green", "trip/2"), body("b", "red", "trip/3"),
    )  # fmt: skip
    assert all_of(ahead, 5) == [1, 2, 3, 4, 0]


def test_what_cannot_be_read_is_taken_like_everything_else() -> None:
    odd = body("o").replace(b'"data":{}', b'"data":{"severity":[]}')
    assert all_of(waiting(b"\xff not json", b"[]", b"{}", odd, body("r", "red")), 3) == [0, 1, 2, 3, 4]


def test_only_the_latest_calls_are_remembered() -> None:
    urgencies = Urgencies()
    for number in range(REMEMBERED + 5):
        urgencies.rank(str(number), {"severity": "green"}, of_call=True)
    assert len(urgencies._ranks) == REMEMBERED  # memory is the promise


MATTERS = st.tuples(st.integers(0, 4), st.sampled_from([None, "red", "yellow", "green"]), st.integers(0, 5))


@given(st.lists(MATTERS, max_size=40), st.integers(1, 7))
def test_nothing_is_lost_and_every_call_and_aggregate_keeps_its_order(
    matters: list[tuple[int, str | None, int]], limit: int
) -> None:
    bodies = [body(f"root{root}", severity, f"trip/{aggregate}") for root, severity, aggregate in matters]
    taken = all_of(waiting(*bodies), limit)
    assert sorted(taken) == list(range(len(matters)))
    for place in (0, 2):
        for key in {matter[place] for matter in matters}:
            own = [number for number in taken if matters[number][place] == key]
            assert own == sorted(own)


def test_what_waits_by_the_thousand_takes_little_beside_its_text() -> None:
    """In a flood thousands wait in each process: a kilobyte of each is megabytes. Two events of every call."""
    bodies = [body(f"{call:032}", "red", f"trip/{call:032}{event}") for call in range(1_000) for event in range(2)]
    ahead: Ahead[Came] = Ahead(Urgencies())
    tracemalloc.start()
    try:
        for place, each in enumerate(bodies):
            subject, reply = f"internal.kalasin.intake.call.{place:032}", f"$JS.ACK.INTAKE.dispatch.1.{place:040}"
            ahead.put(Came(None, subject, each, reply, place), each)  # type: ignore[arg-type]
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / len(ahead) < 1_050
