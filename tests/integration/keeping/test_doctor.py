"""The doctor finds each thing that is wrong in a real installation, says what to do, and tells no secret."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hub import sealed
from hub.config import Secrets, Settings, load
from hub.embedded import EmbeddedPostgres
from hub.keeping import of_database, of_machine
from hub.keeping.base import make
from hub.keeping.checkup import CHECKS, Line, checkup
from hub.keeping.shelf import FACTS
from hub.keeping.verdict import State
from hub.ports import free_port
from hub.store.outbox import WORKERS
from tests import given
from tests.conftest import Mosquitto
from tests.integration.keeping.conftest import Site
from tests.patience import PATIENCE_S


@pytest.fixture
def installed(dsn: str, tmp_path: Path) -> Settings:
    """Settings of a database of this release, in which nobody runs."""
    return load(None, {
        "CAREHUB_DATABASE_DSN": dsn, "CAREHUB_RUN_DIR": str(tmp_path), "CAREHUB_LISTENER_PORT": str(free_port()),
        "CAREHUB_CONSOLE_PORT": str(free_port()), "CAREHUB_METRICS_INGEST_PORT": str(free_port()),
    })  # fmt: skip


@pytest.fixture
def somebody() -> Iterator[int]:
    """A port that another program has, which speaks no HTTP and says nothing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield int(taken.getsockname()[1])


async def said(settings: Settings, name: str) -> Line:
    """Return what one check says."""
    (line,) = await checkup(settings, [check for check in CHECKS if check.name == name])
    return line


def done(settings: Settings, *statements: str) -> None:
    with psycopg.connect(settings.database.dsn, autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement.encode())


# ---- the database ----


async def test_stopped_database_is_one_fault_and_not_twenty(site: Site) -> None:
    settings = replace(site.settings, database=replace(site.settings.database, dsn=site.dsn))
    site.server.stop()
    lines = {line.name: line for line in await checkup(settings)}
    assert lines["database"].state is State.WRONG
    assert "Connection refused" in lines["database"].says
    assert lines["schema"].state is lines["roles"].state is State.SKIPPED
    assert site.dsn.split(":")[2].split("@")[0] not in str(lines)  # the password


async def test_database_of_nobody_is_named_with_what_to_set(tmp_path: Path) -> None:
    line = await said(replace(Settings(), run_dir=tmp_path), "database")
    assert line.state is State.WRONG
    assert "CAREHUB_DATABASE_DSN" in line.says


async def test_migration_that_has_not_run_is_named(installed: Settings) -> None:
    assert (await said(installed, "schema")).state is State.OK
    done(installed, "delete from schema_migration where name like '0022%'")
    line = await said(installed, "schema")
    assert line.state is State.WRONG
    assert "0022" in line.says
    assert line.advice == "carehub migrate"


async def test_schema_of_another_release_is_told_from_a_later_one(installed: Settings) -> None:
    done(installed, "insert into schema_migration values ('9999_later.sql', 'x', now())")
    assert (await said(installed, "schema")).state is State.DOUBT
    done(installed, "update schema_migration set sha256 = 'x' where name like '0003%'")
    line = await said(installed, "schema")
    assert (line.state, "another text" in line.says) == (State.WRONG, True)


async def test_empty_database_has_no_schema_and_the_rest_is_not_looked_at(
    postgres: EmbeddedPostgres, installed: Settings
) -> None:
    bare = replace(installed, database=replace(installed.database, dsn=postgres.dsn("postgres")))
    lines = {line.name: line for line in await checkup(bare)}
    assert lines["schema"].state is State.WRONG
    assert lines["staff"].state is State.SKIPPED


async def test_clock_that_was_set_by_hand_is_wrong(installed: Settings) -> None:
    assert (await said(installed, "clock")).state is State.OK
    done(installed, "insert into clock (at) values (now() - interval '1 hour')")
    assert (await said(installed, "clock")).state is State.WRONG


