"""The database role of organisations' people: where the hub's user may not make it, it says what a superuser does."""

import asyncio
from dataclasses import replace

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from hub.config import DatabaseSettings
from hub.keeping.checkup import CHECKS, Line, checkup
from hub.keeping.verdict import State
from hub.store.pool import MigrationError, migrate
from tests.integration.keeping.conftest import Site


def done(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement.encode())


def said(site: Site, dsn: str) -> Line:
    settings = replace(site.settings, database=DatabaseSettings(dsn=dsn))
    (line,) = asyncio.run(checkup(settings, [check for check in CHECKS if check.name == "access"]))
    return line


def test_user_who_may_make_no_role_is_told_what_a_superuser_does(site: Site) -> None:
    assert said(site, site.dsn).state is State.OK
    done(site.dsn, "create role plain login password 'plain'", "create database plain owner plain")
    plain = make_conninfo(site.dsn, user="plain", password="plain", dbname="plain")
    with pytest.raises(MigrationError, match=r"may not act as the role carehub_web\. as a superuser: grant"):
        migrate(plain)
    done(site.dsn, "grant carehub_web to plain")
    migrate(plain)
    assert said(site, plain).state is State.OK
    done(site.dsn, "revoke carehub_web from plain")
    assert "may not act" in said(site, plain).says
    done(site.dsn, "alter role carehub_web login")
    assert said(site, site.dsn).state is State.WRONG

    done(site.dsn, "drop database plain", "drop owned by carehub_web", "drop role carehub_web")
    line = said(site, site.dsn)
    assert line.state is State.WRONG
    assert "create role carehub_web" in line.advice
    done(site.dsn, "create database plain owner plain")
    with pytest.raises(MigrationError, match=r"may not create the role carehub_web.*create role carehub_web nologin"):
        migrate(plain)
