"""Attendance in Python: times with zones, durations, tables, and errors that name the argument."""

import dataclasses
import json
import os
import pickle
import subprocess
import sys
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest

import facekit
from facekit import _exchange, attendance
from facekit.attendance import Ledger, Policy, Punch, Sighting, columns
from facekit.errors import AttendanceError

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = """
[site]
time_zone = "Europe/Berlin"
[[shifts]]
name = "night"
start = "22:00"
end = "06:00"
overnight = true
late_after = "5m"
[work]
full_day = "6h"
half_day = "3h"
"""
DEEP = """
[[windows]]
name = "deep night"
from = "00:00"
to = "04:00"
"""


def punches(*times, person="anna"):
    return [Punch(str(at), person, time) for at, time in enumerate(times)]


def test_a_night_when_the_clocks_change():
    # On 29 March 2026 the clocks go from 2 to 3.
    policy = Policy.from_toml(NIGHT)
    came = datetime(2026, 3, 27, 22, 10, tzinfo=BERLIN)
    left = datetime(2026, 3, 28, 6, 0, tzinfo=BERLIN)
    ledger = policy.evaluate(
        "anna", punches(came, left), date(2026, 3, 27), date(2026, 3, 27), as_of=datetime(2026, 4, 2, tzinfo=BERLIN)
    )
    (day,) = ledger.days
    assert (day.date, day.status, day.is_final) == (date(2026, 3, 27), "PRESENT", True)
    assert (day.first, day.last) == (came, left) and day.first.tzinfo == BERLIN and day.first.hour == 22
    assert day.counted == timedelta(hours=7, minutes=50) == day.times.paid and day.late == timedelta(minutes=10)
    (shift,) = ledger.shifts
    assert shift.shift == "night" and shift.scheduled[1] == left and shift.opened == came
    assert [(outcome.outcome, outcome.direction) for outcome in ledger.outcomes] == [("assigned", "ENTRY"), ("assigned", "EXIT")]
    assert ledger.statistics.present == 1 and ledger.statistics.counted == day.counted
    sunday = policy.evaluate(
        "anna",
        punches(datetime(2026, 3, 28, 22, 0, tzinfo=BERLIN), datetime(2026, 3, 29, 6, 0, tzinfo=BERLIN)),
        date(2026, 3, 28), date(2026, 3, 28), as_of=datetime(2026, 4, 2, tzinfo=BERLIN),
    )
    assert sunday.days[0].times.elapsed == timedelta(hours=7)
    # As documented: Python subtracts local times.
    assert sunday.shifts[0].closed - sunday.shifts[0].opened == timedelta(hours=8)


def test_results_are_values():
    policy = Policy.from_toml(NIGHT)
    when = [datetime(2026, 3, 2, 21, 0, tzinfo=timezone.utc), datetime(2026, 3, 3, 5, 0, tzinfo=timezone.utc)]
    make = lambda policy: policy.evaluate(
        "anna", punches(*when), date(2026, 3, 2), date(2026, 3, 6), as_of=datetime(2026, 3, 9, tzinfo=timezone.utc)
    )
    ledger = make(policy)
    assert isinstance(ledger, Ledger) and make(policy) == ledger == pickle.loads(pickle.dumps(ledger))
    assert make(pickle.loads(pickle.dumps(policy))) == ledger
    assert make(Policy(policy.to_toml())) == ledger
    table = columns(ledger.days)
    assert {len(column) for column in table.values()} == {5}
    assert table["status"] == ["PRESENT", "ABSENT", "ABSENT", "ABSENT", "ABSENT"]
    assert table["worked"][0] == timedelta(hours=8) and table["overtime"][1] == timedelta(0)
    assert table["first"][0].tzinfo == BERLIN and table["first"][1] is None
    with pytest.raises(AttributeError):
        ledger.person = "bert"
    # The same columns, empty.
    assert columns([]) == {name: [] for name in ledger.days[0].to_dict()}


