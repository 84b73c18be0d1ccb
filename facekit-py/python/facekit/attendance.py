"""Attendance: what sightings of people mean, and what their days were.

A `Policy` has two moments of truth. At the door, `decide` says at once what a sighting counts as. Afterwards, `evaluate` makes shifts
and days of punches, as often as one likes: late punches and corrections make another result, and nothing is edited in place.

The rules read nothing but arguments, and bring their own time-zone database. Times are zone-aware datetimes; what comes back is in
the site's zone, as `zoneinfo` has it, for which the package tzdata is installed where the system has no data.

>>> from datetime import date, datetime, timezone
>>> from facekit.attendance import Policy, Punch
>>> policy = Policy.from_toml('''
... [site]
... time_zone = "Europe/Berlin"
... [work]
... full_day = "6h"
... half_day = "3h"
... ''')
>>> utc = timezone.utc
>>> punches = [
...     Punch("1", "anna", datetime(2026, 3, 2, 8, 0, tzinfo=utc)),
...     Punch("2", "anna", datetime(2026, 3, 2, 16, 30, tzinfo=utc)),
... ]
>>> ledger = policy.evaluate("anna", punches, date(2026, 3, 2), date(2026, 3, 6), as_of=datetime(2026, 3, 9, tzinfo=utc))
>>> day = ledger.days[0]
>>> day.status, day.first.isoformat(), str(day.counted)
('PRESENT', '2026-03-02T09:00:00+01:00', '8:30:00')
>>> [day.status for day in ledger.days]
['PRESENT', 'ABSENT', 'ABSENT', 'ABSENT', 'ABSENT']
>>> from facekit.attendance import columns
>>> columns(ledger.days)["date"][:2]                                     # pandas.DataFrame(columns(...)), polars.DataFrame(...)
[datetime.date(2026, 3, 2), datetime.date(2026, 3, 3)]
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any, Optional, Union

from facekit import _exchange
from facekit._facekit import Recognition, _Rules

__all__ = [
    "Anomaly",
    "DayRecord",
    "Decision",
    "Ledger",
    "Mark",
    "Overtime",
    "Policy",
    "Presence",
    "Punch",
    "PunchOutcome",
    "ShiftRecord",
    "Sighting",
    "Statistics",
    "Times",
    "columns",
]


@dataclass(frozen=True)
class Anomaly:
    """Something unusual about a sighting or a punch."""

    code: str
    """A stable code, such as `rest_day`."""
    message: str
    """What is unusual, for people."""
    severity: str = "warning"
    """`info`, `warning` or `critical`."""
    data: Mapping[str, Union[int, str]] = field(default_factory=dict)
    """What the message says, for programs; units stand in the names."""


@dataclass(frozen=True)
class Sighting:
    """A known person was seen."""

    person: str
    at: datetime
    """When, with a time zone."""
    device: Optional[str] = None
    """Which camera or terminal saw the person."""
    score: Optional[float] = None
    """The similarity to the person's template, greater is closer."""
    liveness: Optional[float] = None
    """How live the face was, 0 to 1; None where nothing checked it."""

    @classmethod
    def of(cls, face: Recognition, at: datetime, device: Optional[str] = None) -> Optional[Sighting]:
        """What recognition saw; None for a face that nobody knows.

        >>> import facekit
        >>> from datetime import datetime, timezone
        >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
        >>> report = recognizer.enroll("anna", "anna.jpg")
        >>> now = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
        >>> [facekit.attendance.Sighting.of(face, now, "door").person for face in recognizer.recognize("door.jpg")]
        ['anna']
        """
        if face.identity is None:
            return None
        return cls(face.identity.person, at, device, face.identity.score, face.liveness)


@dataclass(frozen=True)
class Punch:
    """A person was somewhere, at some time: a sighting in the records."""

    id: str
    """Its name, unique among the person's punches."""
    person: str
    at: datetime
    """When, with a time zone. A fraction of a second is dropped."""
    device: Optional[str] = None
    kind: str = "undetermined"
    """`in`, `out`, or `undetermined`, where the policy finds out."""
    source: str = "face"
    """`face`, `manual`, `code` or `import`."""
    score: Optional[float] = None
    liveness: Optional[float] = None

    @classmethod
    def of(cls, id: str, sighting: Sighting) -> Punch:
        """A sighting under the name that your records give it.

        >>> from datetime import datetime, timezone
        >>> from facekit.attendance import Punch, Sighting
        >>> Punch.of("1", Sighting("anna", datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc))).person
        'anna'
        """
        return cls(id, sighting.person, sighting.at, sighting.device, score=sighting.score, liveness=sighting.liveness)


