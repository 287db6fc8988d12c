"""carehub people: register residents, who is called for them, and who works the console."""

import argparse
import asyncio
import secrets
from datetime import date
from pathlib import Path

import psycopg

from alerts.model import Role
from hub.channels import addresses
from hub.config import Settings, load, required_dsn
from hub.errors import HubError
from hub.store import devices, people, phone
from hub.store.pool import Connection, connect
from hub.web.auth import CONSOLE_ROLES, hash_password

ROLES = (*(str(role) for role in Role), "supervisor")
PASSWORD_BYTES = 12


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    settings = load(options.config)
    required_dsn(settings)
    return int(asyncio.run(_run(options, settings)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carehub people", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    commands = parser.add_subparsers(required=True, metavar="resident | person | link | list")
    resident = commands.add_parser("resident", help="somebody who lives alone; prints her number")
    resident.add_argument("name")
    resident.add_argument("--born", type=date.fromisoformat, metavar="YYYY-MM-DD")
    for field, text in (
        ("area", "whose community workers and guards serve her"), ("address", ""), ("phone", ""),
        ("entrance", "how to get in"), ("key-place", "where a key is kept"), ("door-code", "shown on demand only"),
        ("ability", "自理, 半失能 or 失能"),
    ):  # fmt: skip
        resident.add_argument(f"--{field}", default="", help=text)
    resident.add_argument("--language", default="zh-CN")
    resident.add_argument(
        "--risk", action="append", default=[], help="lives_alone, falls, heart_failure, dog …; again for more"
    )
    _place(resident, "of her door")
    resident.set_defaults(run=_resident)
    person = commands.add_parser("person", help="somebody who is called, or who works the console")
    person.add_argument("name")
    person.add_argument("--role", required=True, choices=ROLES)
    person.add_argument("--area", default="", help="whose residents he serves; left out: everywhere")
    person.add_argument("--phone", default="")
    person.add_argument("--login", help="signs in at the console with this; the password is printed once")
    person.add_argument(
        "--contact", action="append", default=[], metavar="CHANNEL=ADDRESS", help="webhook=https://… or mqtt"
    )
    person.add_argument(
        "--for", dest="residents", type=int, action="append", default=[], metavar="NUMBER",
        help="a resident; again for more",
    )  # fmt: skip
    person.add_argument("--relation", default="", help="daughter, neighbour …")
    person.add_argument("--minutes", type=float, help="how far away; left out: from --lat and --lon, or unknown")
    person.add_argument("--on-duty", type=int, default=0, metavar="DAYS", help="on duty from now, for so many days")
    _place(person, "where he usually starts from")
    person.set_defaults(run=_person)
    link = commands.add_parser("link", help="a person's own page on his phone: prints its address, shown once")
    link.add_argument("person", type=int, metavar="NUMBER")
    link.add_argument("--revoke", action="store_true", help="end every link he has, and print none")
    link.set_defaults(run=_link)
    commands.add_parser("list", help="residents and people, by number").set_defaults(run=_list)
    return parser


def _place(parser: argparse.ArgumentParser, whose: str) -> None:
    parser.add_argument("--lat", type=float, help=f"degrees north, {whose}: minutes are worked out from it")
    parser.add_argument("--lon", type=float, help="degrees east")


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    async with await connect(settings.database.dsn, name="carehub people") as conn, conn.transaction():
        try:
            options.public_url = settings.public_url
            await options.run(conn, options)
        except psycopg.errors.UniqueViolation:
            raise HubError(f"somebody signs in as {options.login!r} already; choose another login") from None
        except psycopg.errors.ForeignKeyViolation:
            raise HubError("--for names a resident who is not registered; `carehub people list` shows them") from None
        await conn.execute("select pg_notify('carehub_config', '')")
    return 0


async def _resident(conn: Connection, options: argparse.Namespace) -> None:
    number = await people.add_resident(conn, people.Resident(
        name=options.name, area=options.area, address=options.address, phone=options.phone, born=options.born,
        entrance=options.entrance, language=options.language, ability=options.ability, risks=options.risk,
        key_place=options.key_place, door_code=options.door_code, lat=options.lat, lon=options.lon,
    ))  # fmt: skip
    print(f"resident {number}")


async def _person(conn: Connection, options: argparse.Namespace) -> None:
    contacts = [_contact(text) for text in options.contact]
    if options.role in CONSOLE_ROLES and not any(channel == "console" for channel, _ in contacts):
        contacts.append(("console", ""))
    if options.login and options.role not in CONSOLE_ROLES:
        raise HubError(f"only {' and '.join(sorted(CONSOLE_ROLES))} sign in at the console; leave --login out")
    password = secrets.token_urlsafe(PASSWORD_BYTES) if options.login else None
    number = await people.add_person(
        conn, options.name, options.role, area=options.area, phone=options.phone, login=options.login,
        password_hash=hash_password(password) if password else None,
    )  # fmt: skip
    await people.set_place(conn, number, options.lat, options.lon)
    for channel, address in contacts:
        await people.set_contact(conn, number, channel, address)
    for position, resident in enumerate(options.residents):
        await people.set_circle(
            conn, resident, number, relation=options.relation, minutes_away=options.minutes, position=position
        )
    if options.on_duty:
        await people.cover(conn, number, options.on_duty)
    print(f"person {number}")
    if password:
        print(f"  login     {options.login}\n  password  {password}   (shown once)")
    if ("mqtt", "") in contacts:
        await _terminal(conn, number)


async def _terminal(conn: Connection, number: int) -> None:
    """A responder's terminal signs in at the listener and hears its pages there."""
    prefix = f"carehub/responder/{number}/"
    await people.set_contact(conn, number, "mqtt", f"{prefix}page")
    credential = await devices.issue_credential(conn, f"responder-{number}", "responder", prefix, person_id=number)
    print(f"  terminal  {credential.username}\n  password  {credential.secret}   (shown once)\n  topics    {prefix}…")


async def _link(conn: Connection, options: argparse.Namespace) -> None:
    """His phone becomes the responders' app through this page."""
    if options.revoke:
        print(f"{await phone.revoke_links(conn, options.person)} links ended")
        return
    token, ends = await phone.make_link(conn, options.person)
    print(f"{options.public_url.rstrip('/')}/me/{token}\n  until     {ends:%Y-%m-%d}   (shown once; it is his alone)")


async def _list(conn: Connection, _: argparse.Namespace) -> None:
    for title, query in (
        ("residents", b"select id, name, area, address from resident order by id"),
        ("people", b"select id, name, role, area from person where active order by id"),
    ):
        print(title)
        for row in await (await conn.execute(query)).fetchall():
            print(f"{row[0]:>6}  {row[1]:<16}{row[2]:<16}{row[3]}")


def _contact(text: str) -> tuple[str, str]:
    channel, _, address = text.partition("=")
    if why := addresses.wrong(channel, address):
        raise HubError(f"{text!r} is no contact; {why}")
    return channel, address
