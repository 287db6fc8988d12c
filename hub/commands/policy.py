"""carehub policy: check, explain or publish an escalation policy."""

import argparse
import asyncio
import sys
from pathlib import Path

from alerts import policy
from alerts.policy import PolicyError, PolicySet
from hub import config
from hub.errors import HubError
from hub.store import policies
from hub.store.pool import connect


def main(argv: list[str]) -> int:
    """Return 0, or 1 when the policy has a fault, which is printed with file and line."""
    options = _parser().parse_args(argv)
    settings = config.load(options.config)
    text = _read(options.file)
    try:
        if options.what == "publish":
            return asyncio.run(_publish(text, config.required_dsn(settings)))
        checked = _check(text, settings.database.dsn)
    except PolicyError as fault:
        print(f"{options.file}:{fault.line}: {fault.reason}", file=sys.stderr)
        return 1
    if options.what == "explain":
        print("\n\n".join(policy.explain(one, options.lang) for one in checked))
    else:
        print(f"{options.file}: {len(list(checked))} policies, no fault")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carehub policy", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings in TOML; the environment comes after it")
    commands = parser.add_subparsers(dest="what", required=True)
    for name, text in (
        ("check", "say what is wrong with a policy, without publishing it"),
        ("explain", "print who is called when, in words"),
        ("publish", "make it the policy of incidents that open from now on"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("file", type=Path, help="the policy in TOML")
        if name == "explain":
            command.add_argument("--lang", choices=("zh", "en"), default="zh")
    return parser


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise HubError(f"{path}: cannot be read ({err}); give the path of a policy in TOML, written in UTF-8") from None


def _check(text: str, dsn: str) -> PolicySet:
    """Check against the duty lists of the configured database, or, without one, believe that they exist."""
    return policies.check(text, asyncio.run(_rosters(dsn)) if dsn else policies.named_rosters(text))


async def _rosters(dsn: str) -> tuple[str, ...]:
    async with await connect(dsn, name="carehub policy") as conn:
        return await policies.rosters(conn)


async def _publish(text: str, dsn: str) -> int:
    async with await connect(dsn, name="carehub policy") as conn:
        version = await policies.publish(conn, text)
    print(f"version {version} is active; incidents that are open keep the version they started with")
    return 0
