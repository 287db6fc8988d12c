"""Unknown devices: a case of its own for each, until somebody invents them."""

from hub.device_table import DeviceTable
from hub.strangers import HOUR_MS, Strangers

NOW_MS = 1_795_305_600_000


def table(*addresses: str, resident: int | None = None) -> DeviceTable:
    made = DeviceTable()
    made.put([
        (number, address, "", "", resident, "", None, None, "seen") for number, address in enumerate(addresses, start=1)
    ])  # fmt: skip
    return made


def test_each_unknown_device_has_a_case_of_its_own() -> None:
    known, strangers = table("z2m:a/one", "z2m:a/two"), Strangers(per_hour=2)
    assert [strangers.case_of(known, row, NOW_MS) for row in (0, 1, 0)] == [0, 1, 0]


def test_one_too_many_joins_the_last_of_its_gateway_only() -> None:
    known, strangers = table("z2m:a/one", "z2m:a/two", "z2m:b/one"), Strangers(per_hour=1)
    assert [strangers.case_of(known, row, NOW_MS) for row in (0, 1, 2)] == [0, 0, 2]


def test_an_hour_later_there_is_room_again() -> None:
    known, strangers = table("carehub:w1", "carehub:w2"), Strangers(per_hour=1)
    assert strangers.case_of(known, 0, NOW_MS) == 0
    assert strangers.case_of(known, 1, NOW_MS + HOUR_MS + 1) == 1


def test_device_of_a_resident_is_never_joined_to_another() -> None:
    known, strangers = table("carehub:w1", "carehub:w2", resident=5), Strangers(per_hour=0)
    assert [strangers.case_of(known, row, NOW_MS) for row in (0, 1)] == [0, 1]
