"""Attendance: policies that decide about sightings and make day records.

`sightings` makes sightings from the faces of a frame. `Policy.decide` decides about one sighting at once. `Policy.evaluate` makes
shifts and days from punches. It can be repeated: late punches and corrections give a new result, and nothing is edited in place.

The rules read only their arguments, and have their own time-zone database. Times are datetimes with a time zone. Results have the
site's zone as a `zoneinfo` zone. If the system has no time zones, they come from the package tzdata.

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
from facekit._facekit import Recognition, _Rules, _sightings

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
    "sightings",
]


@dataclass(frozen=True)
class Anomaly:
    """An unusual property of a sighting or a punch."""

    code: str
    """A stable code, such as `rest_day`."""
    message: str
    """The text for people."""
    severity: str = "warning"
    """`info`, `warning` or `critical`."""
    data: Mapping[str, Union[int, str]] = field(default_factory=dict)
    """The values in the message, for programs. The names have the units."""


@dataclass(frozen=True)
class Sighting:
    """A known person, seen at a time."""

    person: str
    at: datetime
    """The time, with a time zone."""
    device: Optional[str] = None
    """The camera or terminal."""
    score: Optional[float] = None
    """The cosine to the person's template, -1 to 1. Greater is closer."""
    liveness: Optional[float] = None
    """The liveness of the face, 0 to 1. None without a liveness check."""


@dataclass(frozen=True)
class Punch:
    """A stored sighting, or a record from another source."""

    id: str
    """The id, unique among the person's punches."""
    person: str
    at: datetime
    """The time, with a time zone. A fraction of a second is dropped."""
    device: Optional[str] = None
    kind: str = "undetermined"
    """`in`, `out`, or `undetermined`; then the policy determines it."""
    source: str = "face"
    """`face`, `manual`, `code` or `import`."""
    score: Optional[float] = None
    liveness: Optional[float] = None
    also_possible: Optional[datetime] = None
    """The other time that the local time of the record can mean. Local times occur twice when clocks go back. The punch has the
    anomaly `ambiguous_time`."""

    @classmethod
    def of(cls, id: str, sighting: Sighting) -> Punch:
        """A punch with this id from a sighting.

        >>> from datetime import datetime, timezone
        >>> from facekit.attendance import Punch, Sighting
        >>> Punch.of("1", Sighting("anna", datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc))).person
        'anna'
        """
        return cls(id, sighting.person, sighting.at, sighting.device, score=sighting.score, liveness=sighting.liveness)


@dataclass(frozen=True)
class Mark:
    """An accepted sighting. Later decisions about the person depend on it."""

    at: datetime
    direction: str
    """`ENTRY` or `EXIT`."""
    device: Optional[str] = None
    liveness: Optional[float] = None
    opened: Optional[datetime] = None
    """The start of its stay."""


@dataclass(frozen=True)
class Decision:
    """The decision of a policy about one sighting."""

    verdict: str
    """`ACCEPTED`, `DUPLICATE` or `REFUSED`."""
    direction: Optional[str] = None
    """`ENTRY` or `EXIT`, if the sighting is accepted."""
    seconds_left: Optional[int] = None
    """The seconds until a sighting counts again, if this one is a duplicate."""
    code: Optional[str] = None
    """A stable code, such as `out_of_hours`, if the sighting is refused."""
    reason: Optional[str] = None
    """The reason for people, if the sighting is refused."""
    anomalies: tuple[Anomaly, ...] = ()
    opened: Optional[datetime] = None
    """The start of its stay or shift."""
    mark: Optional[Mark] = None
    """The mark to keep for later decisions, if the sighting is accepted."""


@dataclass(frozen=True)
class Times:
    """The parts of a shift or a day. Before rounding, their sum is `elapsed`."""

    elapsed: timedelta
    worked: timedelta
    paid_break: timedelta
    unpaid_break: timedelta
    uncounted: timedelta

    @property
    def paid(self) -> timedelta:
        """Work and paid breaks."""
        return self.worked + self.paid_break


@dataclass(frozen=True)
class Overtime:
    """Overtime by its reason. No second counts for two reasons."""

    holiday: timedelta
    rest_day: timedelta
    daily: timedelta
    weekly: timedelta
    over_limit: timedelta
    """The part of this overtime that is over the daily limit."""

    @property
    def counted(self) -> timedelta:
        """The overtime that counts: all reasons, without the part over the limit."""
        return self.holiday + self.rest_day + self.daily + self.weekly - self.over_limit


@dataclass(frozen=True)
class PunchOutcome:
    """The result of one punch."""

    punch: str
    at: datetime
    outcome: str
    """`assigned`, `suppressed`, `superseded` or `unassigned`."""
    shift: Optional[int] = None
    """The index of its shift in `Ledger.shifts`, if it is assigned."""
    direction: Optional[str] = None
    seconds_left: Optional[int] = None
    correction: Optional[str] = None
    code: Optional[str] = None
    reason: Optional[str] = None
    anomalies: tuple[Anomaly, ...] = ()


