"""The deployment files agree with the code: settings that exist, files that exist, metrics that exist."""

import json
import re
from importlib import resources
from pathlib import Path

import pytest

from hub.config import NOT_SETTINGS, load

ROOT = Path(__file__).parents[3]
DEPLOY = resources.files("hub") / "deploy"
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")

ONE_OF_A_FEW = {
    "CAREHUB_CHANNELS_SMS": "aliyun", "CAREHUB_CHANNELS_VOICE": "tencent",
    "CAREHUB_CHANNELS_PUSH_CONTACT": "mailto:desk@carehub.test",
}  # fmt: skip


def sources() -> str:
    return "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "hub").rglob("*.py"))


@pytest.mark.parametrize("text", [COMPOSE, (DEPLOY / "carehub.env.example").read_text(encoding="utf-8")])
def test_settings_in_deployment_files_exist(text: str) -> None:
    names = set(re.findall(r"\bCAREHUB_[A-Z0-9_]+", text)) - NOT_SETTINGS
    assert names
    values = dict.fromkeys(names, "1")
    values |= {name: value for name, value in ONE_OF_A_FEW.items() if name in names}
    load(None, values)  # raises ConfigError for a name or type that does not exist


def test_files_mounted_by_compose_exist() -> None:
    mounted = re.findall(r"- (\./[^:]+):", COMPOSE)
    assert len(mounted) >= 4
    for path in mounted:
        assert (ROOT / path).exists(), path


def test_roles_in_compose_are_commands() -> None:
    from hub.__main__ import COMMANDS

    roles = re.findall(r"command: \[(\w+)\]", COMPOSE)
    assert {"ingest", "dispatch", "console", "audit", "migrate"} == set(roles)
    assert set(roles) <= set(COMMANDS)


def test_dashboard_and_alerts_ask_for_metrics_that_exist() -> None:
    dashboard = (DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8")
    json.loads(dashboard)
    asked = set(re.findall(r"\bcarehub_[a-z_]+", dashboard + (DEPLOY / "alerts.yml").read_text(encoding="utf-8")))
    code = sources()
    assert asked
    for metric in asked:
        name = re.sub(r"_(total|bucket|count|sum)$", "", metric)
        assert f'"{name}' in code, metric
