"""What really happened, as it happens: the truth that the hub's account is held against afterwards."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from simulator.expect import Expect
from simulator.story import Happens
from simulator.town_file import Counted, Deed, Happened, Received, Sent, Town, TownDevice, TownResident, Trouble, Truth

FAULTS_KEPT = 200
REMEMBERED = timedelta(hours=1)  # so long she speaks of what happened to her


class Chronicle:
    """Keeps the truth of one town. Everything is written down when it happens, by the town's clock."""

    def __init__(self, town: Town, title: str, about: str, expect: Expect | None = None) -> None:
        self.truth = Truth(
            title=title, seed=town.seed, begins=town.begins, ends=town.ends, ended_at=town.begins,
            residents=len(town.residents), about=about, expect=expect,
        )  # fmt: skip
        self._latest: dict[str, list[Happened]] = {}
        self._pages: dict[int, Received] = {}

    def happened(
        self, resident: TownResident, what: str, kind: str, at: datetime, *, until: datetime | None = None,
        wants: str = "incident", note: str = "",
    ) -> Happened:  # fmt: skip
        """Write down that something happens to somebody."""
        one = Happened(
            number=len(self.truth.happened), resident=resident.key, what=what, kind=kind, at=at, until=until,
            wants=wants, note=note,
        )  # fmt: skip
        self.truth.happened.append(one)
        self._latest.setdefault(resident.key, []).append(one)
        return one

    def sends(self, device: TownDevice, resident: TownResident, kind: str, of: Happened, at: datetime) -> Sent:
        """Open the account of one press or alarm."""
        sent = Sent(
            device=device.address, family=device.family, resident=resident.key, kind=kind, happened=of.number, at=at
        )
        self.truth.sent.append(sent)
        return sent

    def counted(self, device: TownDevice) -> Counted:
        return self.truth.counted.setdefault(device.address, Counted(family=device.family))

    def received(self, page: Received) -> bool:
        """Note a page; return whether it is new. A copy under the same key is harmless and counted."""
        known = self._pages.get(page.page)
        if known:
            known.copies += 1
            return False
        self._pages[page.page] = page
        self.truth.received.append(page)
        return True

    def deed(self, deed: Deed) -> None:
        self.truth.deeds.append(deed)

    def trouble(self, trouble: Trouble) -> None:
        self.truth.troubles.append(trouble)

    def fault(self, words: str) -> None:
        """Something went wrong on our side of the wire. Said once."""
        if len(self.truth.faults) < FAULTS_KEPT and words not in self.truth.faults:
            self.truth.faults.append(words)

    def faults(self, words: Iterable[str]) -> None:
        for each in words:
            self.fault(each)

    def matter(self, resident: str, now: datetime) -> Happened | None:
        """Return what is the matter with somebody, as she or whoever stands beside her would tell it."""
        recent = [
            each for each in self._latest.get(resident, ())
            if each.at <= now <= max(each.at, each.until or each.at) + REMEMBERED
        ]  # fmt: skip
        grave = [each for each in recent if each.what not in LIGHT]
        return (grave or recent)[-1] if recent else None


LIGHT = frozenset(
    {Happens.PRESSES_BY_ACCIDENT, Happens.PRESSES_TO_TEST, Happens.PRESSES_LONELY, Happens.WATCH_OFF,
     Happens.WRONG_WEARER, Happens.GOES_OUT, Happens.VISITED, Happens.AWAY, Happens.TAP}
)  # fmt: skip
