"""carehub policy: faults with file and line, words, rehearsals, publishing with history."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from hub import policies
from hub.__main__ import main
from hub.policies import NotPublishedError, Publisher
from hub.store import policies as store
from hub.store.pool import connect
from tests.integration.incidents.world import NOON, POLICY, World

pytestmark = pytest.mark.anyio


def test_sound_policy_passes(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(policy)]) == 0
    assert "2 policies, no fault" in capsys.readouterr().out


def test_fault_is_named_with_file_and_line(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text(POLICY.replace('"property"', '"janitor"'), encoding="utf-8")
    assert main(["policy", "check", str(policy)]) == 1
    line = 1 + POLICY.replace('"property"', '"janitor"').split('"janitor"', maxsplit=1)[0].count("\n")
    assert f"policy.toml:{line}: " in capsys.readouterr().err


@pytest.mark.parametrize(("lang", "word"), [("zh", "家属"), ("en", "family")])
def test_policy_is_explained_in_words(policy: Path, capsys: pytest.CaptureFixture[str], lang: str, word: str) -> None:
    assert main(["policy", "explain", str(policy), "--lang", lang]) == 0
    assert word in capsys.readouterr().out


def test_missing_file_says_what_to_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", "/nowhere/policy.toml"]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_publishing_without_a_database_says_what_to_set(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "publish", str(policy)]) == 2
    assert "CAREHUB_DATABASE_DSN" in capsys.readouterr().err


async def test_published_policy_is_the_one_of_new_incidents(
    world: World, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy.write_text(POLICY.replace('"call"', '"call anew"'), encoding="utf-8")  # noqa: ASYNC240
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", world.dsn)
    await world.forward(1)
    assert await asyncio.to_thread(main, ["policy", "publish", str(policy)]) == 0
    incident = await world.press()
    assert (await world.incident(incident)).policy.name == "call anew"


async def test_policy_that_asks_for_a_duty_list_nobody_is_on_is_not_published(
    world: World, policy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    night = POLICY.replace('role = "property"', 'role = "property", roster = "night"')
    policy.write_text(night, encoding="utf-8")  # noqa: ASYNC240
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", world.dsn)
    assert await asyncio.to_thread(main, ["policy", "publish", str(policy)]) == 1
    assert "night" in capsys.readouterr().err
    await world.conn.execute("update shift set roster = 'night' where person_id = %s", (world.names["guard"],))
    assert await asyncio.to_thread(main, ["policy", "publish", str(policy)]) == 0
    incident = await world.press()
    await world.forward(30)
    await world.fire()
    assert len(await world.pages(incident, "guard")) == 1


async def carehub(*words: str) -> int:
    """Run `carehub policy …` as a shell would, beside this test's own loop."""
    return await asyncio.to_thread(main, ["policy", *words])


