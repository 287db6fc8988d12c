"""Coordinates and times as receivers write them: degrees and minutes in one number, a letter for the hemisphere."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

_JOINED = re.compile(r"(\d{1,5})(\.\d{0,15})?", re.ASCII)
_SPLIT = re.compile(r"-?(\d{1,3})-(\d{1,2}(?:\.\d{0,15})?)", re.ASCII)
_CENTURY = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?", re.ASCII)
HALF_DAY = timedelta(hours=12)


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when, as far as a sentence says it. `valid`: the receiver had a fix."""

    at: datetime | None
    valid: bool
    lat: float | None
    lon: float | None


def degrees(text: str, hemisphere: str) -> float | None:
    """Return `3150.2460`, `S` as -31.8374. `-23-35.34`, and `37573392` with its four decimals, are read as well.

    None if it is no coordinate. The sign is the hemisphere's; without a letter it is north or east.
    """
    word = text.strip()
    if (split := _SPLIT.fullmatch(word)) is not None:
        whole, minutes = int(split[1]), float(split[2])
    else:
        word = word.removeprefix("-")
        joined = _JOINED.fullmatch(word if "." in word or len(word) < 7 else f"{word[:-4]}.{word[-4:]}")
        if joined is None:
            return None
        whole, minutes = int(joined[1][:-2] or 0), float(joined[1][-2:] + (joined[2] or ""))
    if minutes >= 60:
        return None
    value = whole + minutes / 60
    return (-value or 0.0) if hemisphere.strip().upper() in ("S", "W") else value


def decimal(text: str, limit: float = 180) -> float | None:
    """Return signed decimal degrees, or None if it is no number of degrees up to `limit`."""
    word = text.strip()
    if not re.fullmatch(r"[-+]?\d{1,3}(?:\.\d{0,15})?", word, re.ASCII):
        return None
    return float(word) if abs(float(word)) <= limit else None


def moment(date: str, time: str, order: str = "dmy") -> datetime | None:
    """Return the UTC time of a date of six digits in this order and a time `hhmmss` with or without a fraction."""
    day, clock = date.strip(), time.strip()
    if not re.fullmatch(r"\d{6}", day, re.ASCII) or not re.fullmatch(r"\d{6}(?:\.\d*)?", clock, re.ASCII):
        return None
    part = {letter: int(day[2 * at : 2 * at + 2]) for at, letter in enumerate(order)}
    fraction = int(f"{clock[7:]:0<6.6}")
    try:
        return datetime(
            2000 + part["y"], part["m"], part["d"],
            int(clock[:2]), int(clock[2:4]), int(clock[4:6]), fraction, tzinfo=UTC,
        )  # fmt: skip
    except ValueError:
        return None


def stamp(text: str) -> datetime | None:
    """Return the UTC time of `20261121215958` or, without seconds, `202611212159`."""
    parts = _CENTURY.fullmatch(text.strip())
    if parts is None:
        return None
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in parts.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def rmc(fields: Sequence[str]) -> Fix:
    """Return what follows the `GPRMC`: time, A or V, latitude, N, longitude, E, speed, course, date."""
    word = [*fields, *[""] * 9][:9]
    return Fix(
        at=moment(word[8], word[0]),
        valid=word[1].strip().upper() == "A",
        lat=degrees(word[2], word[3]),
        lon=degrees(word[4], word[5]),
    )


def utc_day(local: datetime, clock: str) -> datetime | None:
    """Return the UTC time of day `hhmmss` on the day that lies within twelve hours of a local time without a zone."""
    found = moment(f"{local:%y%m%d}", clock, order="ymd")
    if found is None:
        return None
    apart = local.replace(tzinfo=UTC) - found
    if apart > HALF_DAY:
        return found + timedelta(days=1)
    return found - timedelta(days=1) if apart <= -HALF_DAY else found