@dataclass(frozen=True)
class Mark:
    """A sighting that was accepted: what later decisions about the person rest on."""

    at: datetime
    direction: str
    """`ENTRY` or `EXIT`."""
    device: Optional[str] = None
    liveness: Optional[float] = None
    opened: Optional[datetime] = None
    """When the stay that it belongs to began."""


@dataclass(frozen=True)
class Decision:
    """What a policy makes of one sighting."""

    verdict: str
    """`ACCEPTED`, `DUPLICATE` or `REFUSED`."""
    direction: Optional[str] = None
    """Of an accepted one, `ENTRY` or `EXIT`."""
    seconds_left: Optional[int] = None
    """Of a duplicate, how long until a sighting counts again."""
    code: Optional[str] = None
    """Of a refused one, a stable code, such as `out_of_hours`."""
    reason: Optional[str] = None
    """Of a refused one, the reason for people."""
    anomalies: tuple[Anomaly, ...] = ()
    opened: Optional[datetime] = None
    """When the stay or shift that it belongs to began."""
    mark: Optional[Mark] = None
    """What to keep of an accepted one, for decisions to come."""


@dataclass(frozen=True)
class Times:
    """The parts of a shift or a day. Before rounding, they add up to what elapsed."""

    elapsed: timedelta
    worked: timedelta
    paid_break: timedelta
    unpaid_break: timedelta
    uncounted: timedelta

    @property
    def paid(self) -> timedelta:
        """Worked and paid."""
        return self.worked + self.paid_break


@dataclass(frozen=True)
class Overtime:
    """Overtime by why it is. No second is in two of them."""

    holiday: timedelta
    rest_day: timedelta
    daily: timedelta
    weekly: timedelta
    over_limit: timedelta
    """Of all that, what is over the most that counts of a day."""

    @property
    def counted(self) -> timedelta:
        """What counts: all kinds, without what is over the limit."""
        return self.holiday + self.rest_day + self.daily + self.weekly - self.over_limit


@dataclass(frozen=True)
class PunchOutcome:
    """What became of one punch."""

    punch: str
    at: datetime
    outcome: str
    """`assigned`, `suppressed`, `superseded` or `unassigned`."""
    shift: Optional[int] = None
    """The place of an assigned one's shift in `Ledger.shifts`."""
    direction: Optional[str] = None
    seconds_left: Optional[int] = None
    correction: Optional[str] = None
    code: Optional[str] = None
    reason: Optional[str] = None
    anomalies: tuple[Anomaly, ...] = ()


@dataclass(frozen=True)
class ShiftRecord:
    """A shift that was worked.

    Over a change of the clocks, `times.elapsed` is what passed. `closed - opened` is not: Python subtracts datetimes of one zone as
    clocks on the wall show them.
    """

    shift: Optional[str]
    """The scheduled shift; None where punches made one of their own."""
    day: date
    opened: datetime
    closed: datetime
    scheduled: Optional[tuple[datetime, datetime]]
    open: bool
    """Nobody left, and no automatic OUT was set."""
    automatic_out: Optional[datetime]
    refused: bool
    """Nothing counts until somebody corrects the missing OUT."""
    times: Times
    late: timedelta
    left_early: timedelta
    is_final: bool


