"""Simulated people wait for the right button, forget what is over, and are as fast as they are told."""

from __future__ import annotations

import asyncio

import pytest

from karuna.platform.home import Home
from karuna.simulate.buttons import Buttons, answers_of
from karuna.simulate.pace import DECLINES, SLEEPS, Pace, between, drive_s
from karuna.simulate.report import quantile, response
from karuna.simulate.stage import stage_is_free
from shared.geo import Point

HERE, THERE = Point(103.50, 16.43), Point(103.52, 16.43)


def entry(*answers: str) -> dict[str, object]:
    return {"buttons": [{"label": "…", "data": f"k1.AaIBaBlDcWy-R3zpPtxr_Q.{answer}"} for answer in answers]}


def test_the_answers_of_a_message_are_read_from_its_buttons() -> None:
    assert set(answers_of(entry("accept", "decline"))) == {"accept", "decline"}
    assert set(answers_of(entry("star-5"))) == {"star-5"}
    assert answers_of({"buttons": [{"label": "x", "data": "something else"}]}) == {}
    assert answers_of({}) == {}


async def test_whoever_waits_longest_gets_the_message_and_nothing_is_kept() -> None:
    buttons = Buttons()
    first, second = buttons.expect("U1", "en_route"), buttons.expect("U1", "en_route")
    assert not buttons.came("U2", {"en_route": "k1.x.en_route"})
    assert buttons.came("U1", {"en_route": "k1.one.en_route"})
    assert buttons.came("U1", {"en_route": "k1.two.en_route"})
    assert not buttons.came("U1", {"en_route": "k1.three.en_route"})
    assert await asyncio.gather(first.future, second.future) == [
        {"en_route": "k1.one.en_route"},
        {"en_route": "k1.two.en_route"},
    ]
    buttons.forget(first)
    buttons.forget(second)
    buttons.forget(second)
    assert buttons.waiting == 0


def test_a_drive_takes_as_long_as_the_road_and_the_hurry() -> None:
    assert drive_s(HERE, THERE, urgent=True) == pytest.approx(2132 * 1.4 / (60 / 3.6), rel=0.01)
    assert drive_s(HERE, THERE, urgent=False) == pytest.approx(2132 * 1.4 / (40 / 3.6), rel=0.01)
    assert between(HERE, THERE, 0.5).lon == pytest.approx(103.51)
    assert between(HERE, THERE, 7) == THERE


def test_the_dice_of_a_person_and_a_mission_fall_the_same_whoever_asks() -> None:
    pace = Pace(seed=3)
    shares = [pace.sleeps("volunteer", "a", number) for number in range(4000)]
    assert sum(shares) / 4000 == pytest.approx(SLEEPS["volunteer"], abs=0.03)
    assert shares == [Pace(seed=3).sleeps("volunteer", "a", number) for number in range(4000)]
    assert sum(pace.declines(number) for number in range(4000)) / 4000 == pytest.approx(DECLINES, abs=0.02)
    assert not any(Pace(sleepers=False).sleeps("volunteer", number) for number in range(200))


def test_percentiles_are_nearest_ranks() -> None:
    assert quantile([], 0.5) is None
    assert [quantile([1.0, 2.0, 3.0, 4.0], share) for share in (0.5, 0.9, 0.99)] == [2.0, 4.0, 4.0]


def test_response_counts_the_first_unit_of_emergencies_only() -> None:
    def at(second: int) -> str:
        return f"2026-01-01T00:00:{second:02}+00:00"

    trip = {
        "lane": "emergency",
        "severity": "red",
        "back_entry": False,
        "received_at": at(0),
        "assignments": [
            {"stamps": {"order": at(2), "accept": at(9)}},
            {"stamps": {"offer": at(1), "at_scene": at(30)}},
        ],
    }
    paper, ride = {**trip, "back_entry": True}, {**trip, "lane": "booked"}
    assert response([trip, paper, ride]) == {"red": {"order": [1.0], "accept": [9.0], "at_scene": [30.0]}}


def test_the_stage_is_free_where_nobody_plays(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    home.create()
    assert stage_is_free(home)
