"""Arguments of attendance as JSON for the compiled rules, with checks so that errors name the argument. Also the time zone of the
answers, and the times of frames."""

from __future__ import annotations

import dataclasses
import json
import math
import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timezone, tzinfo
from typing import Any, SupportsFloat, SupportsIndex
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from facekit.errors import AttendanceError, InvalidArgumentError


def text(value: Any) -> str:
    """The value as JSON."""
    return json.dumps(value, default=_plain)


def checked(place: str, value: Any, kind: type) -> str:
    """The value as JSON, if it has this type."""
    if not isinstance(value, kind):
        raise TypeError(f"{place}: {type(value).__name__} given, {kind.__name__} needed")
    try:
        return text(value)
    except (TypeError, ValueError) as error:
        raise (TypeError if isinstance(error, TypeError) else ValueError)(f"{place}: {error}") from None


def texts(argument: str, values: Iterable[Any], kind: type) -> list[str]:
    """Each element as JSON."""
    return [checked(f"{argument}[{index}]", value, kind) for index, value in enumerate(values)]


def named_texts(argument: str, values: Any) -> dict[str, str]:
    """Texts by name."""
    if not isinstance(values, Mapping):
        raise TypeError(f"{argument}: {type(values).__name__} given, Mapping needed")
    for name, value in values.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"{argument}: {name!r}: {value!r} given, a str for a str needed")
    return dict(values)


def joined(elements: Iterable[str]) -> str:
    """Elements in JSON as a list in JSON."""
    return f"[{','.join(elements)}]"


@contextmanager
def located(**lists: list[str]) -> Iterator[None]:
    """Makes an error of the rules name the element of a list. The rules name a column of the JSON, which the caller does not see."""
    try:
        yield
    except InvalidArgumentError as error:
        argument = error.argument
        found = re.fullmatch(r"(.*?): (.*) at line \d+ column (\d+)", str(error), re.DOTALL)
        if not found:
            raise
        place, end = argument, 0
        for index, element in enumerate(lists.get(argument, ())):
            # The bracket or comma before the element, and the element.
            end += 1 + len(element)
            if int(found[3]) <= end:
                place = f"{argument}[{index}]"
                break
        raise InvalidArgumentError(f"{place}: {found[2]}", argument=argument) from None


def day(argument: str, value: Any) -> str:
    """A date. A datetime is refused, because its date depends on the zone."""
    if isinstance(value, datetime):
        raise TypeError(f"{argument}: the datetime {value.isoformat()} given, a date needed; use .astimezone(policy.zone).date()")
    if not isinstance(value, date):
        raise TypeError(f"{argument}: {value!r} given, a datetime.date needed")
    return value.isoformat()


def instant(argument: str, value: Any) -> str:
    """A datetime with a time zone."""
    if not isinstance(value, datetime):
        raise TypeError(f"{argument}: {value!r} given, a datetime.datetime needed")
    if value.utcoffset() is None:
        raise ValueError(f"{argument}: {value.isoformat()} has no time zone; add one, as in .replace(tzinfo=...)")
    return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def years(argument: str, value: Sequence[int]) -> tuple[int, int]:
    """The first and the last year."""
    try:
        first, last = (operator.index(year) for year in value)
    except (TypeError, ValueError):
        raise TypeError(f"{argument}: {value!r} given, two years needed, such as (2000, 2100)") from None
    if not 1 <= first <= last <= 9999:
        reason = f"{first} to {last} given, two years from 1 to 9999 needed, the earlier one first"
        raise InvalidArgumentError(f"{argument}: {reason}", argument=argument)
    return first, last


def zone(name: str) -> tzinfo:
    """The zone of this name in Python. The rules know the name. Upper and lower case are equal."""
    if name.upper() == "UTC":
        return timezone.utc
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        pass
    for known in available_timezones():
        if known.lower() == name.lower():
            return ZoneInfo(known)
    raise AttendanceError(f"policy, site.time_zone: Python has no data for {name}; pip install --upgrade tzdata")


def _plain(value: Any) -> Any:
    """A value that JSON has no form for, as one that it has."""
    if isinstance(value, datetime):
        return instant("datetime", value)
    if isinstance(value, date):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _field(field, getattr(value, field.name)) for field in dataclasses.fields(value)}
    # For example NumPy's numbers.
    if isinstance(value, SupportsIndex):
        return operator.index(value)
    if isinstance(value, SupportsFloat):
        return float(value)
    raise TypeError(f"{type(value).__name__} given, which has no form in JSON: {value!r}")


def _field(field: dataclasses.Field[Any], value: Any) -> Any:
    """A field's value, if it has the type that the dataclass declares."""
    declared = str(field.type)
    if value is None and declared.startswith("Optional["):
        return None
    kind = declared.removeprefix("Optional[").removesuffix("]")
    if kind == "datetime":
        return instant(field.name, value)
    if kind == "float":
        if not isinstance(value, SupportsFloat):
            raise TypeError(f"{field.name}: {value!r} given, a number needed")
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"{field.name}: {number} given, a finite number needed")
        return number
    if kind == "str" and not isinstance(value, str):
        raise TypeError(f"{field.name}: {value!r} given, a str needed")
    return value