@dataclass(frozen=True)
class DayRecord:
    """A person's day."""

    person: str
    date: date
    status: str
    """`PRESENT`, `HALF_DAY`, `ABSENT`, `ON_LEAVE`, `INCOMPLETE` or `FREE`."""
    is_final: bool
    """Nothing can come that changes it, but corrections and punches that arrive late."""
    first: Optional[datetime]
    last: Optional[datetime]
    shifts: int
    times: Times
    counted: timedelta
    """What counts: worked and paid, rounded as the policy says."""
    expected: timedelta
    balance: timedelta
    late: timedelta
    left_early: timedelta
    overtime: Overtime
    windows: Mapping[str, timedelta]
    """What was worked within each of the policy's windows, where it is not nothing."""
    open: bool
    automatic: bool
    obliged: bool
    """The member was expected, and not on leave."""
    due: float
    """The part of the day on which work was due: 0, 0.5 or 1."""
    on_leave: float
    """The part of the day on leave: 0, 0.5 or 1. Leave by the hour is only in `leave_time`."""
    leave_time: timedelta
    """The expected time that was free by leave."""
    anomalies: int
    holiday: Optional[str] = None
    leave: Optional[str] = None
    half: Optional[str] = None
    window_overtime: Mapping[str, timedelta] = dataclasses.field(default_factory=dict)
    """The overtime that counts within each of the policy's windows with work."""

    def to_dict(self) -> dict[str, Any]:
        """The day flat, by name: a row of a table.

        >>> from datetime import date, datetime, timezone
        >>> from facekit.attendance import Policy
        >>> now = datetime(2026, 3, 9, tzinfo=timezone.utc)
        >>> (day,) = Policy().evaluate("anna", [], date(2026, 3, 2), date(2026, 3, 2), as_of=now).days
        >>> day.to_dict()["status"], day.to_dict()["overtime"]
        ('ABSENT', datetime.timedelta(0))
        """
        row = {name.name: getattr(self, name.name) for name in dataclasses.fields(self)}
        windows, times, overtime = row.pop("windows"), row.pop("times"), row.pop("overtime")
        window_overtime = row.pop("window_overtime")
        row.update({name.name: getattr(times, name.name) for name in dataclasses.fields(times)})
        row["overtime"] = overtime.counted
        row.update({f"window_{name}": length for name, length in windows.items()})
        row.update({f"window_overtime_{name}": length for name, length in window_overtime.items()})
        return row


@dataclass(frozen=True)
class Statistics:
    """Sums over days. Numbers of days have halves: half a day of leave counts 0.5."""

    due: float
    """Days on which somebody was expected. The attendance rate refers to them."""
    attended: float
    """The part of the due days that was attended."""
    present: float
    half_days: float
    absent: float
    on_leave: float
    incomplete: float
    late: int
    left_early: int
    automatic: int
    counted: timedelta
    expected: timedelta
    balance: timedelta
    overtime: timedelta
    leave_time: timedelta
    """The expected time that was free by leave."""


@dataclass(frozen=True)
class Ledger:
    """What became of the punches of one person."""

    person: str
    outcomes: tuple[PunchOutcome, ...]
    """Each punch, in order of time; first those that count, then those that are superseded."""
    shifts: tuple[ShiftRecord, ...]
    days: tuple[DayRecord, ...]
    """The days on which somebody came or should have come."""
    statistics: Statistics


@dataclass(frozen=True)
class Presence:
    """Where a person is, at an instant."""

    person: str
    at: datetime
    inside_since: Optional[datetime]
    """Since when the person is inside; None for whoever is not."""
    today: str
    """`PRESENT`, `EXPECTED`, `ABSENT`, `ON_LEAVE`, `FREE` or `NOT_EMPLOYED`."""


