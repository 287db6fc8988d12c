"""carehub api and carehub people fhir, as somebody types them."""

import json
from pathlib import Path

import pytest
from fhir.resources.bundle import Bundle

from hub.__main__ import main
from tests.integration.web.world import LINK_KEY, World


@pytest.fixture(autouse=True)
def environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", world.dsn)
    monkeypatch.setenv("CAREHUB_SECRETS_LINK_KEY", LINK_KEY)


def test_token_is_printed_once_listed_without_its_secret_and_revoked(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["api", "token", "create", "PBX", "--scope", "incidents:read", "--days", "7"]) == 0
    told = capsys.readouterr().out
    secret = next(word for word in told.split() if word.startswith("carehub_"))
    assert main(["api", "token", "list"]) == 0
    listed = capsys.readouterr().out
    assert secret not in listed
    assert secret[:12] in listed
    assert "never" in listed
    assert main(["api", "token", "revoke", "1"]) == 0
    assert main(["api", "token", "revoke", "1"]) == 2
    assert "no living token" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["token", "create", "x", "--scope", "all"], "no such scope: all; there are incidents:read"),
        (["token", "create", "x", "--scope", "incidents:read", "--organisation", "无此单位"], "no active organisation"),
        (["events", "add", "x", "--url", "http://10.0.0.1/"], "only https"),
        (["events", "add", "x", "--url", "https://10.0.0.1/"], "private network"),
        (["events", "add", "x", "--url", "https://example.org/", "--kind", "everything"], "'everything' is none"),
        (["events", "replay", "7", "--from", "1"], "there is no subscription 7"),
        (["events", "replay", "7", "--from", "yesterday"], "neither an event's number nor a moment"),
        (["exchange", "add", "x", "--url", "https://example.org", "--mapping", "/nowhere.toml"], "cannot be read"),
        (["exchange", "reconcile", "x"], "there is no platform 'x'"),
    ],
)
def test_mistake_is_one_line_that_says_what_to_do(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["api", *words]) == 2
    assert why in capsys.readouterr().err


def test_subscription_and_platform_are_added_and_listed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["api", "events", "add", "街道", "--url", "https://example.org/hook"]) == 0
    assert "whsec_" in capsys.readouterr().out
    assert main(["api", "events", "rotate", "1"]) == 0
    assert main(["api", "events", "replay", "1", "--from", "2026-11-22T02:14"]) == 0
    assert main(["api", "events", "list"]) == 0
    assert "街道" in capsys.readouterr().out
    assert main(["api", "exchange", "mapping"]) == 0
    mapping = tmp_path / "district.toml"
    mapping.write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["api", "exchange", "add", "区", "--url", "https://example.org", "--mapping", str(mapping)]) == 0
    for verb in ("off", "on", "refused", "differences", "replay"):
        assert main(["api", "exchange", verb, "区"]) == 0
    assert main(["api", "exchange", "list"]) == 0
    assert "区" in capsys.readouterr().out


def test_resident_is_printed_as_a_bundle(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["people", "fhir", "王秀英", "--by", "li", "--reason", "转诊"]) == 0
    printed = capsys.readouterr().out
    Bundle.model_validate_json(printed)
    assert json.loads(printed)["entry"][0]["resource"]["name"][0]["text"] == "王秀英"
    ((who, what, why),) = world.sql("select person_id, what, reason from access_log")
    assert (who, what) == (world.people["li"], "fhir: command")
    assert why.endswith(": 转诊")
    assert main(["people", "fhir", "王秀英", "--by", "li", "--since", "2020-01-01"]) == 2
