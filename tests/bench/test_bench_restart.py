"""The bench of a restart brings everything back."""

from hub.bench.restart import restart


def test_restart_takes_bytes_and_says_how_many() -> None:
    told = restart(2_000, minutes=2)
    assert (told["residents"], told["blocks"]) == (2_000, 1)
    assert 100 < told["bytes"] / 2_000 < 700
