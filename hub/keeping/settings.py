"""Settings of the backups that `carehub up` makes by itself."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class BackupSettings:
    """`[backup]`: where to, and how often. Without a place, nothing is backed up, and `carehub doctor` says so."""

    to: str = ""  # a folder on another disk: the log is followed there all the time, base backups lie beside it
    every_h: float = 24.0
    keep: int = 7

    def __post_init__(self) -> None:
        if not self.every_h > 0:
            raise ValueError("every_h must be above 0")
        if self.keep < 1:
            raise ValueError("keep is 1 or more: the last backup is never removed")
