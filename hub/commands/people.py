"""carehub people: register residents, who is called for them, and who works the console."""

import argparse
import asyncio
import getpass
import secrets
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from alerts.model import Role
from hub.channels import addresses
from hub.commands import people_absence, people_fhir, people_import, people_list
from hub.commands.places import add_place, place_of, shown
from hub.config import Settings, load, required_dsn
from hub.errors import HubError
from hub.passwords import hash_password
from hub.policies import whose
from hub.store import accounts, contacts, device_life, devices, homes, people, phone, register, registry, sealing
from hub.store.pool import Connection, connect
from hub.web.auth import CONSOLE_ROLES, INSTALLER
from hub.web.auth import ROLES as SIGN_IN
from hub.web.words import LANGUAGES, RISKS

ROLES = (*(str(role) for role in Role), "supervisor", INSTALLER, "dispatcher", "administrator", "auditor")
PASSWORD_BYTES = 12
CONTACT = (
    "how to reach him; again for more. app: his phone, once he has opened the page of `carehub people link`. sms=13…"
    " and voice=13…: a number. email=name@example.org. webhook=https://…: a service of his. mqtt: a terminal, whose"
    " password is printed; or mqtt=TOPIC. siren=TOPIC. apprise=NAME: the target of CAREHUB_APPRISE_<NAME>. console:"
    " operators have it anyway"
)


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    settings = load(options.config)
    required_dsn(settings)
    return int(asyncio.run(_run(options, settings)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carehub people", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _resident_parser(commands.add_parser("resident", help="register somebody who lives alone; prints her number"))
    _person_parser(commands.add_parser("person", help="register somebody who is called, or who works the console"))
    change = commands.add_parser("change", help="another way to reach a person, another resident he is called for")
    change.add_argument("person", metavar="PERSON", help="number, name, account or telephone")
    _attached(change)
    change.add_argument(
        "--not-for",
        action="append",
        default=[],
        metavar="RESIDENT",
        help="he is called for her no more; again for more",
    )
    add_place(change, "where he usually starts from")
    change.set_defaults(run=_change, login=None)
    link = commands.add_parser("link", help="a person's own page on his phone: prints its address, shown once")
    link.add_argument("person", metavar="PERSON", help="number, name, account or telephone")
    link.add_argument("--revoke", action="store_true", help="end every link he has, and print none")
    link.set_defaults(run=_link)
    _consent_parser(commands.add_parser("consent", help="what she has agreed to; given or taken back by telephone"))
    people_absence.add_to(commands)
    people_import.add_to(commands)
    people_fhir.add_to(commands)
    scale = commands.add_parser("spo2-scale", help="which SpO2 scale of NEWS2 her clinician set, from now on")
    scale.add_argument("resident", metavar="RESIDENT", help="number or name")
    scale.add_argument("scale", type=int, choices=(1, 2), help="2: for hypercapnic respiratory failure only")
    scale.set_defaults(run=_spo2_scale)
    listing = commands.add_parser("list", help="residents and people: who is called for whom, how, and who is on duty")
    listing.add_argument("--area", help="only hers, and those who serve her")
    listing.add_argument("--json", action="store_true", help="one JSON object, with addresses in full")
    listing.set_defaults(run=_list)
    return parser


def _resident_parser(resident: argparse.ArgumentParser) -> None:
    resident.add_argument("name")
    resident.add_argument("--born", type=date.fromisoformat, metavar="YYYY-MM-DD")
    for field, text in (
        ("area", "whose community workers and guards serve her"), ("address", "read out to whoever goes"),
        ("phone", "hers: operators call it back"),
        ("entrance", "how to get in"), ("key-place", "where a key is kept"), ("door-code", "shown on demand only"),
        ("ability", "自理, 半失能 or 失能"),
    ):  # fmt: skip
        resident.add_argument(f"--{field}", default="", help=text)
    resident.add_argument("--language", default="zh-CN", help="what she speaks; left out: %(default)s")
    resident.add_argument(
        "--risk",
        action="append",
        default=[],
        help=f"{', '.join(RISKS)}, or other words, which are shown as they are; again for more",
    )
    resident.add_argument(
        "--spo2-scale", type=int, choices=(1, 2), default=1,
        help="SpO2 scale of NEWS2; 2 only where a clinician set it; left out: %(default)s",
    )  # fmt: skip
    add_place(resident, "of her door")
    people_absence.add_fence(resident)
    resident.set_defaults(run=_resident)


def _consent_parser(consent: argparse.ArgumentParser) -> None:
    consent.add_argument("resident", metavar="RESIDENT", help="number or name; without --yes and --no, what was said")
    said = consent.add_mutually_exclusive_group()
    said.add_argument("--yes", dest="given", action="store_true", default=None, help="read aloud, and agreed to")
    said.add_argument("--no", dest="given", action="store_false", help="refused, or taken back: her devices ring on")
    consent.add_argument("--said-by", choices=contacts.SAID_BY, help="whose word it is")
    consent.add_argument("--by", metavar="PERSON", help="who heard it: number, name, account or telephone")
    consent.add_argument("--family-health", action="store_true", help="with --yes: her family sees what is measured")
    consent.add_argument(
        "--language", choices=LANGUAGES, default=LANGUAGES[0], help="of the text; left out: %(default)s"
    )
    consent.set_defaults(run=_consent)


def _person_parser(person: argparse.ArgumentParser) -> None:
    person.add_argument("name")
    person.add_argument("--role", required=True, choices=ROLES, metavar="ROLE", help=f"one of {', '.join(ROLES)}")
    person.add_argument("--area", default="", help="whose residents he serves; left out: everywhere")
    person.add_argument("--organisation", metavar="NAME", help="whose he is; a dispatcher sees its cases only")
    person.add_argument("--phone", default="", help="shown to operators; it is called only as --contact voice=…")
    person.add_argument(
        "--login", help=f"{' or '.join(sorted(SIGN_IN))}: signs in with this; the password is printed once"
    )
    _attached(person)
    add_place(person, "where he usually starts from")
    person.set_defaults(run=_person)


def _attached(parser: argparse.ArgumentParser) -> None:
    """What a person has from the start, or gets later."""
    parser.add_argument("--contact", action="append", default=[], metavar="CHANNEL=ADDRESS", help=CONTACT)
    parser.add_argument(
        "--for", dest="residents", action="append", default=[], metavar="RESIDENT",
        help="number or name of a resident he is called for; again for more",
    )  # fmt: skip
    parser.add_argument("--relation", default="", help="what he is to her: daughter, neighbour …")
    parser.add_argument("--minutes", type=float, help="how far away; left out: from --lat and --lon, or unknown")
    parser.add_argument("--on-duty", type=int, default=0, metavar="DAYS", help="on duty from now, for so many days")


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    async with await connect(settings.database.dsn, name="carehub people") as conn, conn.transaction():
        try:
            await sealing.begin(conn, settings.run_dir)
            await registry.acting(conn, f"command:{getpass.getuser()}", "command")
            options.public_url, options.zone = settings.public_url, ZoneInfo(settings.console.zone)
            await options.run(conn, options)
        except psycopg.errors.UniqueViolation:
            raise HubError(f"somebody signs in as {options.login!r} already; choose another login") from None
        await conn.execute("select pg_notify('carehub_config', '')")
    return 0


async def _resident(conn: Connection, options: argparse.Namespace) -> None:
    lat, lon = place_of(options)
    number = await people.add_resident(conn, people.Resident(
        name=options.name, area=options.area, address=options.address, phone=options.phone, born=options.born,
        entrance=options.entrance, language=options.language, ability=options.ability, risks=options.risk,
        key_place=options.key_place, door_code=options.door_code, lat=lat, lon=lon,
        spo2_scale=options.spo2_scale,
    ))  # fmt: skip
    if options.fence is not None:
        await homes.set_fence(conn, number, lat=None, lon=None, fence_m=options.fence)
    print(f"resident {number}")
    if lat is not None:
        print(f"  door      {shown(lat, lon)}")
    for unknown in [risk for risk in options.risk if risk not in RISKS]:
        print(f"  risk {unknown!r} is shown as written and counts for nothing else; known are {', '.join(RISKS)}")


async def _spo2_scale(conn: Connection, options: argparse.Namespace) -> None:
    home = await whose(conn, options.resident)
    before = await people.set_spo2_scale(conn, home.resident_id, options.scale)
    print(f"{home.name}: SpO2 scale {options.scale}, was {before}")


async def _person(conn: Connection, options: argparse.Namespace) -> None:
    contacts = [_contact(text) for text in options.contact]
    if options.role in CONSOLE_ROLES and not any(channel == "console" for channel, _ in contacts):
        contacts.append(("console", ""))
    if options.login and options.role not in SIGN_IN:
        raise HubError(f"only {' and '.join(sorted(SIGN_IN))} sign in at the console; leave --login out")
    if options.role == "dispatcher" and not options.organisation:
        raise HubError("a dispatcher sees his organisation's cases only; say whose he is: --organisation NAME")
    password = secrets.token_urlsafe(PASSWORD_BYTES) if options.login else None
    number = await people.add_person(
        conn, options.name, options.role, area=options.area, phone=options.phone, login=options.login,
        password_hash=hash_password(password) if password else None,
    )  # fmt: skip
    if options.organisation:
        await accounts.join(conn, number, options.organisation)
    lat, lon = place_of(options)
    await people.set_place(conn, number, lat, lon)
    print(f"person {number}")
    if lat is not None:
        print(f"  place     {shown(lat, lon)}")
    if password:
        print(f"  login     {options.login}\n  password  {password}   (shown once)")
    await _attach(conn, number, contacts, options)
    if not contacts and options.role not in SIGN_IN:
        print(
            f"  note      nothing reaches {options.name} yet: carehub people change {number} --contact CHANNEL=ADDRESS"
        )
    if options.role == Role.FAMILY and not options.residents:
        print(f"  note      family is called for nobody else's sake: carehub people change {number} --for RESIDENT")


async def _change(conn: Connection, options: argparse.Namespace) -> None:
    who = await register.person(conn, options.person)
    lat, lon = place_of(options)
    moved = lat is not None
    if not (options.contact or options.residents or options.not_for or options.on_duty or moved):
        raise HubError("say what changes: --contact, --for, --not-for, --on-duty, or --lat and --lon together")
    if moved:
        await people.set_place(conn, who.id, lat, lon)
    await _attach(conn, who.id, [_contact(text) for text in options.contact], options)
    for resident in options.not_for:
        home = await whose(conn, resident)
        if not await people.leave_circle(conn, home.resident_id, who.id):
            raise HubError(f"{who.name} is not called for {home.name} as one of hers")
    print(f"person {who.id}: {who.name}{f', {shown(lat, lon)}' if moved else ''}")


async def _attach(
    conn: Connection, number: int, contacts: Sequence[tuple[str, str]], options: argparse.Namespace
) -> None:
    for channel, address in contacts:
        if (channel, address) == ("mqtt", ""):
            await _terminal(conn, number)
        else:
            await people.set_contact(conn, number, channel, address)
    for position, resident in enumerate(options.residents):
        home = await whose(conn, resident)
        await people.set_circle(
            conn, home.resident_id, number, relation=options.relation, minutes_away=options.minutes, position=position
        )
    if options.on_duty:
        await people.cover(conn, number, options.on_duty)


async def _terminal(conn: Connection, number: int) -> None:
    """A responder's terminal signs in at the listener and hears its pages there."""
    prefix = f"carehub/responder/{number}/"
    await people.set_contact(conn, number, "mqtt", f"{prefix}page")
    credential = await devices.issue_credential(conn, f"responder-{number}", "responder", prefix, person_id=number)
    print(f"  terminal  {credential.username}\n  password  {credential.secret}   (shown once)\n  topics    {prefix}…")


async def _link(conn: Connection, options: argparse.Namespace) -> None:
    """His phone becomes the responders' app through this page."""
    who = await register.person(conn, options.person)
    if options.revoke:
        print(f"{await phone.revoke_links(conn, who.id)} links of {who.name} ended")
        return
    token, ends = await phone.make_link(conn, who.id)
    until = ends.astimezone(options.zone)
    print(f"{options.public_url.rstrip('/')}/me/{token}")
    if who.role == Role.FAMILY:
        print(f"{options.public_url.rstrip('/')}/f/{token}   (how she is, who is coming)")
    print(f"  for       {who.name}\n  until     {until:%Y-%m-%d}   (shown once; it is his alone)")


async def _consent(conn: Connection, options: argparse.Namespace) -> None:
    """A call to the centre is enough. Her devices go on: a no does not leave her without help."""
    home = await whose(conn, options.resident)
    if options.given is not None:
        if not options.said_by or not options.by:
            raise HubError("say whose word it is and who heard it: --said-by and --by")
        who = await register.person(conn, options.by)
        number = await contacts.consented(
            conn, home.resident_id, given=options.given, said_by=options.said_by, read_by=who.id,
            language=options.language, family_health=options.family_health,
        )  # fmt: skip
        held = await contacts.devices_in_hand(conn, home.resident_id)
        for device in held:
            facts = {"consent": number, "given": options.given}
            await device_life.note(conn, device["id"], "consent", f"person:{who.id}", facts=facts)
        if held and not options.given:
            print(f"  note      {', '.join(one['address'] for one in held)}: rings on, and operators see the no on"
                  " /install; when she wants it gone: carehub devices retire")  # fmt: skip
    for said in await contacts.consents(conn, home.resident_id):
        word, at = "yes" if said.given else "no", said.at.astimezone(options.zone)
        more = ", her family sees heart rate and oxygen" if said.given and said.family_health else ""
        print(f"{at:%Y-%m-%d %H:%M}  {word:<4} said by {said.said_by}, heard by {said.read_by}{more}")


async def _list(conn: Connection, options: argparse.Namespace) -> None:
    homes, everybody = await register.residents(conn, area=options.area), await register.people(conn, area=options.area)
    print((people_list.as_json if options.json else people_list.as_tables)(homes, everybody, options.zone))


def _contact(text: str) -> tuple[str, str]:
    channel, _, address = text.partition("=")
    if why := addresses.wrong(channel, address):
        raise HubError(f"{text!r} is no contact; {why}")
    return channel, address