async def test_promise_that_is_off_is_named(installed: Settings) -> None:
    assert (await said(installed, "promises")).state is State.OK
    options = f"{installed.database.dsn}?options=-c%20synchronous_commit%3Doff"
    off = replace(installed, database=replace(installed.database, dsn=options))
    line = await said(off, "promises")
    assert (line.state, line.says) == (State.WRONG, "off: synchronous_commit")


async def test_log_that_nobody_fetches_is_wrong(installed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    line = await said(installed, "log")
    if "pg_monitor" in line.advice:
        pytest.skip("this server tells its user nothing of its log")
    assert line.state is State.OK
    done(installed, "select pg_create_physical_replication_slot('left_behind', true)")
    try:
        monkeypatch.setattr(of_database, "HELD_MUCH", -1)
        line = await said(installed, "log")
    finally:
        done(installed, "select pg_drop_replication_slot('left_behind')")
    assert line.state is State.WRONG
    assert "left_behind" in line.says


async def test_user_who_is_not_told_of_the_log_is_told_what_to_ask_for(installed: Settings) -> None:
    bound = make_conninfo(installed.database.dsn, options="-c role=carehub_web")
    line = await said(replace(installed, database=replace(installed.database, dsn=bound)), "log")
    assert (line.state, "grant pg_monitor" in line.advice) == (State.DOUBT, True)


# ---- the service ----


async def test_role_that_nobody_does_is_named(installed: Settings) -> None:
    assert "ingest, dispatch, audit" in (await said(installed, "roles")).says
    with psycopg.connect(installed.database.dsn, autocommit=True) as alive:
        alive.execute("select pg_advisory_lock(%s, 1)", (WORKERS,))
        done(installed, "insert into heartbeat (role, at) values ('audit', now())")
        line = await said(installed, "roles")
    assert (line.state, line.says) == (State.WRONG, "ingest: nobody does it")


@pytest.mark.parametrize("door", ["listener", "console"])
async def test_door_that_nobody_opens_is_wrong(installed: Settings, door: str) -> None:
    line = await said(installed, door)
    assert line.state is State.WRONG
    assert "port" in line.advice


async def test_console_whose_port_another_program_has_is_wrong(installed: Settings, somebody: int) -> None:
    line = await said(replace(installed, console=replace(installed.console, port=somebody)), "console")
    assert line.state is State.WRONG


async def test_listener_whose_port_another_program_has_is_wrong(
    installed: Settings, somebody: int, mosquitto: Callable[..., Mosquitto]
) -> None:
    line = await said(replace(installed, listener=replace(installed.listener, port=somebody)), "listener")
    assert (line.state, "speaks no MQTT" in line.says) == (State.WRONG, True)
    speaks = replace(installed, listener=replace(installed.listener, port=mosquitto().port))
    assert (await said(speaks, "listener")).state is State.OK


async def test_broker_that_is_away_is_wrong(installed: Settings, somebody: int) -> None:
    on = replace(installed.bridge, enabled=True, port=free_port())
    assert (await said(replace(installed, bridge=on), "bridge")).state is State.WRONG
    there = replace(installed, bridge=replace(on, port=somebody))  # open, and the ingest that would know is away
    assert (await said(there, "bridge")).state is State.DOUBT
    assert (await said(installed, "bridge")).state is State.SKIPPED


async def test_tracker_port_that_is_closed_is_named(installed: Settings) -> None:
    port = free_port()
    line = await said(replace(installed, gateway=replace(installed.gateway, enabled=True, port=port)), "trackers")
    assert (line.state, str(port) in line.says) == (State.WRONG, True)


async def test_provider_without_keys_is_wrong_and_none_at_all_is_a_doubt(installed: Settings) -> None:
    assert (await said(installed, "channels")).state is State.DOUBT
    told = replace(installed, channels=replace(installed.channels, voice=("aliyun",)))
    line = await said(told, "channels")
    assert (line.state, line.advice) == (State.WRONG, "set CAREHUB_SECRETS_ALIYUN_…")
    keys = replace(told, secrets=Secrets(aliyun_key_id="i", aliyun_key_secret="s"))
    assert (await said(keys, "channels")).state is State.OK


async def test_finding_that_is_open_is_named_until_it_is_over(installed: Settings) -> None:
    assert (await said(installed, "findings")).state is State.OK
    done(installed, "insert into audit_finding (rule, subject, found_at) values ('timer_late', 'incident:7', now())")
    assert "timer_late incident:7" in (await said(installed, "findings")).says
    done(installed, "update audit_finding set cleared_at = now()")
    assert (await said(installed, "findings")).state is State.OK


async def test_canary_that_is_lost_late_or_off_is_told_apart(installed: Settings) -> None:
    assert (await said(installed, "canary")).state is State.DOUBT  # no round yet
    done(installed, "insert into canary_round (at, seconds) values (now() - interval '1 hour', '{}')")
    assert "ago" in (await said(installed, "canary")).says
    done(installed, "insert into canary_round (at, lost, seconds) values (now(), 'puback', '{}')")
    line = await said(installed, "canary")
    assert (line.state, "puback" in line.says) == (State.WRONG, True)
    off = replace(installed, audit=replace(installed.audit, canary=False))
    assert (await said(off, "canary")).state is State.DOUBT


async def test_nobody_who_could_take_a_case_is_wrong(installed: Settings) -> None:
    line = await said(installed, "staff")
    assert (line.state, "--role operator" in line.advice) == (State.WRONG, True)
    people = "insert into person (name, role, login, password_hash, created_at) values ('李', '{0}', '{0}', 'x', now())"
    done(installed, people.format("operator"))
    assert (await said(installed, "staff")).state is State.DOUBT
    done(installed, people.format("supervisor"))
    assert (await said(installed, "staff")).state is State.OK


async def test_roster_with_a_hole_and_resident_with_nobody_are_doubts(installed: Settings) -> None:
    assert "no residents" in (await said(installed, "duty")).says
    done(
        installed, "insert into resident (name, area, created_at) values ('王', 'east', now())",
        "insert into coverage_run values (true, now(), 1, 24, 0.5, 0.1, 15)",
        "insert into coverage_hole (kind, first_hour, last_hour) values ('nobody', now(), now())",
    )  # fmt: skip
    assert "1 holes" in (await said(installed, "duty")).says
    assert "1 of 1 residents" in (await said(installed, "circles")).says


async def test_sign_in_of_a_retired_device_is_wrong(installed: Settings) -> None:
    assert (await said(installed, "credentials")).state is State.OK
    done(
        installed, "insert into device (address, state, created_at) values ('carehub:w9', 'retired', now())",
        "insert into credential (username, secret_sha256, kind, topic_prefix, device_id, created_at)"
        " select 'w9', 'x', 'device', 'carehub/w9/', id, now() from device",
    )  # fmt: skip
    line = await said(installed, "credentials")
    assert (line.state, "w9" in line.says) == (State.WRONG, True)


async def test_link_that_no_phone_can_open_is_a_doubt(installed: Settings) -> None:
    assert (await said(installed, "public url")).state is State.DOUBT
    how = replace(installed.console, public_url="https://carehub.example.org", secure_cookies=True)
    assert (await said(replace(installed, console=how), "public url")).state is State.OK


async def test_watch_without_siren_or_heartbeat_is_a_doubt(installed: Settings) -> None:
    assert "no siren, no heartbeat" in (await said(installed, "siren")).says
    how = replace(installed.audit, siren_command=("true",), heartbeat_url="https://example.org/secret")
    line = await said(replace(installed, audit=how), "siren")
    assert (line.state, "secret" in str(line)) == (State.OK, False)


# ---- the machine ----


async def test_full_disk_is_wrong(installed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_machine, "LEAST_FREE", 1 << 60)
    assert (await said(installed, "disk")).state is State.WRONG


async def test_secret_that_others_may_read_is_wrong_with_the_command_to_mend_it(installed: Settings) -> None:
    file = installed.run_dir / "secrets.json"
    file.touch(mode=0o600)
    assert (await said(installed, "secrets")).state is State.OK
    file.chmod(0o644)
    line = await said(installed, "secrets")
    assert (line.state, line.advice) == (State.WRONG, f"chmod go= {file}")


@pytest.mark.parametrize(("days", "state"), [(-1, State.WRONG), (5, State.DOUBT), (200, State.OK)])
async def test_certificate_is_told_by_the_days_it_has_left(
    installed: Settings, tmp_path: Path, days: int, state: State
) -> None:
    key, until = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC) + timedelta(days=days, hours=1)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "carehub.test")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(until - timedelta(days=300)).not_valid_after(until).sign(key, hashes.SHA256())
    )  # fmt: skip
    (tmp_path / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))  # fmt: skip
    how = replace(installed.listener, tls_cert=str(tmp_path / "cert.pem"), tls_key=str(tmp_path / "key.pem"))
    line = await said(replace(installed, listener=how), "certificate")
    assert line.state is state, line.says