def test_holidays_members_and_corrections():
    ics = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20200501\r\n"
        "RRULE:FREQ=YEARLY\r\nSUMMARY:Labour Day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    leave = {"person": "anna", "leave": [{"from": "2026-05-04", "to": date(2026, 5, 4), "kind": "annual"}]}
    policy = Policy({"preset": "esp32cam-gateway"}, holidays=ics, members=[leave])
    at = lambda day, hour: datetime(2026, 5, day, hour, tzinfo=timezone.utc)
    correction = {
        "id": "c1", "made": at(6, 12), "by": "head", "reason": "forgot",
        "change": {"add": {"punch": {"id": "9", "person": "anna", "at": at(5, 17), "kind": "out", "source": "manual"}}},
    }
    ledger = policy.evaluate(
        "anna", punches(at(5, 8)), date(2026, 4, 30), date(2026, 5, 5), as_of=at(9, 0), corrections=[correction]
    )
    days = {day.date.day: day for day in ledger.days}
    assert 1 not in days or days[1].holiday == "Labour Day"
    assert days[4].status == "ON_LEAVE" and days[4].leave == "annual" and days[5].status == "PRESENT"
    assert policy.presence("anna", punches(at(5, 8)), at(5, 10)).inside_since == at(5, 8)
    assert policy.presence("anna", [], at(4, 12)).today == "ON_LEAVE"


def test_holidays_of_regions():
    ics = lambda day: (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:{day}\r\nSUMMARY:Day\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    policy = Policy(
        {"site": {"regions": ["bavaria", "hamburg"]}},
        holidays=ics("20260302"),
        regional_holidays={"bavaria": ics("20260303"), "hamburg": ics("20260304")},
        members=[{"person": "anna", "region": "bavaria"}, {"person": "bert"}],
    )
    now = datetime(2026, 3, 9, tzinfo=timezone.utc)
    for rules in (policy, pickle.loads(pickle.dumps(policy))):
        days = lambda person: [
            day.date.day for day in rules.evaluate(person, [], date(2026, 3, 2), date(2026, 3, 5), as_of=now).days
        ]
        assert days("anna") == [4, 5] and days("bert") == [3, 4, 5]
    with pytest.raises(AttendanceError, match='there is no region "bavria"; did you mean "bavaria"'):
        Policy({"site": {"regions": ["bavaria"]}}, regional_holidays={"bavria": ics("20260303")})
    with pytest.raises(TypeError, match="^regional_holidays: 'bavaria': 1 given"):
        Policy({"site": {"regions": ["bavaria"]}}, regional_holidays={"bavaria": 1})
    with pytest.raises(TypeError, match="^regional_holidays: list given"):
        Policy(regional_holidays=[ics("20260303")])


def test_dataclasses_have_all_keys_of_the_rules():
    """Each key of the rules' records has a field, or is read in another way."""
    ics = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20260305\r\nSUMMARY:Day\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    leave = {"person": "anna", "leave": [{"from": "2026-03-06", "to": "2026-03-06", "kind": "annual", "half": "morning"}]}
    policy = Policy.from_toml(NIGHT + DEEP, holidays=ics, members=[leave])
    # The last two are a minute and a half apart, so that the day has a note.
    when = [datetime(2026, 3, day, hour, minute, second, tzinfo=timezone.utc) for day, hour, minute, second in [
        (2, 21, 0, 0), (3, 5, 0, 0), (5, 21, 0, 0), (6, 5, 0, 0), (6, 21, 0, 0), (6, 21, 1, 30),
    ]]
    text = _exchange.text(punches(*when))
    answer, statistics = json.loads(
        policy._rules.evaluate("anna", text, "[]", "2026-03-02", "2026-03-06", "2026-03-09T00:00:00Z")
    )
    shift, *_ = answer["shifts"]
    keys = {key for day in answer["days"] for key in day}
    assert {"notes", "holiday", "leave", "half"} <= keys, "keys that not every day has"
    for kind, record in [
        (Ledger, answer),
        (attendance.Statistics, statistics),
        (attendance.ShiftRecord, shift),
        *((attendance.DayRecord, day) for day in answer["days"]),
        (attendance.Times, shift["times"]),
        (attendance.Overtime, answer["days"][0]["overtime"]),
    ]:
        fields = {field.name for field in dataclasses.fields(kind)}
        assert {key.removesuffix("_seconds") for key in record} <= fields


def test_notes_say_what_is_doubtful():
    came = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)
    when = came, came + timedelta(seconds=90)
    (day,) = Policy().evaluate("anna", punches(*when), date(2026, 3, 2), date(2026, 3, 2), as_of=came + timedelta(days=7)).days
    (note,) = day.notes
    assert (note.code, note.severity, note.data) == ("short_stay", "warning", {"seconds": 90}) and day.anomalies == 1
    assert columns([day])["notes"] == ["short_stay"]


