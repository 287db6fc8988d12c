"""What the matrix asks of: for each line whose path names something that is not always there, one that is, made afresh.

A line whose act takes the thing away (a shift dropped, a key revoked) gets another each time it is asked.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

from hub.store import registry, registry_imports, registry_merge, work_orders
from hub.store.pool import Connection
from hub.store.work_orders import Order
from tests.integration.web.test_policies import POLICY
from tests.integration.web.world import World

Make: TypeAlias = Callable[[World, dict[str, Any]], int | str]
A_PDF = b"%PDF-1.4\n%%EOF\n"


def sql(*texts: str) -> Make:
    """Run these; the last one returns the number."""

    def made(world: World, about: dict[str, Any]) -> int:
        for text in texts[:-1]:
            world.sql(text, **about)
        return int(world.sql(texts[-1], **about)[0][0])

    return made


def order(world: World, about: dict[str, Any]) -> int:
    """An order of whoever asks."""

    async def given(conn: Connection) -> int:
        what = Order(kind="other", scope="看看门铃", due=date(2099, 1, 1), area="和平社区", quality="", place="3 号楼",
                     resident=None)  # fmt: skip
        made = await work_orders.make(conn, what, "hub")
        assert made is not None
        await work_orders.move(conn, made, "assign", "hub", assignee=about["p"])
        return made

    return world.run(given)


def file(world: World, about: dict[str, Any]) -> int:
    number = order(world, about)
    world.run(lambda conn: work_orders.add_file(conn, number, about["p"], A_PDF))
    return int(world.sql("select id from work_order_file where order_id = %(o)s", o=number)[0][0])


DRAW = (
    "insert into review_draw (drawn_at, since, until, strata, wanted, seed, algorithm, population,"
    " population_sha256, reviewers) values (hub_now(), hub_now() - interval '30 days', hub_now() + interval '1 day',"
    " '{area}', 1, 's', 'sha256', '[]', '', array[%(p)s::bigint]) returning id"
)


def review(*, signed: bool) -> Make:
    """A case to be reviewed by whoever asks; or reviewed, with something left to be done about it, by somebody else."""
    one = (
        "insert into review (draw_id, place, incident_id, stratum, reviewer_id) select max(id), 1, %(i)s, '', %(p)s"
        " from review_draw returning id"
    )
    if not signed:
        return sql(DRAW, one)
    return sql(
        DRAW,
        one,
        "update review set reviewer_id = %(x)s, reviewed_by = %(x)s, reviewed_at = hub_now(), score = 50,"
        " remedy = '回访', criteria = '{\"answered\": \"met\"}', remedy_due = '2099-01-01'"
        " where id = (select max(id) from review) returning id",
    )


def imported(world: World, about: dict[str, Any]) -> int:
    """A file that was read and shown, and waits for the word."""
    rows = [(2, {"name": "和平诊所", "kind": "medical"})]
    number, plan = world.run(lambda conn: registry_imports.keep(conn, "organisations", "机构.csv", rows, about["p"]))
    assert not plan.faults
    return number


def merged(world: World, about: dict[str, Any]) -> int:
    """Somebody who was registered twice, and is one now."""
    twins = [world.resident(short, "同一人", area="和平社区") for short in ("once", "twice")]

    async def done(conn: Connection) -> int:
        async with conn.transaction():
            await registry.acting(conn, f"person:{about['p']}", "merge")
            return await registry_merge.merge(conn, *twins)

    return world.run(done)


class Trained:
    """Drills as their processes leave them, in a folder of this test; one that is to be stopped runs."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self._made = 0
        self._running: list[subprocess.Popen[bytes]] = []

    def begin(self) -> str:
        """A drill that runs until it is told to end."""
        folder = self._folder()
        wait = "import signal, sys; print(flush=True); signal.pause()"
        child = subprocess.Popen([sys.executable, "-c", wait, str(folder)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()  # it is itself now: its command line names the folder
        self._running.append(child)
        return self._said(folder, child.pid)

    def over(self) -> str:
        """One that has ended, with its report."""
        folder = self._folder()
        (folder / "report.html").write_text("<!doctype html><title>演练</title>", encoding="utf-8")
        return self._said(folder, 0)

    def close(self) -> None:
        for child in self._running:
            child.kill()
            child.communicate()

    def _folder(self) -> Path:
        self._made += 1
        folder = self.run_dir.resolve() / "drills" / f"20990101-000000-{self._made:06x}"
        folder.mkdir(parents=True)
        return folder

    def _said(self, folder: Path, pid: int) -> str:
        said = {
            "story": "locked_door", "seed": 7, "speed": 1, "by": "马红", "at": "2099-01-01T00:00:00+00:00", "pid": pid,
        }  # fmt: skip
        (folder / "start.json").write_text(json.dumps(said), encoding="utf-8")
        return folder.name


POLICY_VERSION = (
    "insert into policy_version (sha256, body, active_from) values (gen_random_uuid()::text, %(policy)s, hub_now())"
    " returning id"
)
ROSTER = "insert into roster (name, created_at) values ('夜班', hub_now()) on conflict do nothing"
HANDOVER = (
    "update handover set ended_at = hub_now(), called_off = true where ended_at is null",
    "insert into handover (outgoing, incoming, begun_at) values (%(p)s, %(x)s, hub_now()) returning id",
)
# line: the part of its path, and what makes it. `p` asks, `x` is another, `i` a case, `r` a resident, `d` her device.
MADE: dict[str, tuple[str, Make]] = {
    "GET /install/orders/{order}": ("order", order),
    "POST /install/orders/{order}": ("order", order),
    "GET /work-orders/{order}": ("order", order),
    "POST /work-orders/{order}/{verb}": ("order", order),
    "POST /work-orders/{order}/files": ("order", order),
    "GET /work-orders/files/{file}": ("file", file),
    "GET /policies/versions/{number}": ("number", sql(POLICY_VERSION)),
    "POST /policies/versions/{number}/rollback": ("number", sql(POLICY_VERSION)),
    "GET /scripts/{number}": ("number", sql(
        "insert into script_version (sha256, body, published_at) select sha256, body, hub_now() from script_version"
        " order by id desc limit 1 returning id")),
    "GET /registry/organisations/{organisation_id}": ("organisation_id", sql("select min(id) from organisation")),
    "GET /reviews/{draw}": ("draw", sql(DRAW)),
    "GET /reviews/{draw}/export/{form}": ("draw", sql(DRAW)),
    "GET /reviews/cases/{review}": ("review", review(signed=False)),
    "POST /reviews/cases/{review}": ("review", review(signed=False)),
    "POST /reviews/cases/{review}/remedied": ("review", review(signed=True)),
    "POST /fleet/visits/{number}/done": ("number", sql(
        "insert into visit (device_id, resident_id, reason, booked_at, due) values (%(d)s, %(r)s, 'battery', hub_now(),"
        " hub_now()::date) returning id")),
    "POST /glass/{glass_id}/seen": ("glass_id", sql(
        "insert into break_glass (person_id, resident_id, reason, opened_at, ends_at) values (%(x)s, %(r)s,"
        " '家属来电询问昨晚的情况', hub_now(), hub_now()) returning id")),
    "POST /handover/{handover_id}/call_off": ("handover_id", sql(*HANDOVER)),
    "POST /handover/{handover_id}/cases/{incident_id}/{way}": ("handover_id", sql(
        *HANDOVER, "insert into handover_case (handover_id, incident_id) select max(id), %(i)s from handover"
        " returning handover_id")),
    "POST /ops/findings/{finding_id}/acknowledge": ("finding_id", sql(
        "insert into audit_finding (rule, subject, found_at)"
        " values ('page_late', 'page:' || gen_random_uuid(), hub_now()) returning id")),
    "GET /registry/import/{number}": ("number", imported),
    "POST /registry/import/{number}/confirm": ("number", imported),
    "POST /registry/merges/{merge}/undo": ("merge", merged),
    "GET /drills/{name}/report": ("name", lambda _, about: about["drills"].over()),
    "POST /drills/{name}/stop": ("name", lambda _, about: about["drills"].begin()),
    "POST /telephone/{call_id}/{verb}": ("call_id", sql(
        "insert into telephone_call (direction, state, provider, ours, number, party, asked_at, ended_at) values"
        " ('in', 'failed', 'simulated', gen_random_uuid()::text, '09510000077', 'unknown', hub_now(), hub_now())"
        " returning id")),
    "POST /registry/landmarks/{landmark_id}/remove": ("landmark_id", sql(
        "insert into landmark (kind, name, lat, lon)"
        " values ('aed', gen_random_uuid()::text, 38.47, 106.26) returning id")),
    "POST /rosters/shift/{shift}/drop": ("shift", sql(ROSTER,
        "insert into shift (person_id, roster, during) values (%(x)s, '夜班',"
        " tstzrange(hub_now() + interval '40 days', hub_now() + interval '41 days')) returning id")),
    "POST /rosters/override/{override}/drop": ("override", sql(ROSTER,
        "insert into shift_override (roster, during, on_id, created_at) values ('夜班',"
        " tstzrange(hub_now() + interval '40 days', hub_now() + interval '41 days'), %(x)s, hub_now()) returning id")),
    "POST /rosters/rotation/{rotation}/end": ("rotation", sql(ROSTER,
        "insert into rotation (roster, people, first_day, created_at) values ('夜班', array[%(x)s::bigint],"
        " hub_now()::date + 40, hub_now()) returning id")),
    "POST /subsidies/purchases/{purchase_id}/void": ("purchase_id", sql(
        "insert into purchase (resident_id, scheme, item, price_fen, bought_on, entered_by, entered_at) values (%(r)s,"
        " 'x', 'x', 100, hub_now()::date, 'person:1', hub_now()) returning id")),
    "POST /surge/{surge_id}/end": ("surge_id", sql(
        "insert into surge (area, reason, declared_by, began_at, ends_at) values ('和平社区', '停电', %(x)s, hub_now(),"
        " hub_now() + interval '1 hour') returning id")),
    "POST /tokens/{token_id}/revoke": ("token_id", sql(
        "insert into api_token (name, secret_sha256, hint, scopes, person_id, per_minute, created_at, created_by,"
        " expires_at) values ('t', decode(md5(random()::text), 'hex'), 'c', '{incidents:read}', %(x)s, 60, hub_now(),"
        " 'command:t', hub_now() + interval '1 day') returning id")),
}  # fmt: skip
# Small forms, as the page sends them. What is not here is sent empty, and answered with what is missing.
FORMS: dict[str, dict[str, str]] = {
    "POST /search": {"q": "王"}, "POST /registry": {"word": "王"}, "POST /language": {"language": "zh-CN"},
    "POST /access-log": {"word": "王"}, "POST /install/find": {"code": "carehub:w-1"},
    "POST /install/devices/{device_id}/residents": {"word": "王"}, "POST /fleet/visits/{number}/done": {"note": "换了"},
    "POST /glass/{glass_id}/seen": {"remark": "看过"}, "POST /rosters/shift/{shift}/drop": {"name": "夜班"},
    "POST /rosters/override/{override}/drop": {"name": "夜班"},
    "POST /rosters/rotation/{rotation}/end": {"name": "夜班"},
    "POST /registry/residents/{resident_id}/{verb}": {"locked": "no"},
    "POST /install/orders/{order}": {"verb": "accept"},
    "POST /reviews/cases/{review}/remedied": {"note": "已回访"},
    "POST /incidents/{incident_id}/{verb}": {"text": "回拨"},
    "POST /work-orders": {"kind": "other", "scope": "看看", "due": "2099-01-01"},
}  # fmt: skip


def make(name: str, world: World, person: int, case: int, drills: Trained) -> dict[str, str]:
    """Return the part of a line's path that names something, which is there now."""
    if name not in MADE:
        return {}
    part, maker = MADE[name]
    about = {
        "p": person, "x": world.people["spare"], "i": case, "r": world.residents["wang"],
        "d": world.devices["watch-wang"], "policy": POLICY, "drills": drills,
    }  # fmt: skip
    return {part: str(maker(world, about))}
