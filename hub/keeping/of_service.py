"""Checks of the service: its roles live, devices and people can reach it, somebody would come, the watch is awake."""

import asyncio
import contextlib
import re
from urllib.parse import urlsplit

import httpx

from hub.config import reachable
from hub.keeping.verdict import Patient, Verdict, doubt, ok, skipped, wrong
from hub.store.checkpoints import LOCK_CLASS
from hub.store.outbox import WORKERS
from hub.store.sql import queries

Q = queries("doctor")
ANSWER_S = 3.0
SILENT_S = 10.0  # a part of the watch that has not said anything for longer is gone
ROUNDS_LATE = 3.0  # of the canary
COVERAGE_OLD_S = 3 * 3600.0
NAMED = 3
GREETING, CONNACK = b"\x10\x12\x00\x04MQTT\x04\x02\x00\x0a\x00\x06doctor", b"\x20"  # MQTT 3.1.1
BRIDGE = re.compile(r'^carehub_ingress_connections\{source="bridge"\} (\S+)$', re.MULTILINE)


async def roles(of: Patient) -> Verdict:
    """Who has the locks that prove a life, and the auditor's own heartbeat."""
    owners = await of.row(Q.owners, ingest=LOCK_CLASS, workers=WORKERS)
    ages = {row["role"]: row["age_s"] for row in await of.rows(Q.parts)}
    gone = [name for name in ("ingest", "dispatch") if not owners[name]]
    gone += ["audit"] if ages.get("audit", SILENT_S + 1) > SILENT_S else []
    if gone:
        return wrong(f"{', '.join(gone)}: nobody does it")
    return ok(f"ingest owns the devices, {owners['dispatch']} dispatching, audit awake")


async def listener(of: Patient) -> Verdict:
    host, port = of.word.get("listener") or (of.settings.listener.host, of.settings.listener.port)
    at = f"{reachable(host)}:{port}"
    if not await _opens(reachable(host), port):
        return wrong(f"nobody listens at {at}")
    if not of.settings.listener.tls_cert and not await _speaks_mqtt(reachable(host), port):
        return wrong(f"what listens at {at} speaks no MQTT")
    return ok(f"MQTT at {at}")


async def gateway(of: Patient) -> Verdict:
    """Every port of the trackers."""
    how = of.settings.gateway
    doors = [(door.name, door.port) for door in how.doors()] if how.enabled else []
    if of.word.get("gateway"):
        doors = [("watch3g", of.word["gateway"][1])]
    if not doors:
        return skipped("not switched on")
    closed = [f"{name} {port}" for name, port in doors if not await _opens(reachable(how.host), port)]
    return wrong(f"nobody listens: {', '.join(closed)}") if closed else ok(f"{len(doors)} ports open")


async def bridge(of: Patient) -> Verdict:
    """Whether the broker takes connections, and ours are there by the ingest's own count."""
    how = of.settings.bridge
    if not how.enabled:
        return skipped("not switched on")
    if not await _opens(how.host, how.port):
        return wrong(f"nobody listens at {how.host}:{how.port}", "start the broker; bridge.host and bridge.port")
    metrics = of.settings.metrics
    status, text = await _get(f"http://{reachable(metrics.host)}:{metrics.ingest_port}/metrics")
    found = BRIDGE.search(text)
    if status != 200 or found is None:
        return doubt(f"{how.host}:{how.port} is open; the ingest does not say whether it is connected")
    if float(found[1]) < 1:
        return wrong(f"{how.host}:{how.port} is open and the hub is not connected", "bridge.username and its password")
    return ok(f"{how.host}:{how.port}, {float(found[1]):.0f} sessions")


async def console(of: Patient) -> Verdict:
    own = of.settings.console
    url = of.word.get("console_url") or f"http://{reachable(own.host)}:{own.port}"
    if of.settings.console.public_url:  # behind a proxy: the page itself, from here
        url = f"http://{reachable(own.host)}:{own.port}"
    status, text = await _get(f"{url}/readyz")
    if status == 200:
        return ok(f"{url} answers")
    return wrong(f"{url} {f'says {status}: {text.strip()[:80]}' if status else 'does not answer'}")


async def public_url(of: Patient) -> Verdict:
    """What responders' links begin with: a phone must be able to open it."""
    parts = urlsplit(of.settings.public_url)
    if parts.hostname in ("127.0.0.1", "localhost", "0.0.0.0"):
        return doubt(f"{of.settings.public_url}: no phone can open that")
    if parts.scheme != "https":
        return doubt(f"{of.settings.public_url}: without TLS", "put a proxy with a certificate before the console")
    if not of.settings.console.secure_cookies:
        return doubt("console.secure_cookies is off behind TLS", "console.secure_cookies = true")
    return ok(of.settings.public_url)


