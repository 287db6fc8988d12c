"""A database of the release before is given the metres of its positions, and so are the views of organisations."""

from pathlib import Path

import psycopg

from hub import store

MIGRATION = Path(store.__file__).parent / "migrations" / "0050_how_far_off.sql"
HAVE = (
    "select table_schema || '.' || table_name from information_schema.columns"
    " where column_name = 'accuracy_m' and table_name in ('observation', 'observation_hers') order by 1"
)


def test_positions_stored_before_have_room_for_their_metres(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        there = conn.execute(HAVE).fetchall()
        conn.execute("drop view if exists carehub_web.observation, carehub_web.observation_hers")
        conn.execute("alter table observation drop column accuracy_m")
        conn.execute("select carehub_views()")
        assert conn.execute(HAVE).fetchall() == []
        conn.execute(MIGRATION.read_bytes())
        assert conn.execute(HAVE).fetchall() == there
        assert ("carehub_web.observation",) in there
        may = conn.execute("select has_table_privilege('carehub_web', 'carehub_web.observation', 'select')").fetchone()
        assert may == (True,)