async def test_gap_in_the_duty_list_and_people_out_of_reach_are_refused_together(
    world: World, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guard = world.names["guard"]
    await world.conn.execute("update shift set during = tstzrange(%s, %s) where person_id = %s",
                             (NOON, NOON + timedelta(hours=10), guard))  # fmt: skip
    await world.conn.execute("delete from contact where person_id = %s", (world.names["operator"],))
    assert await carehub("check", str(policy)) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert "policy.toml:10: operators operator: no way to reach them" in errors[0]
    assert "property guards (east) have gaps in the next 14 days: 11-21 22:00–12-05 12:00" in errors[1]


def test_file_that_an_editor_begins_with_a_mark_is_read(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text(policy.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert main(["policy", "check", str(policy)]) == 0
    assert "not TOML" not in capsys.readouterr().err


def test_check_without_a_database_says_what_it_could_not_ask(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(policy)]) == 0
    assert "no database is configured" in capsys.readouterr().out


async def test_doubts_are_published_only_by_force_and_written_down(
    world: World, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy.write_text(POLICY + "# anew\n", encoding="utf-8")  # noqa: ASYNC240
    await world.conn.execute("delete from shift where person_id = %s", (world.names["guard"],))
    assert await carehub("publish", str(policy), "--comment", "spring") == 1
    assert "--force" in capsys.readouterr().err
    assert await carehub("publish", str(policy), "--comment", "spring", "--force") == 0
    newest = (await store.history(world.conn))[0]
    assert newest.active
    assert newest.comment == "spring"
    assert [line for line, _, _ in newest.forced] == [15]
    assert newest.published_as.startswith("carehub policy (")
    capsys.readouterr()
    assert await carehub("show", str(newest.version), "--lang", "zh") == 0
    shown = capsys.readouterr().out
    assert "# in spite of line 15: 物业（east）在未来 14 天有空档" in shown
    assert "# +# anew" in shown


async def test_force_does_not_help_a_fault(world: World, policy: Path) -> None:
    policy.write_text(POLICY.replace('"property"', '"janitor"'), encoding="utf-8")  # noqa: ASYNC240
    assert await carehub("publish", str(policy), "--force") == 1
    assert len(await store.history(world.conn)) == 1


async def test_same_text_is_not_published_twice(world: World, policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await carehub("publish", str(policy)) == 2
    assert "version 1 is active and has this very text" in capsys.readouterr().err
    assert len(await store.history(world.conn)) == 1


async def test_old_text_comes_back_as_a_version_of_its_own_and_open_incidents_keep_theirs(
    world: World, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor = await world.person("Ma", "supervisor")
    await world.conn.execute("update person set login = 'ma' where id = %s", (supervisor,))
    before = await world.press()
    await world.forward(1)
    policy.write_text(POLICY.replace('"call"', '"call anew"'), encoding="utf-8")  # noqa: ASYNC240
    assert await carehub("publish", str(policy), "--by", "ma", "--comment", "try") == 0
    await world.forward(1)
    assert await carehub("rollback", "1", "--comment", "was better") == 0
    editions = await store.history(world.conn)
    assert [(e.version, e.restored, e.active) for e in editions] == [(3, 1, True), (2, None, False), (1, None, False)]
    assert editions[0].text == editions[2].text
    assert editions[1].published_as == "Ma"
    assert editions[2].open == 1
    assert await world.value("select policy_version from incident where id = %s", before) == 1
    assert (await world.incident(before)).policy.name == "call"
    capsys.readouterr()
    assert await carehub("history") == 0
    head, first, second, third, _ = capsys.readouterr().out.splitlines()
    assert head == "  version  published (Asia/Shanghai)"
    assert first.startswith("*       3")
    assert "was better · text of version 1" in first
    assert "Ma · try" in second
    assert "1 open" in third


async def test_times_of_publishing_are_the_districts_whatever_the_machines_are(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    await world.conn.execute("update policy_version set published_at = '2026-11-21T20:30Z'")
    assert await carehub("history") == 0
    assert "*       1  2026-11-22 04:30  " in capsys.readouterr().out
    assert await carehub("show", "1") == 0
    assert "published 2026-11-22 04:30:00 (Asia/Shanghai) by " in capsys.readouterr().out
    monkeypatch.setenv("CAREHUB_CONSOLE_ZONE", "Europe/Berlin")
    assert await carehub("history") == 0
    assert "published (Europe/Berlin)\n*       1  2026-11-21 21:30  " in capsys.readouterr().out


async def test_check_counts_what_is_to_mend_and_says_that_nobody_asked_the_people_yet(
    world: World, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy.write_text(POLICY.replace('role = "property"', 'role = "janitor", nearest = 0'), encoding="utf-8")  # noqa: ASYNC240
    assert await carehub("check", str(policy)) == 1
    told = capsys.readouterr()
    assert [line.split(": ")[1].split(" ")[0] for line in told.err.splitlines()] == ["unknown", "nearest"]
    assert told.out == "2 to mend; people and duty lists are looked at when the file has no fault\n"


async def test_policy_of_an_open_incident_rings_on_by_its_own_version(world: World, policy: Path) -> None:
    incident = await world.press()
    policy.write_text(POLICY.replace('role = "property"', 'role = "operator"'), encoding="utf-8")  # noqa: ASYNC240
    assert await carehub("publish", str(policy)) == 0
    await world.forward(30)
    await world.fire()
    assert len(await world.pages(incident, "guard")) == 1


async def test_two_who_publish_at_once_make_two_versions_one_after_the_other(world: World) -> None:
    async def one(number: int) -> int:
        async with await connect(world.dsn) as conn:
            text = f"{POLICY}# {number}\n"
            return await policies.publish(conn, text, Publisher(name=f"p{number}"), force=True)

    numbers = await asyncio.gather(*(one(n) for n in range(4)))
    assert len(set(numbers)) == 4
    assert [e.version for e in await store.history(world.conn)] == sorted((*numbers, 1), reverse=True)


async def test_who_edited_an_old_version_is_told_of_the_newer(world: World) -> None:
    by = Publisher(name="Ma")
    await policies.publish(world.conn, POLICY + "# one\n", by)
    with pytest.raises(NotPublishedError) as refused:
        await policies.publish(world.conn, POLICY + "# two\n", by, base=1)
    assert (refused.value.code, refused.value.version) == ("stale", 2)


async def test_dry_run_names_people_and_says_why_a_step_is_passed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.conn.execute("update shift set during = tstzrange(%s, %s) where person_id = %s",
                             (NOON, NOON + timedelta(hours=1), world.names["guard"]))  # fmt: skip
    assert await carehub("dry-run", "--resident", "Wang Xiulan", "--at", "2026-11-22T02:14", "--lang", "en") == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Wang Xiulan ({world.resident}), block 3, 501\n")
    assert "    0:00  02:14:00      daughter (family): web service" in said
    assert "    0:10  02:14:10      daughter (family): duty terminal" in said
    assert "    0:30  02:14:30  step 2 is passed over: nobody to call among property guards" in said
    assert "off duty: guard" in said
    assert "    1:30  02:15:30  step 3 rings again" in said


async def test_dry_run_plays_a_policy_that_is_not_published(
    world: World, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy.write_text(POLICY.replace('wait = "30s"', 'wait = "15s"'), encoding="utf-8")  # noqa: ASYNC240
    number = str(world.resident)
    assert (
        await carehub("dry-run", "--resident", number, "--policy", str(policy), "--kind", "fall", "--lang", "en") == 0
    )
    said = capsys.readouterr().out
    assert "fall, critical: policy “call”" in said
    assert "    0:30  12:00:30  step 2" in said  # asked for 15 s, then 15 s of the first step
    assert "guard (property guards)" in said


async def test_operator_at_her_console_is_called_in_a_dry_run_of_now_and_of_no_other_time(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.conn.execute("delete from shift where person_id = %s", (world.names["operator"],))
    await world.at_console("operator")
    now = await world.now()
    resident = ("dry-run", "--resident", str(world.resident), "--lang", "en")
    assert await carehub(*resident) == 0
    assert capsys.readouterr().out.count("operator (operators): console") == 3  # at the first step, the last, and again
    assert await carehub(*resident, "--at", (now + timedelta(hours=12)).isoformat()) == 0
    assert "operator (operators)" not in capsys.readouterr().out


@pytest.mark.parametrize(("who", "said"), [("Nobody", "there is no resident 'Nobody'"), ("99", "no resident '99'")])
async def test_dry_run_of_nobody_says_what_to_give(
    world: World, capsys: pytest.CaptureFixture[str], who: str, said: str
) -> None:
    assert await carehub("dry-run", "--resident", who) == 2
    assert said in capsys.readouterr().err


async def test_dry_run_of_two_of_one_name_asks_which(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await world.conn.execute("insert into resident (name, created_at) values ('Wang Xiulan', hub_now())")
    assert await carehub("dry-run", "--resident", "Wang Xiulan") == 2
    assert "several residents are called" in capsys.readouterr().err


async def test_active_policy_is_explained_without_the_canary_s(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await carehub("explain", "--active", "--lang", "en") == 0
    said = capsys.readouterr().out
    assert said.startswith("call\n")
    assert "canary" not in said
    assert await carehub("explain", "--active", "rest") == 0
    assert capsys.readouterr().out.startswith("rest\n")
    assert await carehub("explain", "--active", "none") == 2