def test_a_time_that_occurs_twice():
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=timezone.utc), datetime(2026, 10, 25, 1, 30, tzinfo=timezone.utc)
    left = Punch("2", "anna", second, also_possible=first)
    came = Punch("1", "anna", datetime(2026, 10, 24, 20, 0, tzinfo=timezone.utc))
    ledger = Policy.from_toml(NIGHT).evaluate(
        "anna", [came, left], date(2026, 10, 24), date(2026, 10, 24), as_of=datetime(2026, 11, 2, tzinfo=timezone.utc)
    )
    assert [note.code for note in ledger.days[0].notes] == ["ambiguous_time"]
    assert [[anomaly.code for anomaly in outcome.anomalies] for outcome in ledger.outcomes] == [[], ["ambiguous_time"]]


def test_windows():
    policy = Policy.from_toml(NIGHT + DEEP)
    came, left = datetime(2026, 3, 2, 22, 0, tzinfo=BERLIN), datetime(2026, 3, 3, 6, 0, tzinfo=BERLIN)
    ledger = policy.evaluate(
        "anna", punches(came, left), date(2026, 3, 2), date(2026, 3, 2), as_of=datetime(2026, 3, 9, tzinfo=BERLIN)
    )
    assert ledger.days[0].windows == {"deep night": timedelta(hours=4)}
    assert columns(ledger.days)["window_deep night"] == [timedelta(hours=4)]


def test_errors_name_the_argument():
    with pytest.raises(AttendanceError, match="site.time_zone"):
        Policy({"site": {"time_zone": "Mars/Olympus"}})
    with pytest.raises(AttendanceError, match="calendar"):
        Policy(holidays="no calendar")
    with pytest.raises(ValueError, match=r"^members\[0\]: unknown field `nmae`"):
        Policy(members=[{"person": "anna", "nmae": 1}])
    policy = Policy()
    now = datetime(2026, 3, 2, tzinfo=timezone.utc)
    with pytest.raises(ValueError, match="has no time zone"):
        policy.evaluate("anna", punches(datetime(2026, 3, 2)), date(2026, 3, 2), date(2026, 3, 2), as_of=now)
    with pytest.raises(AttendanceError, match="period"):
        policy.evaluate("anna", [], date(2026, 3, 2), date(2026, 3, 1), as_of=now)
    with pytest.raises(AttendanceError, match="bert"):
        policy.evaluate("anna", punches(now, person="bert"), date(2026, 3, 2), date(2026, 3, 2), as_of=now)
    with pytest.raises(facekit.errors.InvalidPersonIdError):
        policy.evaluate("", [], date(2026, 3, 2), date(2026, 3, 2), as_of=now)
    with pytest.raises(TypeError, match=r"past\[0\]: object given, Mark needed"):
        policy.decide([object()], Sighting("anna", now))


