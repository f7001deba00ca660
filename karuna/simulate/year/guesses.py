"""What the year assumes of people, vehicles and clinics. None of it is measured; nothing is tuned to reach a goal.

From public sources come the mix, the hours and the weekdays of emergencies (``karuna.simulate.mix``: J EMS Med 2023;
2(2):45, 8,116,969 Thai calls of 2016 to 2020), the 1,918 people a year that the municipality of Kalasin says it served,
and 39 % of critical patients reached within 8 minutes in the country (ITEMS 2023). How crews answer, decline and sleep
is what the live days of ``karuna simulate`` assume (``karuna.simulate.pace``), so that both show the same people.
"""

from __future__ import annotations

from datetime import time, timedelta

PEOPLE_A_YEAR = 1918
"""Calls of new matters: emergencies, hazards, and people who ask for rides; a series of rides is one of them."""
DAYS_A_YEAR = 365

# Median seconds and spread (sigma of the logarithm).
TYPING = {"red": (30.0, 0.4), "others": (60.0, 0.5)}
"""The telephone is answered → the desk sends the call. A red call goes with a place and one red flag."""
SYSTEM_S = 1.0
"""Sent → the crew's telephone rings."""
BOOKED_ANSWER = (600.0, 1.0)
"""A crew that is asked about a ride of another hour looks when it can."""
DIALYSIS_VISIT = (4 * 3600.0, 0.08)
LEND = (120.0, 0.5)
"""One centre telephones another, which lends a unit."""
RINGS_AFTER, RINGS_AGAIN = timedelta(minutes=5), timedelta(minutes=45)
RINGS_S, COMES_WHEN_RUNG, COMES_S = (120.0, 0.5), 0.6, (1500.0, 0.3)
"""The desk rings a crew at home for somebody who waits at a clinic: the call, whether they come, and how soon."""
STAYS = timedelta(hours=2)
"""So long a crew that was rung at home stays for what it came for."""
ROAD_SPREAD = 0.15
"""Sigma of the logarithm by which a real drive differs from the expected one."""

DIALYSIS_PATIENTS = 12
"""Who rides thrice a week all year; what shares of a town's patients need that is not published."""
DIALYSIS_SLOTS = (time(8), time(13))
DIALYSIS_DAYS = ("MO,WE,FR", "TU,TH,SA")
CLINIC_HOURS = {8: 3, 9: 3, 10: 2, 11: 1, 13: 3, 14: 2, 15: 1}
"""Weight of the hour of an appointment, Monday to Friday."""
LEAD_DAYS = (1, 21)
SHORT_NOTICE = 0.1
"""Share of rides that are asked for on the day itself, two to six hours ahead."""
SHORT_H = (2.0, 6.0)
BACK = 0.8
"""Share of rides with a way home, as in the live days."""
CANCELLED = 0.04
CANCELLED_H = (1.0, 30.0)
"""Hours before the appointment at which a ride is cancelled."""
BREAKDOWNS_A_YEAR = 2.0
BREAKDOWN_D = (0.5, 3.0)

DAY_CREW, VAN_CREW = (8, 20), (6, 18)
"""Hours of the day crew: where a night crew relieves it, as in the demonstration's rosters, and where none does."""
NO_ANSWER_HERE = timedelta(hours=3)
"""Whoever waits longer for the way home than this counts as left behind."""
GIVES_UP = {"hazard": timedelta(hours=24), "emergency": timedelta(hours=6)}
"""A call that nobody could go to is closed with its reason after so long."""
