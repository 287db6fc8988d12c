"""The one who follows the log: interrupted it goes on where it was, too late it begins anew; the disk stays free."""

import asyncio
from datetime import datetime

import psycopg

from hub.keeping.follow import SLOT
from hub.keeping.restoring import restore
from hub.keeping.shelf import backups, choose, reach
from tests.integration.keeping.conftest import Site

HARDLY_ANY_LOG = {"max_slot_wal_keep_size": "48MB", "max_wal_size": "64MB", "min_wal_size": "32MB"}


def stop_following(site: Site) -> None:
    for each in site.followers:
        each.terminate()
        each.wait()
    site.followers.clear()


def write(site: Site, *words: str) -> datetime:
    """Commit some words, each with enough log behind it to fill a segment; returns the time after the last."""
    with psycopg.connect(site.dsn, autocommit=True) as conn:
        conn.execute("create table if not exists said (word text)")
        for word in words:
            conn.execute("insert into said values (%s)", (word,))
            conn.execute("select pg_switch_wal()")
        conn.execute("checkpoint")
    return site.moment()


async def test_log_goes_on_after_a_pause_of_who_follows_it(site: Site) -> None:
    await asyncio.to_thread(site.follow)
    write(site, "before")
    stop_following(site)
    write(site, "meanwhile")
    await asyncio.to_thread(site.follow_again)
    write(site, "after")
    await asyncio.to_thread(site.fetched)
    (one,) = backups(site.shelf)
    assert not reach(one)[1]
    await asyncio.to_thread(restore, one, site.folder / "run2", None)
    stop_following(site)
    site.server.stop()
    site.found(site.folder / "run2")
    await asyncio.to_thread(site.start)
    assert site.value("select array_agg(word order by word) from said") == ["after", "before", "meanwhile"]


async def test_server_lets_its_log_go_rather_than_fill_the_disk_and_a_new_backup_follows(site: Site) -> None:
    site.server.stop()
    site.server.start(HARDLY_ANY_LOG)
    await asyncio.to_thread(site.follow)
    kept = write(site, "kept")
    await asyncio.to_thread(site.fetched)
    stop_following(site)
    write(site, *"abcdefgh")
    assert site.value("select wal_status from pg_replication_slots where slot_name = %s", SLOT) == "lost"

    await asyncio.to_thread(site.follow)  # waits for the new base backup
    end = write(site, "after the hole")
    await asyncio.to_thread(site.fetched)
    old, new = backups(site.shelf)
    assert choose(site.shelf, kept) == old
    assert choose(site.shelf, end) == new
    before = await asyncio.to_thread(restore, old, site.folder / "run2", None)
    assert before.log_ends_early
    await asyncio.to_thread(restore, new, site.folder / "run3", None)
    stop_following(site)
    site.server.stop()
    for name, many in (("run2", 1), ("run3", 10)):
        site.found(site.folder / name)
        await asyncio.to_thread(site.start)
        assert site.value("select count(*) from said") == many
        site.server.stop()
