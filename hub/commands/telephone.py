"""carehub telephone: where operators are rung, what devices are called by; what the provider is told; a call to try."""

import argparse
import asyncio
import json
import secrets
from pathlib import Path

import httpx

from hub import config
from hub.channels import references
from hub.config import Settings, required_dsn
from hub.errors import HubError
from hub.store import register
from hub.store import telephony as store
from hub.store.console import row
from hub.store.pool import Connection, connect, hub_now
from hub.telephony import line_of, pbx, signing
from hub.telephony.reports import EXTENSION_LENGTH
from hub.telephony.telephone import dialable

TIMEOUT_S = 10.0


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    settings = config.load(options.config)
    required_dsn(settings)
    return int(asyncio.run(_run(options, settings)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carehub telephone", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    extension = commands.add_parser("extension", help="where the provider rings an operator")
    extension.add_argument("person", metavar="PERSON", help="number, name, account or telephone")
    extension.add_argument("extension", metavar="EXTENSION", help="of the PBX; '' for her registered phone")
    extension.set_defaults(run=_extension)
    sim = commands.add_parser("sim", help="the number that a device is called by, and calls with")
    sim.add_argument("device", type=int, metavar="DEVICE", help="its number")
    sim.add_argument("number", metavar="NUMBER", help="of its SIM; '' for none")
    sim.set_defaults(run=_sim)
    told = commands.add_parser("callbacks", help="what the provider is to be told")
    told.set_defaults(run=_callbacks)
    ring = commands.add_parser("ring", help="somebody calls in, as the PBX would report it: to try it")
    ring.add_argument("number", metavar="NUMBER", help="who calls; '' withheld")
    ring.set_defaults(run=_ring)
    return parser


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    async with await connect(settings.database.dsn, name="carehub telephone") as conn:
        await options.run(conn, options, settings)
    return 0


async def _extension(conn: Connection, options: argparse.Namespace, settings: Settings) -> None:
    who = await register.person(conn, options.person)
    said = options.extension.strip()
    if len(said) > EXTENSION_LENGTH:
        raise HubError(f"an extension has {EXTENSION_LENGTH} characters at most")
    await conn.execute(store.Q.set_extension, {"person": who.id, "extension": said})
    print(f"{who.name}: {said or 'her registered phone'}")


async def _sim(conn: Connection, options: argparse.Namespace, settings: Settings) -> None:
    number = options.number.strip()
    if number and dialable(number) is None:
        raise HubError(f"{number!r} is no telephone number")
    if await row(conn, store.Q.set_sim, device=options.device, number=number) is None:
        raise HubError(f"there is no device {options.device}; `carehub devices list` shows them")
    print(f"device {options.device}: {number or 'no number'}")


async def _callbacks(conn: Connection, options: argparse.Namespace, settings: Settings) -> None:
    base = settings.public_url.rstrip("/")
    if settings.telephone.provider == "aliyun":
        secret = references.path(settings.secrets.callback_key, "telephone", "aliyun")
        if not secret:
            raise HubError(config.secret_beside(settings, "CAREHUB_SECRETS_CALLBACK_KEY"))
        print(f"VoiceReport, VoiceCallReport, VoiceRecordReport (HTTP push): {base}/telephony/aliyun/{secret}")
    elif settings.telephone.provider:
        print(f"events, signed: {base}{pbx.PATH}")
    else:
        raise HubError("no provider: set telephone.provider to pbx or aliyun")


async def _ring(conn: Connection, options: argparse.Namespace, settings: Settings) -> None:
    line = line_of(settings)
    if settings.telephone.provider not in ("pbx", "simulated") or not line.key:
        raise HubError(
            "a call is made up only where a PBX would report one: telephone.provider pbx or simulated, and its key"
        )
    event = {"event": "ringing", "direction": "in", "reference": f"try-{secrets.token_hex(6)}", "from": options.number}
    body = json.dumps(event).encode()
    headers = signing.sign(line.key, "POST", pbx.PATH, body, await hub_now(conn))
    async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_S) as http:
        answer = await http.post(f"http://{config.reachable(settings.console.host)}:{settings.console.port}{pbx.PATH}",
                                 content=body, headers=headers)  # fmt: skip
    if answer.status_code != 200:
        raise HubError(f"the console says {answer.status_code}: is its key another?")
    print(f"{options.number or 'somebody without a number'} is calling: look at the console")
