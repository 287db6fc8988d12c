"""The duty log of an invented October."""

import pytest

from tests.integration.supervisor.duty_log import DutyLog, duty_log


@pytest.fixture
def october(dsn: str) -> DutyLog:
    return duty_log(dsn)
