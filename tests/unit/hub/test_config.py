"""Settings: the file, the environment over it, and every fault at once."""

import subprocess
from pathlib import Path

import pytest

from hub.config import ConfigError, Settings, load, required_dsn, secret_beside
from hub.errors import HubError


def written(folder: Path, text: str) -> Path:
    path = folder / "carehub.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_gives_defaults() -> None:
    assert load(None, {}) == Settings()


def test_file_then_environment(tmp_path: Path) -> None:
    path = written(tmp_path, "[console]\nport = 9000\nhost = '10.0.0.1'\n")
    settings = load(path, {"CAREHUB_CONSOLE_PORT": "8443", "CAREHUB_SECRETS_LINK_KEY": "k"})
    assert (settings.console.host, settings.console.port) == ("10.0.0.1", 8443)
    assert settings.public_url == "http://10.0.0.1:8443"
    assert settings.secrets.link_key == "k"
    assert "k'" not in repr(settings.secrets)


def test_config_file_named_by_environment(tmp_path: Path) -> None:
    path = written(tmp_path, "log_level = 'debug'\n")
    assert load(None, {"CAREHUB_CONFIG": str(path)}).log_level == "debug"


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    text = "[consle]\n[console]\nport = 'eighty'\nhots = 'x'\nsecure_cookies = 3\n[secrets]\nlink_key = 'no'\n"
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path, {"CAREHUB_INGEST_BATCH_MESSAGES": "many", "CAREHUB_NONSENSE": "1"})
    text = str(caught.value)
    assert len(caught.value.faults) == 7
    assert "consle: no such setting; did you mean console?" in text
    assert "console.port: 'eighty' is not a whole number" in text
    assert "did you mean host?" in text
    assert "console.secure_cookies: 3 is not true or false" in text
    assert "secrets" in text
    assert "ingest.batch_messages: 'many' is not a whole number" in text
    assert "CAREHUB_NONSENSE" in text


@pytest.mark.parametrize("text", ["port == 3", "[console\n"])
def test_broken_toml_is_a_fault(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="not TOML"):
        load(written(tmp_path, text), {})


def test_missing_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml", {})


def test_command_beside_a_running_hub_is_told_the_line_that_finds_its_database(tmp_path: Path) -> None:
    with pytest.raises(HubError, match=r"CAREHUB_DATABASE_DSN, or run `carehub up`"):
        required_dsn(Settings(run_dir=tmp_path / "nothing"))
    folder = tmp_path / "a folder's"
    folder.mkdir()
    (folder / "running.json").write_text('{"dsn": "postgresql://x:y@127.0.0.1:1/z"}')
    with pytest.raises(HubError) as told:
        required_dsn(Settings(run_dir=folder))
    assert shell(str(told.value).splitlines()[1], "CAREHUB_DATABASE_DSN") == "postgresql://x:y@127.0.0.1:1/z"


def test_secret_a_running_hub_made_for_itself_is_pointed_to(tmp_path: Path) -> None:
    name = "CAREHUB_SECRETS_WEBHOOK_KEY"
    assert secret_beside(Settings(run_dir=tmp_path), name) == f"set {name}"
    (tmp_path / "secrets.json").write_text(f'{{"{name}": "s3cret"}}')
    assert shell(secret_beside(Settings(run_dir=tmp_path), name).splitlines()[1], name) == "s3cret"
    assert secret_beside(Settings(run_dir=tmp_path), "CAREHUB_SECRETS_SMTP_PASSWORD").endswith("SMTP_PASSWORD")


def shell(line: str, name: str) -> str:
    done = subprocess.run(["sh", "-c", f'{line}\nprintf %s "${name}"'], capture_output=True, text=True, check=True)
    return done.stdout


def test_zone_that_does_not_exist_is_refused_where_it_is_set() -> None:
    with pytest.raises(ConfigError, match="console: zone: 'China' is no time zone; write Asia/Shanghai"):
        load(None, {"CAREHUB_CONSOLE_ZONE": "China"})