async def channels(of: Patient) -> Verdict:
    """Who can be called by telephone, and whether there are keys for it."""
    s = of.settings
    keys = {"aliyun": s.secrets.aliyun_key_id and s.secrets.aliyun_key_secret,
            "tencent": s.secrets.tencent_id and s.secrets.tencent_key}  # fmt: skip
    named = {*s.channels.sms, *s.channels.voice}
    if without := sorted(name for name in named if not keys[name]):
        up = ", ".join(f"CAREHUB_SECRETS_{name.upper()}_…" for name in without)
        return wrong(f"{', '.join(without)}: no keys", f"set {up}")
    if not s.channels.voice and not s.channels.sms:
        return doubt("no telephone and no SMS: only consoles, apps and webhooks ring")
    if not s.channels.voice:
        return doubt("SMS and no telephone: nobody is woken by a message")
    return ok(f"voice by {', '.join(s.channels.voice)}; SMS by {', '.join(s.channels.sms) or 'nobody'}")


async def watch(of: Patient) -> Verdict:
    """Whether anybody notices when the watch itself is gone, and whether it can be heard."""
    how = of.settings.audit
    lacks = [] if how.siren_command or how.siren_topic else ["no siren"]
    lacks += [] if how.heartbeat_url else ["no heartbeat to a watcher elsewhere"]
    if lacks:
        return doubt(f"{', '.join(lacks)}")
    ages = {row["role"]: row for row in await of.rows(Q.parts)} if of.conn else {}
    said = ", ".join(f"{name} {row['says']}" for name, row in ages.items() if name in ("siren", "outside"))
    return ok(said or "siren and heartbeat are configured")


async def findings(of: Patient) -> Verdict:
    found = await of.rows(Q.findings)
    if not found:
        return ok("none")
    first = "; ".join(f"{f['rule']} {f['subject']}" for f in found[:NAMED])
    return wrong(f"{len(found)} open: {first}{' …' if len(found) > NAMED else ''}")


async def canary(of: Patient) -> Verdict:
    how = of.settings.audit
    if not how.canary:
        return doubt("switched off")
    last = await of.row(Q.canary)
    if not last:
        return doubt("no round yet", f"the first comes within {how.canary_every_s:g} s of the start")
    if last["lost"]:
        return wrong(f"the last round was lost at {last['lost']}: {last['detail']}")
    if last["age_s"] > ROUNDS_LATE * how.canary_every_s:
        return wrong(f"the last round is {last['age_s']:.0f} s ago")
    return ok(f"came through {last['age_s']:.0f} s ago")


async def staff(of: Patient) -> Verdict:
    there = await of.row(Q.staff)
    said = f"{there['operators']} operators, {there['supervisors']} supervisors can sign in"
    if not there["operators"]:
        return wrong(said)
    return (
        ok(said) if there["supervisors"] else doubt(said, "carehub people person NAME --role supervisor --login NAME")
    )


async def duty(of: Patient) -> Verdict:
    """Holes of the coming days, by the hub's own computation."""
    there = await of.row(Q.duty)
    if not there["residents"]:
        return doubt("no residents yet", "carehub people resident NAME …")
    if there["age_s"] is None or there["age_s"] > COVERAGE_OLD_S:
        return doubt("coverage has not been worked out lately", "the audit role does that hourly")
    if there["holes"]:
        return doubt(f"{there['holes']} holes, the first begins {there['first_hour']:%Y-%m-%d %H:%M} UTC")
    return ok(f"no hole for {there['residents']} residents")


async def circles(of: Patient) -> Verdict:
    there = await of.row(Q.duty)
    alone = there["without_circle"]
    said = f"{alone} of {there['residents']} residents have nobody of their own"
    return doubt(said) if alone else ok("every resident has somebody of her own")


async def credentials(of: Patient) -> Verdict:
    names = [row["username"] for row in await of.rows(Q.ownerless)]
    if not names:
        return ok("each belongs to somebody")
    return wrong(f"{len(names)} of nobody: {', '.join(names[:NAMED])}{' …' if len(names) > NAMED else ''}")


async def _opens(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(ANSWER_S):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def _speaks_mqtt(host: str, port: int) -> bool:
    """Whether a greeting without name or password is answered as MQTT does: with a refusal."""
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(host, port)
            with contextlib.closing(writer):
                writer.write(GREETING)
                return await reader.read(1) == CONNACK
    except OSError:
        return False


async def _get(url: str) -> tuple[int, str]:
    """Return status and text; 0 when nobody answers."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_S) as http:
            answer = await http.get(url)
    except httpx.HTTPError:
        return 0, ""
    return answer.status_code, answer.text