@dataclass(frozen=True)
class ShiftRecord:
    """A shift that a person worked.

    If the clocks change during the shift, `times.elapsed` is the elapsed time. `closed - opened` is not, because Python subtracts
    datetimes of the same zone as local times.
    """

    shift: Optional[str]
    """The name of the scheduled shift. None for a shift without a schedule."""
    day: date
    opened: datetime
    closed: datetime
    scheduled: Optional[tuple[datetime, datetime]]
    open: bool
    """An entry or an exit is missing, and there is no automatic exit."""
    automatic_out: Optional[datetime]
    refused: bool
    """The shift does not count until a correction adds the missing exit."""
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
    """Only corrections and late punches can still change the day."""
    first: Optional[datetime]
    last: Optional[datetime]
    shifts: int
    times: Times
    counted: timedelta
    """The time that counts: work and paid breaks, rounded by the policy."""
    expected: timedelta
    balance: timedelta
    late: timedelta
    left_early: timedelta
    overtime: Overtime
    windows: Mapping[str, timedelta]
    """The work within each of the policy's windows, if it is not zero."""
    open: bool
    """A shift of the day has no entry or no exit."""
    automatic: bool
    """A shift of the day has an automatic exit."""
    obliged: bool
    """The member was expected, and not on leave."""
    due: float
    """The part of the day on which work was due: 0, 0.5 or 1."""
    on_leave: float
    """The part of the day on leave: 0, 0.5 or 1. Leave by the hour is only in `leave_time`."""
    leave_time: timedelta
    """The expected time that was free by leave."""
    anomalies: int
    """The number of `notes`."""
    holiday: Optional[str] = None
    leave: Optional[str] = None
    half: Optional[str] = None
    window_overtime: Mapping[str, timedelta] = dataclasses.field(default_factory=dict)
    """The overtime that counts within each of the policy's windows with work."""
    notes: tuple[Anomaly, ...] = ()
    """The anomalies of its punches, and what is doubtful about the day itself."""

    def to_dict(self) -> dict[str, Any]:
        """The day as a flat dict: a row of a table. `notes` are the codes of the notes, each once, with spaces between them.

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
        row["notes"] = " ".join(sorted({note.code for note in self.notes}))
        row.update({f"window_{name}": length for name, length in windows.items()})
        row.update({f"window_overtime_{name}": length for name, length in window_overtime.items()})
        return row


@dataclass(frozen=True)
class Statistics:
    """The sums of days. Numbers of days have halves: half a day of leave counts 0.5."""

    due: float
    """The days on which the person was expected, the denominator of the attendance rate."""
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
    """The results of one person's punches."""

    person: str
    outcomes: tuple[PunchOutcome, ...]
    """All punches: first those that count, in order of time, then those that are superseded."""
    shifts: tuple[ShiftRecord, ...]
    days: tuple[DayRecord, ...]
    """The days on which the person came or was expected."""
    statistics: Statistics


@dataclass(frozen=True)
class Presence:
    """The presence of a person at a time."""

    person: str
    at: datetime
    inside_since: Optional[datetime]
    """The start of the stay. None if the person is not inside."""
    today: str
    """`PRESENT`, `EXPECTED`, `ABSENT`, `ON_LEAVE`, `FREE` or `NOT_EMPLOYED`."""


def sightings(faces: Iterable[Recognition], at: datetime, device: Optional[str] = None) -> list[Sighting]:
    """The people who were recognized in a frame, as sightings at the time `at`, in order of id.

    A person is seen once in a frame, even if several faces match, for example in a mirror. The sighting has the person's best score,
    and the liveness of the face with that score. Faces with another outcome than "known" are left out.

    Raises TypeError for another object than a Recognition; ValueError for a time without a time zone.

    >>> import facekit
    >>> from datetime import datetime, timezone
    >>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    >>> report = recognizer.enroll("anna", "anna.jpg")
    >>> at = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
    >>> [seen.person for seen in facekit.sightings(recognizer.recognize("door.jpg"), at, "door")]
    ['anna']
    """
    listed = list(faces)
    for index, face in enumerate(listed):
        if not isinstance(face, Recognition):
            raise TypeError(f"faces[{index}]: {type(face).__name__} given, Recognition needed")
    seen = _sightings(listed, _exchange.instant("at", at))
    return [Sighting(person, at, device, score, liveness) for person, score, liveness in seen]