class Policy:
    """What a site wants, made ready: the rules, the holidays and the members.

    `holidays` is the text of an ICS file, of which the years `holidays_between` are read, both included. `members` are dicts of what
    differs for somebody, with the keys of attendance-rules: `{"person": "anna", "joined": "2026-03-01", "leave": [{"from":
    "2026-03-09", "to": "2026-03-13", "kind": "annual"}]}`.

    Raises AttendanceError that names the key at fault.

    >>> from facekit.attendance import Policy
    >>> Policy.from_toml('[scans]\\ncooldwn = "60s"')
    Traceback (most recent call last):
    facekit.errors.AttendanceError: policy, scans.cooldwn: no such key; did you mean "cooldown"?
    """

    def __init__(
        self,
        policy: Union[str, Mapping[str, Any]] = "",
        *,
        holidays: Optional[str] = None,
        holidays_between: Sequence[int] = (2000, 2100),
        members: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        form = "toml" if isinstance(policy, str) else "json"
        text = policy if isinstance(policy, str) else _exchange.text(policy)
        years = _exchange.years("holidays_between", holidays_between)
        listed = _exchange.texts("members", members, Mapping)
        self._given = (text, form, holidays, years, _exchange.joined(listed))
        with _exchange.located(members=listed):
            self._rules = _Rules(*self._given)
        self.zone: tzinfo = _exchange.zone(self._rules.time_zone)

    @classmethod
    def from_toml(cls, text: str, **options: Any) -> Policy:
        """A policy from TOML, with the options of `Policy`.

        >>> from facekit.attendance import Policy
        >>> Policy.from_toml('[site]\\ntime_zone = "Europe/Berlin"')
        <Policy in Europe/Berlin>
        """
        return cls(text, **options)

    @classmethod
    def from_file(cls, path: Union[str, os.PathLike[str]], **options: Any) -> Policy:
        """A policy from a TOML file, with the options of `Policy`.

        >>> import pathlib, tempfile
        >>> from facekit.attendance import Policy
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "policy.toml"
        >>> _ = file.write_text('preset = "esp32cam-gateway"')
        >>> Policy.from_file(file)
        <Policy in UTC>
        """
        return cls(Path(path).read_text(encoding="utf-8"), **options)

    @property
    def time_zone(self) -> str:
        """The site's zone, an IANA name as the policy writes it."""
        return self._rules.time_zone

    def to_toml(self) -> str:
        """The policy in full, as TOML that reads the same.

        >>> from facekit.attendance import Policy
        >>> Policy(Policy().to_toml()).to_toml() == Policy().to_toml()
        True
        """
        return self._rules.to_toml()

    def decide(self, past: Sequence[Mark], sighting: Sighting) -> Decision:
        """What a sighting counts as, at once. `past` are the person's marks so far, in order of time; those of the last days
        suffice. Keep the decision's `mark`.

        >>> from datetime import datetime, timedelta, timezone
        >>> from facekit.attendance import Policy, Sighting
        >>> policy, past = Policy(), []
        >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
        >>> for minutes in (0, 0.5, 480):
        ...     decision = policy.decide(past, Sighting("anna", at + timedelta(minutes=minutes)))
        ...     past += [decision.mark] if decision.mark else []
        ...     print(decision.verdict, decision.direction, decision.seconds_left)
        ACCEPTED ENTRY None
        DUPLICATE None 30
        ACCEPTED EXIT None
        """
        marks = _exchange.texts("past", past, Mark)
        seen = _exchange.checked("sighting", sighting, Sighting)
        with _exchange.located(past=marks):
            told, mark = json.loads(self._rules.decide(_exchange.joined(marks), seen))
        verdict = told.pop("verdict")
        decision: Decision = self._read(Decision, {**told, **verdict})
        return dataclasses.replace(decision, mark=self._read(Mark, mark) if mark else None)

    def evaluate(
        self,
        person: str,
        punches: Iterable[Punch],
        first: date,
        last: date,
        *,
        as_of: Optional[datetime] = None,
        corrections: Iterable[Mapping[str, Any]] = (),
    ) -> Ledger:
        """What a person's punches were from the day `first` to the day `last`, both included.

        Punches may come in any order; those later than `as_of`, which is now unless it is given, do not count. Give those of the
        week before `first`, too, so that nights and weeks at the ends are right. `corrections` are dicts with the keys of
        attendance-rules: `id`, `made`, `by`, `reason` and `change`, such as `{"void": {"punch": "1"}}`.

        Raises AttendanceError for records that contradict each other, ValueError for a datetime without a time zone, and TypeError for
        a datetime in the place of a date.

        >>> from datetime import date, datetime, timezone
        >>> from facekit.attendance import Policy, Punch
        >>> at = [datetime(2026, 3, 2, hour, 0, tzinfo=timezone.utc) for hour in (8, 17)]
        >>> punches = [Punch(str(number), "anna", time) for number, time in enumerate(at)]
        >>> ledger = Policy().evaluate("anna", punches, date(2026, 3, 2), date(2026, 3, 2), as_of=at[1])
        >>> [(shift.opened.hour, shift.closed.hour, str(shift.times.worked)) for shift in ledger.shifts]
        [(8, 17, '9:00:00')]
        """
        until = _exchange.instant("as_of", datetime.now(timezone.utc) if as_of is None else as_of)
        days = _exchange.day("first", first), _exchange.day("last", last)
        made = _exchange.texts("punches", punches, Punch)
        changes = _exchange.texts("corrections", corrections, Mapping)
        with _exchange.located(punches=made, corrections=changes):
            answer = self._rules.evaluate(person, _exchange.joined(made), _exchange.joined(changes), *days, until)
        told, statistics = json.loads(answer)
        return Ledger(
            told["person"],
            tuple(self._read(PunchOutcome, {**outcome, **outcome["outcome"]}) for outcome in told["outcomes"]),
            tuple(self._read(ShiftRecord, shift) for shift in told["shifts"]),
            tuple(self._read(DayRecord, day) for day in told["days"]),
            self._read(Statistics, statistics),
        )

    def presence(
        self,
        person: str,
        punches: Iterable[Punch],
        at: Optional[datetime] = None,
        *,
        corrections: Iterable[Mapping[str, Any]] = (),
    ) -> Presence:
        """Where a person is at an instant, now unless it is given, by the punches until then. Those of the last three days
        suffice.

        >>> from datetime import datetime, timezone
        >>> from facekit.attendance import Policy, Punch
        >>> came = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
        >>> Policy().presence("anna", [Punch("1", "anna", came)], at=came.replace(hour=9)).inside_since == came
        True
        """
        instant = _exchange.instant("at", datetime.now(timezone.utc) if at is None else at)
        made = _exchange.texts("punches", punches, Punch)
        changes = _exchange.texts("corrections", corrections, Mapping)
        with _exchange.located(punches=made, corrections=changes):
            told = self._rules.presence(person, _exchange.joined(made), _exchange.joined(changes), instant)
        presence: Presence = self._read(Presence, json.loads(told))
        return presence

    def __reduce__(self) -> tuple[Any, ...]:
        return (_policy, self._given)

    def __repr__(self) -> str:
        return f"<Policy in {self.time_zone}>"

    def _read(self, kind: Any, told: dict[str, Any]) -> Any:
        names = {name.name for name in dataclasses.fields(kind)}
        fields = {}
        for name, value in told.items():
            length = name[: -len(_SECONDS)] if name.endswith(_SECONDS) else None
            if length in names:
                fields[length] = timedelta(seconds=value)
            elif name in names:
                fields[name] = self._value(kind, name, value)
            if name == "windows":
                fields["window_overtime"] = {
                    window["name"]: timedelta(seconds=window["overtime_seconds"]) for window in value
                }
        return kind(**fields)

    def _value(self, kind: Any, name: str, value: Any) -> Any:
        if value is None:
            return value
        if name in _TIMES:
            return _time(value, self.zone)
        if name in ("date", "day"):
            return date.fromisoformat(value)
        if name == "scheduled":
            return tuple(_time(time, self.zone) for time in value)
        if name == "times":
            return self._read(Times, value)
        if name == "overtime" and kind is DayRecord:
            return self._read(Overtime, value)
        if name == "windows":
            return {window["name"]: timedelta(seconds=window["worked_seconds"]) for window in value}
        if name == "anomalies" and isinstance(value, list):
            return tuple(Anomaly(**anomaly) for anomaly in value)
        return value


def columns(days: Iterable[DayRecord]) -> dict[str, list[Any]]:
    """Days as a table: a list for each column, as `pandas.DataFrame` and `polars.DataFrame` take them. No days are the same columns,
    empty, but those of windows.

    >>> from datetime import date, datetime, timezone
    >>> from facekit.attendance import Policy, columns
    >>> now = datetime(2026, 3, 9, tzinfo=timezone.utc)
    >>> ledger = Policy().evaluate("anna", [], date(2026, 3, 2), date(2026, 3, 3), as_of=now)
    >>> columns(ledger.days)["status"]
    ['ABSENT', 'ABSENT']
    """
    rows = [day.to_dict() for day in days]
    names = dict.fromkeys([*_COLUMNS, *(name for row in rows for name in row)])
    return {name: [row.get(name) for row in rows] for name in names}


# What every day has; a window has a column where somebody worked in it.
_COLUMNS = [
    *(name.name for name in dataclasses.fields(DayRecord) if name.name not in ("windows", "window_overtime", "times", "overtime")),
    *(name.name for name in dataclasses.fields(Times)),
    "overtime",
]
_TIMES = {"at", "opened", "closed", "automatic_out", "first", "last", "inside_since"}
# What the rules append to the name of a length of time.
_SECONDS = "_seconds"


def _policy(
    text: str, form: str, holidays: Optional[str], holidays_between: tuple[int, int], members: str
) -> Policy:
    return Policy(
        text if form == "toml" else json.loads(text),
        holidays=holidays,
        holidays_between=holidays_between,
        members=json.loads(members),
    )


def _time(text: str, zone: tzinfo) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(zone)
