"""A test message that did not arrive says what to do next, whatever came back."""

from pathlib import Path

import pytest

from hub.channels.channel import Outcome, Receipt
from hub.commands.advice import OTHERWISE, POSTED, next_step
from hub.config import Settings

HERE = Settings(run_dir=Path("/nowhere"))


def advice(outcome: Outcome, detail: str, channel: str = "webhook", settings: Settings = HERE) -> str:
    return next_step(settings, channel, Receipt(outcome=outcome, detail=detail))


@pytest.mark.parametrize(
    ("detail", "part"),
    [
        ("ConnectError", "nothing answers there"), ("SMTPConnectError", "nothing answers there"),
        ("no answer in time", "firewall"), ("nothing came back in 10 s", "firewall"),
        ("HTTP 401", "our CAREHUB_SECRETS_WEBHOOK_KEY"), ("HTTP 404", "look at the URL"),
        ("HTTP 302", "redirects are not followed"), ("HTTP 503", "its own log"), ("HTTP 422", "its own log"),
        ("no provider: set channels.sms", "CAREHUB_CHANNELS_WEBHOOK=aliyun,tencent"),
        ("no phone is subscribed", "carehub people link"), ("not signed in at any console", "sign in"),
        ("something nobody foresaw", OTHERWISE),
    ],
)  # fmt: skip
def test_failure_says_what_to_do(detail: str, part: str) -> None:
    assert part in advice(Outcome.FAILED, detail)


def test_missing_key_points_to_the_one_a_hub_here_made_for_itself(tmp_path: Path) -> None:
    detail = "no key to sign with: set CAREHUB_SECRETS_WEBHOOK_KEY"
    assert advice(Outcome.REFUSED, detail) == "set CAREHUB_SECRETS_WEBHOOK_KEY"
    (tmp_path / "secrets.json").write_text("{}")
    told = advice(Outcome.REFUSED, detail, settings=Settings(run_dir=tmp_path))
    assert f"{tmp_path / 'secrets.json'})" in told
    assert "export CAREHUB_SECRETS_WEBHOOK_KEY=" in told


def test_what_is_on_its_way_says_so_and_what_arrived_says_nothing() -> None:
    assert advice(Outcome.SENT, "posted", "mqtt") == POSTED
    assert advice(Outcome.DELIVERED, "HTTP 204") == ""
