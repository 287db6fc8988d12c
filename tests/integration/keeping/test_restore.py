"""The machine burns down at night: what was committed until a moment comes back, nothing after, and the hub goes on."""

import asyncio
import json
import stat
from datetime import timedelta

import pytest

from hub.keeping.base import make
from hub.keeping.restoring import restore
from hub.keeping.shelf import BackupError, backups, choose
from tests.integration.ingest.conftest import Hub
from tests.integration.keeping.conftest import Site

INCIDENTS = "select array_agg(d.address order by d.address) from incident i join alert a on a.incident_id = i.id" \
            " join device d on d.id = a.device_id"  # fmt: skip


async def pressed(hub: Hub, device: str) -> int:
    """She presses, and is heard; returns the number of her case."""
    before = await hub.one("select coalesce(max(id), 0) from incident")
    hub.press(device)
    await hub.done()
    number = int(await hub.one("select max(id) from incident"))
    assert number > before
    return number


async def test_press_before_the_moment_is_there_and_none_after_it_and_the_hub_goes_on(site: Site) -> None:
    site.residents(6)
    async with site.hub() as hub:
        await pressed(hub, "w1")
        await asyncio.to_thread(site.follow)
        await pressed(hub, "w2")
        last = await pressed(hub, "w3")
        moment = site.moment()
        await pressed(hub, "w4")
        await pressed(hub, "w5")
        await asyncio.to_thread(site.fetched)
    (site.run_dir / "secrets.json").write_text("{}")
    site.disaster()

    site.found(site.folder / "run2")
    done = await asyncio.to_thread(restore, choose(site.shelf, moment), site.run_dir, moment)

    assert done.until is not None
    assert done.until <= moment
    assert done.holds["incidents"] == 3
    assert done.holds["open_incidents"] == 3
    assert done.breaks == ()
    assert not done.log_ends_early
    assert await asyncio.to_thread(site.start) == []  # the schema is this release's
    async with site.hub() as hub:
        assert await hub.one(INCIDENTS) == ["carehub:w1", "carehub:w2", "carehub:w3"]
        assert await hub.one("select count(*) from timer") == 3  # each still has its clock
        # On another machine the role that binds organisations' people came along, before what is granted to it.
        assert await hub.one("select pg_has_role(current_user, 'carehub_web', 'MEMBER')")
        assert await pressed(hub, "w6") > last
    await asyncio.to_thread(site.follow)  # and it is backed up again, beside the log of the cluster that burnt
    assert len(list((site.shelf / "wal").iterdir())) == 2


async def test_everything_that_was_fetched_comes_back_when_no_moment_is_given(site: Site) -> None:
    site.residents(2)
    async with site.hub() as hub:
        await asyncio.to_thread(site.follow)
        await pressed(hub, "w1")
        await pressed(hub, "w2")
        await asyncio.to_thread(site.fetched)
    site.disaster()
    site.found(site.folder / "run2")
    done = await asyncio.to_thread(restore, choose(site.shelf, None), site.run_dir, None)
    assert done.holds["incidents"] == 2
    assert done.breaks == ()


async def test_moment_the_log_does_not_reach_is_refused_and_nothing_is_left(site: Site) -> None:
    made = make(site.settings, site.tools, site.shelf)
    into = site.folder / "run2"
    with pytest.raises(BackupError, match="the log ends before that moment"):
        restore(made.backup, into, made.backup.ended + timedelta(hours=1))
    assert [path.name for path in into.iterdir()] == ["postgres.log"]  # what it said, to be read


def test_moment_before_the_first_backup_is_refused(site: Site) -> None:
    made = make(site.settings, site.tools, site.shelf)
    with pytest.raises(BackupError, match="no earlier time is there"):
        choose(site.shelf, made.backup.began - timedelta(hours=1))


def test_running_database_is_never_restored_over(site: Site) -> None:
    made = make(site.settings, site.tools, site.shelf)
    with pytest.raises(BackupError, match="stop it, or restore --into another"):
        restore(made.backup, site.run_dir, None, replace=True)
    assert site.value("select 1") == 1


def test_stopped_database_is_replaced_only_when_that_is_said_and_stays_aside(site: Site) -> None:
    made = make(site.settings, site.tools, site.shelf)
    site.server.stop()
    with pytest.raises(BackupError, match="say --replace"):
        restore(made.backup, site.run_dir, None)
    done = restore(made.backup, site.run_dir, None, replace=True)
    assert any(name.partition(".before-")[0].endswith("/postgres") for name in done.moved_aside)
    assert site.start() == []


def test_file_changed_in_the_backup_is_found_before_anything_is_laid_out(site: Site) -> None:
    made = make(site.settings, site.tools, site.shelf)
    with (made.backup.cluster / "PG_VERSION").open("a") as file:
        file.write(" ")
    with pytest.raises(BackupError, match="PG_VERSION"):
        restore(made.backup, site.folder / "run2", None)
    assert not (site.folder / "run2" / "postgres").exists()


async def test_case_changed_behind_the_hubs_back_is_named_after_the_restore(site: Site) -> None:
    site.residents(1)
    async with site.hub() as hub:
        number = await pressed(hub, "w1")
        await hub.conn.execute("update incident_event set actor = 'nobody' where seq = 1")
    made = make(site.settings, site.tools, site.shelf)
    done = await asyncio.to_thread(restore, made.backup, site.folder / "run2", None)
    assert [each.subject for each in done.breaks] == [f"incident:{number}"]


def test_backup_is_private_and_holds_the_keys_and_the_settings_of_the_environment(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.run_dir / "secrets.json").write_text('{"CAREHUB_SECRETS_LINK_KEY": "k"}')
    monkeypatch.setenv("CAREHUB_SECRETS_ALIYUN_KEY_ID", "id")
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", "postgresql://of-this-machine/only")
    made = make(site.settings, site.tools, site.shelf)
    assert set(made.files) == {"postgres.password", "secrets.json"}
    for path in (site.shelf, *made.backup.files.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    kept = json.loads((made.backup.files / "environment.json").read_text())
    assert kept["CAREHUB_SECRETS_ALIYUN_KEY_ID"] == "id"
    assert "CAREHUB_DATABASE_DSN" not in kept


def test_backup_is_refused_where_there_is_no_room(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.keeping.base.ROOM_BYTES", 1 << 60)
    with pytest.raises(BackupError, match="make room"):
        make(site.settings, site.tools, site.shelf)
    assert backups(site.shelf) == []


def test_command_keeps_so_many_and_says_when_nobody_follows_the_log(site: Site) -> None:
    for _ in range(3):
        done = site.carehub("backup", "--to", str(site.shelf), "--keep", "2")
        assert done.returncode == 0, done.stderr
    assert "nobody follows the log" in done.stderr
    assert "postgresql://" not in done.stdout + done.stderr
    assert len(backups(site.shelf)) == 2
    listed = site.carehub("backup", "--to", str(site.shelf), "--list")
    assert listed.stdout.count("Z  ") == 2


def test_second_follower_of_one_folder_is_refused(site: Site) -> None:
    site.follow()
    done = site.carehub("backup", "--to", str(site.shelf), "--follow")
    assert done.returncode == 2
    assert "followed by another process" in done.stderr