async def test_backup_that_is_missing_old_or_not_followed_is_wrong(site: Site) -> None:
    assert "not set" in (await said(site.settings, "backup")).says
    settings = replace(site.settings, backup=replace(site.settings.backup, to=str(site.shelf)))
    assert "no finished backup" in (await said(settings, "backup")).says
    made = make(site.settings, site.tools, site.shelf)
    assert "nobody follows" in (await said(settings, "backup")).says
    facts = json.loads((made.backup.folder / FACTS).read_text())
    old = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    (made.backup.folder / FACTS).write_text(json.dumps(facts | {"ended": old}))
    line = await said(settings, "backup")
    assert (line.state, "older than twice" in line.says) == (State.WRONG, True)


# ---- the command ----


def test_command_ends_with_one_and_shows_no_secret(installed: Settings) -> None:
    secret = "s3cr3t-that-nobody-sees"
    names = ("SECRETS_LINK_KEY", "SECRETS_ALIYUN_KEY_SECRET", "BRIDGE_PASSWORD", "AUDIT_SIREN_PASSWORD")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CAREHUB_")}
    environ |= {f"CAREHUB_{name}": secret for name in names}
    environ |= {"CAREHUB_AUDIT_HEARTBEAT_URL": f"https://example.org/{secret}", "CAREHUB_BACKUP_TO": "/nowhere"}
    environ |= {"CAREHUB_DATABASE_DSN": installed.database.dsn, "CAREHUB_RUN_DIR": str(installed.run_dir)}
    for more in ([], ["--json"]):
        ended = subprocess.run(
            [sys.executable, "-m", "hub", "doctor", *more], env=environ, capture_output=True, text=True, check=False,
            timeout=PATIENCE_S,
        )  # fmt: skip
        assert ended.returncode == 1, ended.stderr
        assert secret not in ended.stdout + ended.stderr
        password = str(conninfo_to_dict(installed.database.dsn).get("password", ""))
        assert f":{password}@" not in ended.stdout + ended.stderr
        if not given.named():  # that of somebody's test server may be a word like any other
            assert password not in ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
    lines = json.loads(ended.stdout)
    assert [line["name"] for line in lines] == [check.name for check in CHECKS]
    assert all(line["advice"] for line in lines if line["state"] == "wrong")


async def test_database_brought_back_without_its_sealing_key_says_so(
    installed: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The backup's database is there, its key lies where the machine burnt."""
    monkeypatch.delenv(sealed.KEY_VARIABLE, raising=False)
    sealed.use(tmp_path)
    sealed.add_key()
    done(installed, "insert into resident (name, created_at) values ('王', hub_now())")
    with psycopg.connect(installed.database.dsn, autocommit=True) as conn:
        row = conn.execute("select id from resident").fetchone()
        assert row is not None
        text = sealed.seal("resident.door_code", row[0], "4471#")
        conn.execute("update resident set door_code = %s", (text,))
    assert (await said(installed, "sealed")).state is State.OK
    sealed.keys_file().rename(tmp_path / "elsewhere")
    line = await said(installed, "sealed")
    assert line.state is State.WRONG
    assert "1 door codes and notes were sealed with a key that is not here" in line.says
    assert "seal.keys" in str(line)
    (tmp_path / "elsewhere").rename(sealed.keys_file())
    assert (await said(installed, "sealed")).state is State.OK