NOW = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
DAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"first": "2026-03-02"}, TypeError, "first: '2026-03-02' given, a datetime.date needed"),
        ({"last": None}, TypeError, "last: None given"),
        # The date of a datetime depends on the zone.
        ({"first": NOW}, TypeError, "first: the datetime 2026-03-02T09:00:00+00:00 given, a date needed"),
        ({"as_of": "2026-03-02"}, TypeError, "as_of: '2026-03-02' given, a datetime.datetime needed"),
        ({"as_of": datetime(2026, 3, 2)}, ValueError, "as_of: 2026-03-02T00:00:00 has no time zone"),
        ({"punches": [Punch("1", "anna", NOW), {"id": "2"}]}, TypeError, "punches[1]: dict given, Punch needed"),
        ({"punches": [Punch("1", "anna", "now")]}, TypeError, "punches[0]: at: 'now' given, a datetime.datetime needed"),
        ({"punches": [Punch(1, "anna", NOW)]}, TypeError, "punches[0]: id: 1 given, a str needed"),
        ({"punches": [Punch("1", "anna", NOW, score="x")]}, TypeError, "punches[0]: score: 'x' given, a number needed"),
        ({"punches": [Punch("1", "anna", NOW, score=float("nan"))]}, ValueError, "punches[0]: score: nan given"),
        (
            {"punches": [Punch("1", "anna", NOW), Punch("2", "anna", NOW), Punch("3", "anna", NOW, kind="inn")]},
            ValueError,
            "punches[2]: unknown variant `inn`, expected one of `in`, `out`, `undetermined`",
        ),
        ({"corrections": [{"id": "c1"}]}, ValueError, "corrections[0]: missing field `made`"),
        ({"corrections": {"id": "c1"}}, TypeError, "corrections[0]: str given, Mapping needed"),
    ],
    ids=str,
)
def test_invalid_arguments_of_evaluate(arguments, error, words):
    with pytest.raises(error) as raised:
        Policy().evaluate("anna", **{"punches": [], "first": DAY, "last": DAY, **arguments})
    assert str(raised.value).startswith(words) and "column" not in str(raised.value)


@pytest.mark.parametrize("kind", [float, np.float32, np.float64, np.float16])
def test_scores_of_every_number_type(kind):
    punch = Punch("1", "anna", NOW, score=kind(0.5), liveness=kind(1))
    (outcome,) = Policy().evaluate("anna", [punch], DAY, DAY, as_of=NOW).outcomes
    assert outcome.outcome == "assigned"
    assert Policy().decide([], Sighting("anna", NOW, score=kind(0.5))).verdict == "ACCEPTED"


def test_years_of_holidays():
    ics = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20200302\r\n"
        "RRULE:FREQ=YEARLY\r\nSUMMARY:Day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    for years in [(2026, 2026), [2026, 2027], np.array([2025, 2026])]:
        policy = Policy(holidays=ics, holidays_between=years)
        assert [day.holiday for day in policy.evaluate("anna", punches(NOW), DAY, DAY, as_of=NOW).days] == ["Day"]
    for years in [(2026, 2020), (20260, 202600), (-5, 2026)]:
        with pytest.raises(ValueError, match=f"^holidays_between: {years[0]} to {years[1]} given"):
            Policy(holidays=ics, holidays_between=years)
    for years in [2026, (2026,), ("2026", "2027"), (2026, 2027, 2028), None]:
        with pytest.raises(TypeError, match="^holidays_between: .* two years needed"):
            Policy(holidays=ics, holidays_between=years)


@pytest.mark.parametrize("name", ["europe/berlin", "EUROPE/BERLIN", "Europe/Berlin"])
def test_zones_in_upper_and_lower_case(name):
    policy = Policy({"site": {"time_zone": name}})
    ledger = policy.evaluate("anna", punches(NOW), DAY, DAY, as_of=NOW)
    assert policy.zone == BERLIN and policy.time_zone == name and ledger.days[0].first.tzinfo is BERLIN


def test_a_system_without_zones(tmp_path):
    """For example a slim container without the package tzdata."""
    program = """
import sys
sys.modules["tzdata"] = None
from facekit.attendance import Policy
from facekit.errors import AttendanceError
from datetime import timezone
assert Policy().zone is timezone.utc
try:
    Policy({"site": {"time_zone": "Europe/Berlin"}})
except AttendanceError as error:
    print(error)
"""
    environment = {**os.environ, "PYTHONTZPATH": ""}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("policy, site.time_zone: Python has no data for Europe/Berlin") and "tzdata" in done.stdout
