"""Coordinates and times as receivers write them, in every spelling trackers are seen to use."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import alarm_words, nmea
from devices.codes import CODES


@pytest.mark.parametrize(
    ("text", "letter", "value"),
    [
        ("3828.0020", "N", 38.4667),
        ("3828.0020", "S", -38.4667),
        ("10616.3860", "E", 106.2731),
        ("10616.3860", "w", -106.2731),
        ("616.3860", "E", 6.2731),  # leading zeros left out
        ("16.3860", "E", 0.2731),
        (" 616.3860", "E", 6.2731),
        ("38280020", "N", 38.4667),  # no point: four decimals
        ("106163860", "E", 106.2731),
        ("-38-28.0020", "S", -38.4667),  # a sign, and the letter again
        ("0.000000", "S", 0.0),
    ],
)
def test_degrees_and_minutes_are_read_in_every_spelling(text: str, letter: str, value: float) -> None:
    assert nmea.degrees(text, letter) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("text", ["", "N", "3860.0000", "38 28.0", "1e5", "³828.0", "123456.0", "38.28.00"])
def test_what_is_no_coordinate_is_none(text: str) -> None:
    assert nmea.degrees(text, "N") is None


@given(st.floats(-89.9, 89.9), st.integers(3, 6))
def test_degrees_come_back_from_minutes(value: float, places: int) -> None:
    whole = int(abs(value))
    minutes = min(59.99, (abs(value) - whole) * 60)
    text = f"{whole:02}{minutes:0{places + 3}.{places}f}"
    if not text[2:].startswith("60"):
        assert nmea.degrees(text, "S" if value < 0 else "N") == pytest.approx(value, abs=2e-2)


@pytest.mark.parametrize(
    ("date", "time", "order", "expected"),
    [
        ("211126", "215958", "dmy", datetime(2026, 11, 21, 21, 59, 58, tzinfo=UTC)),
        ("261121", "215958.500", "ymd", datetime(2026, 11, 21, 21, 59, 58, 500_000, tzinfo=UTC)),
        ("311126", "215958", "dmy", None),  # no such day
        ("211126", "245958", "dmy", None),
        ("21112", "215958", "dmy", None),
        ("", "", "dmy", None),
    ],
)
def test_date_and_time_of_day_make_a_moment(date: str, time: str, order: str, expected: datetime | None) -> None:
    assert nmea.moment(date, time, order) == expected


def test_stamp_is_read_with_and_without_seconds() -> None:
    assert nmea.stamp("20261121215958") == datetime(2026, 11, 21, 21, 59, 58, tzinfo=UTC)
    assert nmea.stamp("202611212159") == datetime(2026, 11, 21, 21, 59, tzinfo=UTC)
    assert nmea.stamp("20261321215958") is None
    assert nmea.stamp("2026112121") is None


@pytest.mark.parametrize(
    ("local", "clock", "day"),
    [
        ("2026-11-22T05:59:58", "215958", 21),  # east of Greenwich it is tomorrow already
        ("2026-11-21T13:59:58", "215958", 21),
        ("2026-11-21T22:00:00", "030000", 22),  # west of it, still yesterday
        ("2026-11-21T21:59:58", "215958", 21),
    ],
)
def test_utc_time_of_day_falls_on_the_day_nearest_to_the_local_clock(local: str, clock: str, day: int) -> None:
    found = nmea.utc_day(datetime.fromisoformat(local).replace(tzinfo=UTC), clock)
    assert found is not None
    assert found.day == day
    assert f"{found:%H%M%S}" == clock


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("help me", "alarm.sos"),
        (" Help  Me! ", "alarm.sos"),
        ("SOS", "alarm.sos"),
        ("LowBattery", "battery.low"),
        ("Geo 3 out", "alarm.geofenceExit"),
        ("oil2", "alarm.fuelLeak"),
        ("T:-11", "alarm.temperature"),
        ("tracker", None),
        ("geology", None),
        ("helpless", None),
        ("geo" + "1" * 100_000, None),
    ],
)
def test_alarm_words_mean_what_their_makers_say(word: str, code: str | None) -> None:
    assert alarm_words.meaning(word) == code
    assert code is None or code in CODES
