"""Attendance through Python: zone-aware times, durations and tables, with the rules' own answers."""

import dataclasses
import json
import pickle
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

import facekit
from facekit import attendance
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
    assert columns([]) == {}


def test_holidays_members_and_corrections():
    ics = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20200501\r\n"
        "RRULE:FREQ=YEARLY\r\nSUMMARY:Labour Day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    leave = {"person": "anna", "leave": [{"from": "2026-05-04", "to": date(2026, 5, 4), "kind": "annual"}]}
    policy = Policy({"preset": "s3"}, holidays=ics, members=[leave])
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


def test_nothing_that_the_rules_say_is_lost():
    """Each key of the rules' own records has a field, or is one that is read in another way."""
    policy = Policy.from_toml(NIGHT)
    when = [datetime(2026, 3, 2, 21, 0, tzinfo=timezone.utc), datetime(2026, 3, 3, 5, 0, tzinfo=timezone.utc)]
    text = attendance._text(punches(*when))
    told, statistics = json.loads(
        policy._rules.evaluate("anna", text, "[]", "2026-03-02", "2026-03-06", "2026-03-09T00:00:00Z")
    )
    (shift,) = told["shifts"]
    for kind, record in [
        (Ledger, told),
        (attendance.Statistics, statistics),
        (attendance.ShiftRecord, shift),
        *((attendance.DayRecord, day) for day in told["days"]),
        (attendance.Times, shift["times"]),
        (attendance.Overtime, told["days"][0]["overtime"]),
    ]:
        fields = {field.name for field in dataclasses.fields(kind)}
        assert {key.removesuffix("_seconds") for key in record} <= fields


def test_windows():
    policy = Policy.from_toml(NIGHT + DEEP)
    came, left = datetime(2026, 3, 2, 22, 0, tzinfo=BERLIN), datetime(2026, 3, 3, 6, 0, tzinfo=BERLIN)
    ledger = policy.evaluate(
        "anna", punches(came, left), date(2026, 3, 2), date(2026, 3, 2), as_of=datetime(2026, 3, 9, tzinfo=BERLIN)
    )
    assert ledger.days[0].windows == {"deep night": timedelta(hours=4)}
    assert columns(ledger.days)["window_deep night"] == [timedelta(hours=4)]


def test_what_is_wrong_is_named():
    with pytest.raises(AttendanceError, match="site.time_zone"):
        Policy({"site": {"time_zone": "Mars/Olympus"}})
    with pytest.raises(AttendanceError, match="calendar"):
        Policy(holidays="no calendar")
    with pytest.raises(ValueError, match="members: unknown field `nmae`"):
        Policy(members=[{"person": "anna", "nmae": 1}])
    policy = Policy()
    now = datetime(2026, 3, 2, tzinfo=timezone.utc)
    with pytest.raises(ValueError, match="without a time zone"):
        policy.evaluate("anna", punches(datetime(2026, 3, 2)), date(2026, 3, 2), date(2026, 3, 2), as_of=now)
    with pytest.raises(AttendanceError, match="period"):
        policy.evaluate("anna", [], date(2026, 3, 2), date(2026, 3, 1), as_of=now)
    with pytest.raises(AttendanceError, match="bert"):
        policy.evaluate("anna", punches(now, person="bert"), date(2026, 3, 2), date(2026, 3, 2), as_of=now)
    with pytest.raises(facekit.errors.InvalidPersonIdError):
        policy.evaluate("", [], date(2026, 3, 2), date(2026, 3, 2), as_of=now)
    with pytest.raises(TypeError, match="object given"):
        policy.decide([object()], Sighting("anna", now))
