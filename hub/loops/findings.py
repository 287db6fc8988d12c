"""What the auditor can find, and how loud each of it is. One table: the siren, the heartbeat and the banner read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol


class Loud(IntEnum):
    """What a finding does. Each includes the ones before it."""

    BANNER = 1  # every console says so
    HEARTBEAT = 2  # the watcher elsewhere is no longer told that all is well
    SIREN = 3  # and it sounds here, until somebody acknowledges it or it is over


RULES: Mapping[str, Loud] = {
    "silent_incident": Loud.SIREN,
    "timer_late": Loud.SIREN,
    "page_late": Loud.SIREN,
    "broken_chain": Loud.SIREN,
    "dispatch_gone": Loud.SIREN,
    "nobody_reachable": Loud.SIREN,
    "nobody_heard": Loud.SIREN,
    "database_away": Loud.SIREN,
    "canary_lost": Loud.SIREN,
    "page_impossible": Loud.HEARTBEAT,
    "page_stuck": Loud.HEARTBEAT,
    "outbox_grows": Loud.HEARTBEAT,
    "notify_broken": Loud.HEARTBEAT,
    "clock_jumped": Loud.HEARTBEAT,
    "siren_broken": Loud.HEARTBEAT,
    "coverage_stalled": Loud.HEARTBEAT,
    "homes_stalled": Loud.HEARTBEAT,
    "subscription_disabled": Loud.BANNER,  # nobody here is in danger: somebody else's program is told nothing
    "exchange_failing": Loud.BANNER,
    "canary_off": Loud.BANNER,  # whoever switched it off meant it, but nobody must forget
    "heartbeat_failed": Loud.BANNER,  # else it could never begin again
}


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """Something that should not be."""

    rule: str
    subject: str
    detail: str = ""

    @property
    def loud(self) -> Loud:
        """How loud it is; a rule without a line in the table is not to be missed."""
        return RULES.get(self.rule, Loud.SIREN)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A finding that is not over: since when, and whether somebody has acknowledged it."""

    finding: Finding
    lasts_s: float
    acknowledged_s: float | None = None  # so long ago

    def stands(self, again_s: float) -> bool:
        """Whether it still counts: nobody acknowledged it, or that is `again_s` ago and it is still wrong.

        A broken chain is never mended: once somebody has looked, it stays on the banner and is silent.
        """
        if self.acknowledged_s is None:
            return True
        return self.finding.rule != "broken_chain" and self.acknowledged_s > again_s


class Part(Protocol):
    """A part of the watch that runs beside the auditor: the siren, the outside heartbeat, the canary."""

    name: str

    def findings(self) -> Sequence[Finding]:
        """Return what is wrong with it, or what it found."""

    def says(self) -> str:
        """Return one line of how it goes, for the page of the watch."""
