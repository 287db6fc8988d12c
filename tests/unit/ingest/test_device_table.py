"""Who a device is and whose: renamed, exchanged, given to somebody else, tested by an installer."""

from datetime import UTC, datetime

from hub.device_table import NONE, DeviceTable

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


def line(device_id: int, address: str, resident: int | None = None, test_until: datetime | None = None) -> list[object]:
    """Return a device as the queries return it."""
    return [device_id, address, "carehub/1", "", resident, "", None, test_until, "live"]


def test_two_watches_that_exchange_their_names_are_both_found() -> None:
    table = DeviceTable()
    table.put([line(1, "carehub:a", 10), line(2, "carehub:b", 20)])
    table.put([line(1, "carehub:b", 10), line(2, "carehub:a", 20)])
    assert table.row_of == {"carehub:b": 0, "carehub:a": 1}
    assert table.address == ["carehub:b", "carehub:a"]


def test_name_taken_over_from_a_watch_put_aside_leads_to_the_one_that_wears_it_now() -> None:
    table = DeviceTable()
    table.put([line(1, "carehub:spare"), line(2, "carehub:w9", 20)])
    table.put([line(1, "carehub:w9", 20), line(2, "carehub:w9-broken")])
    row = table.row_of["carehub:w9"]
    assert (table.device_id[row], table.resident(row)) == (1, 20)
    assert table.device_id[table.row_of["carehub:w9-broken"]] == 2


def test_watch_taken_from_a_resident_is_nobodys() -> None:
    table = DeviceTable()
    table.put([line(1, "carehub:a", 10)])
    table.put([line(1, "carehub:a")])
    assert table.resident(0) is None
    assert len(table) == 1


def test_test_mode_ends_at_its_minute_and_when_it_is_called_off() -> None:
    table = DeviceTable()
    table.put([line(1, "carehub:a", test_until=NOW)])
    assert table.in_test(0, NOW_MS - 1)
    assert not table.in_test(0, NOW_MS)
    table.put([line(1, "carehub:a")])
    assert not table.in_test(0, NOW_MS - 1)


def test_number_nobody_has_has_no_row() -> None:
    table = DeviceTable()
    table.put([line(7, "carehub:a")])
    assert (table.row_of_id(7), table.row_of_id(0)) == (0, NONE)