class Policy:
    """The attendance policy of a site, with holidays and members.

    `policy` is TOML or a dict. `holidays` is the text of an ICS file. Its holidays are read from the first to the last year of
    `holidays_between`, both included. `regional_holidays` has the text of an ICS file for each region of `site.regions`: a member with
    this region has these holidays, too. `members` are dicts with the properties of single people, with the keys of attendance-rules:
    `{"person": "anna", "joined": "2026-03-01", "leave": [{"from": "2026-03-09", "to": "2026-03-13", "kind": "annual"}]}`.

    Raises AttendanceError. Its text names the key.

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
        regional_holidays: Optional[Mapping[str, str]] = None,
        holidays_between: Sequence[int] = (2000, 2100),
        members: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        form = "toml" if isinstance(policy, str) else "json"
        text = policy if isinstance(policy, str) else _exchange.text(policy)
        years = _exchange.years("holidays_between", holidays_between)
        regional = _exchange.named_texts("regional_holidays", regional_holidays or {})
        listed = _exchange.texts("members", members, Mapping)
        self._given = (text, form, holidays, regional, years, _exchange.joined(listed))
        with _exchange.located(members=listed):
            self._rules = _Rules(*self._given)
        self.zone: tzinfo = _exchange.zone(self._rules.time_zone)

    @classmethod
    def from_toml(cls, text: str, **options: Any) -> Policy:
        """A policy from TOML. The options are those of `Policy`.

        >>> from facekit.attendance import Policy
        >>> Policy.from_toml('[site]\\ntime_zone = "Europe/Berlin"')
        <Policy in Europe/Berlin>
        """
        return cls(text, **options)

    @classmethod
    def from_file(cls, path: Union[str, os.PathLike[str]], **options: Any) -> Policy:
        """A policy from a TOML file. The options are those of `Policy`.

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
        """The site's time zone: an IANA name, as it is in the policy."""
        return self._rules.time_zone

    def to_toml(self) -> str:
        """The complete policy as TOML.

        >>> from facekit.attendance import Policy
        >>> Policy(Policy().to_toml()).to_toml() == Policy().to_toml()
        True
        """
        return self._rules.to_toml()

    def decide(self, past: Sequence[Mark], sighting: Sighting) -> Decision:
        """Decides about a sighting at once. `past` has the person's earlier marks, in order of time; those of the last days are
        enough. Keep the `mark` of the decision.

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
            answer, mark = json.loads(self._rules.decide(_exchange.joined(marks), seen))
        verdict = answer.pop("verdict")
        decision: Decision = self._read(Decision, {**answer, **verdict})
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
        """Evaluates a person's punches from the day `first` to the day `last`, both included.

        Punches can be in any order. Punches after `as_of` do not count; the default is now. Include the punches of the week before
        `first`, so that nights and weeks at the boundary are right. `corrections` are dicts with the keys of attendance-rules: `id`,
        `made`, `by`, `reason` and `change`, such as `{"void": {"punch": "1"}}`.

        Raises AttendanceError for records that contradict each other; ValueError for a datetime without a time zone; TypeError for
        a datetime in place of a date.

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
            text = self._rules.evaluate(person, _exchange.joined(made), _exchange.joined(changes), *days, until)
        answer, statistics = json.loads(text)
        return Ledger(
            answer["person"],
            tuple(self._read(PunchOutcome, {**outcome, **outcome["outcome"]}) for outcome in answer["outcomes"]),
            tuple(self._read(ShiftRecord, shift) for shift in answer["shifts"]),
            tuple(self._read(DayRecord, day) for day in answer["days"]),
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
        """The presence of a person at a time, by the punches until then. The default is now. The punches of the last three days are
        enough.

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
            answer = self._rules.presence(person, _exchange.joined(made), _exchange.joined(changes), instant)
        presence: Presence = self._read(Presence, json.loads(answer))
        return presence

    def __reduce__(self) -> tuple[Any, ...]:
        return (_policy, self._given)

    def __repr__(self) -> str:
        return f"<Policy in {self.time_zone}>"

    def _read(self, kind: Any, answer: dict[str, Any]) -> Any:
        names = {name.name for name in dataclasses.fields(kind)}
        fields: dict[str, Any] = {}
        for name, value in answer.items():
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
        if name in ("anomalies", "notes") and isinstance(value, list):
            return tuple(Anomaly(**anomaly) for anomaly in value)
        return value


def columns(days: Iterable[DayRecord]) -> dict[str, list[Any]]:
    """Days as a table: a dict of columns, each a list, for `pandas.DataFrame` and `polars.DataFrame`. Without days, all columns
    except those of windows are there and empty.

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


# The columns of every table. A window has a column if a person worked in it.
_COLUMNS = [
    *(name.name for name in dataclasses.fields(DayRecord) if name.name not in ("windows", "window_overtime", "times", "overtime")),
    *(name.name for name in dataclasses.fields(Times)),
    "overtime",
]
_TIMES = {"at", "opened", "closed", "automatic_out", "first", "last", "inside_since"}
# The end of the rules' names of durations.
_SECONDS = "_seconds"


def _policy(
    text: str,
    form: str,
    holidays: Optional[str],
    regional_holidays: dict[str, str],
    holidays_between: tuple[int, int],
    members: str,
) -> Policy:
    return Policy(
        text if form == "toml" else json.loads(text),
        holidays=holidays,
        regional_holidays=regional_holidays,
        holidays_between=holidays_between,
        members=json.loads(members),
    )


def _time(text: str, zone: tzinfo) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(zone)
