"""What each key may do, for brokers other than our own listener: Mosquitto's dynamic security, EMQX's rules. Pure.

Keys are kept as hashes that no other broker understands, so an export names who may do what and never a password: set
one with `mosquitto_ctrl dynsec setClientPassword`, or in EMQX's user table, when the key is issued.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

ROLE = "carehub:{}"


@dataclass(frozen=True, kw_only=True)
class Right:
    """A user and the one prefix below which it may publish and subscribe; it ends in a slash."""

    username: str
    prefix: str


def usable(right: Right) -> bool:
    """Whether a prefix names one device's or one gateway's topics, and nothing beside them."""
    return right.prefix.endswith("/") and len(right.prefix) > 1 and not set(right.prefix) & set('+#$\0\n"%')


def mosquitto(rights: Iterable[Right], gone: Iterable[str] = ()) -> str:
    """Return the commands for `$CONTROL/dynamic-security/v1`: everything refused, then one role a user.

    Sent again, what is there already is left as it is, passwords included; users that are `gone` are switched off.
    """
    refused = [{"acltype": kind, "allow": False} for kind in
               ("publishClientSend", "publishClientReceive", "subscribe", "unsubscribe")]  # fmt: skip
    commands: list[dict[str, object]] = [{"command": "setDefaultACLAccess", "acls": refused}]
    for right in filter(usable, rights):
        role = ROLE.format(right.username)
        acls = [
            {"acltype": kind, "topic": f"{right.prefix}#", "priority": 0, "allow": True}
            for kind in ("publishClientSend", "publishClientReceive", "subscribePattern", "unsubscribePattern")
        ]
        commands.append({"command": "createRole", "rolename": role, "acls": acls})
        commands.append({"command": "createClient", "username": right.username, "roles": [{"rolename": role}]})
        commands.append({"command": "enableClient", "username": right.username})
    commands += [{"command": "disableClient", "username": username} for username in gone]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in commands)  # a line each; indenting takes a minute
    return f'{{"commands": [\n{lines}\n]}}\n'


def emqx(rights: Iterable[Right]) -> str:
    """Return EMQX's acl.conf: one rule a user, and at its end everything refused."""
    lines = [
        f"{{allow, {{username, {_quoted(right.username)}}}, all, [{_quoted(right.prefix + '#')}]}}."
        for right in filter(usable, rights)
    ]
    return "\n".join(("%% who may publish and subscribe where, as carehub keeps it", *lines, "{deny, all}.", ""))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
