"""Unknown devices that call for help: each opens a case of its own, up to a number an hour from one place."""

from collections import OrderedDict

from hub.device_table import DeviceTable

CASES_PER_HOUR = 30  # of devices nobody registered, behind one gateway or of one kind
PLACES = 1_000  # gateways remembered
HOUR_MS = 3_600_000


class Strangers:
    """Beyond the number, an unknown device joins the last such case of its gateway.

    A credential that invents devices would else fill the operators' queue with hundreds of cases in a second, and the
    one that is real would stand somewhere among them. Joined, every call still rings and is written down.
    """

    def __init__(self, per_hour: int = CASES_PER_HOUR) -> None:
        self.per_hour = per_hour
        self._cases: OrderedDict[str, OrderedDict[int, int]] = OrderedDict()  # place -> device row -> when it came

    def case_of(self, table: DeviceTable, row: int, now_ms: int) -> int:
        """Return the row of the device whose case this call belongs to: its own, or for one too many, another's."""
        if table.resident(row) is not None:
            return row
        cases = self._of(_place(table.address[row]))
        while cases and now_ms - next(iter(cases.values())) > HOUR_MS:
            cases.popitem(last=False)
        if row in cases or len(cases) < self.per_hour:
            cases.setdefault(row, now_ms)
            return row
        return next(reversed(cases))

    def _of(self, place: str) -> OrderedDict[int, int]:
        cases = self._cases.setdefault(place, OrderedDict())
        self._cases.move_to_end(place)
        if len(self._cases) > PLACES:
            self._cases.popitem(last=False)
        return cases


def _place(address: str) -> str:
    """Return what addresses behind one gateway have in common: `z2m:home7/zigbee2mqtt`, `carehub`."""
    return address.rpartition("/")[0] or address.partition(":")[0]
