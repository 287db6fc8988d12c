"""Changing a value gives what the library's own `replace` gives."""

import dataclasses

import pytest

from alerts.model import State
from alerts.values import replace
from tests.unit.alerts.duty import sos


def test_changed_incident_is_what_the_library_makes_of_it() -> None:
    before = sos().incident
    after = replace(before, state=State.TAKEN, handler_id=10)
    assert after == dataclasses.replace(before, state=State.TAKEN, handler_id=10)
    assert before.state is State.OPEN


def test_name_that_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="handlr"):
        replace(sos().incident, handlr=10)  # type: ignore[call-arg]


def test_value_that_checks_itself_is_checked_again() -> None:
    @dataclasses.dataclass(frozen=True)
    class Wait:
        seconds: float

        def __post_init__(self) -> None:
            if self.seconds < 0:
                raise ValueError(self.seconds)

    with pytest.raises(ValueError, match="-1"):
        replace(Wait(1.0), seconds=-1.0)


def test_what_was_worked_out_beside_the_fields_is_not_taken_over() -> None:
    before = sos().incident
    before.__dict__["summary"] = "open"
    assert "summary" not in replace(before, state=State.TAKEN).__dict__
