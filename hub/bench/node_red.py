"""Node-RED 4.1 doing what a user would otherwise pick it for: MQTT in, rows of PostgreSQL out, many in one insert.

The flow is the usual one: mqtt in (parses JSON) → a function that adds the device → join (a thousand messages, or what
came in 50 ms) → a function that inserts them with one statement through `pg`, the driver that Node-RED's PostgreSQL
nodes stand on. It detects nothing, and acknowledges when a message has come, not when it is stored.
"""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from hub.bench.children import ended
from hub.bench.metrics_page import page
from hub.errors import HubError
from hub.ports import free_port

PACKAGES = ("node-red@4.1", "pg@8")
FOLDER = "NODE_RED_FOLDER"  # where it is installed, of the environment
START_LIMIT_S, INSTALL_LIMIT_S = 90.0, 900.0
JOINED, JOINED_S = 1_000, 0.05
COLUMNS = {
    "device": "text", "seq": "bigint", "at": "bigint", "hr": "real", "spo2": "real", "rr": "real", "temp": "real",
    "sys": "real", "dia": "real", "steps": "int", "battery": "real", "worn": "boolean",
}  # fmt: skip
TABLE = f"create table node_red ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})"
INSERT = f"insert into node_red select * from unnest({', '.join(f'${i}::{kind}[]' for i, kind in enumerate(COLUMNS.values(), 1))})"  # noqa: S608, E501
SETTINGS = """
const { Pool } = require('pg');
module.exports = {
  flowFile: 'flows.json', uiHost: '127.0.0.1', uiPort: %(port)d, httpNodeRoot: '/', credentialSecret: false,
  telemetry: { enabled: false }, diagnostics: { enabled: false }, logging: { console: { level: 'warn' } },
  functionGlobalContext: { pool: new Pool({ connectionString: process.env.PG_DSN, max: 4 }) },
};
"""
ADD_DEVICE = "msg.payload.device = msg.topic.split('/')[1];\nreturn msg;"
STORE = f"""
const rows = msg.payload;
const columns = {json.dumps(list(COLUMNS))}.map(name => rows.map(row => row[name]));
await global.get('pool').query({{ name: 'store', text: {json.dumps(INSERT)}, values: columns }});
node.done();
"""


class NodeRedError(HubError):
    """Node-RED cannot be measured here."""


def home(given: Path | None) -> Path:
    """Return where Node-RED is, or is to be: never inside the project."""
    return given or Path(os.environ.get(FOLDER) or Path.home() / ".cache" / "carehub" / "node-red")


def installed(folder: Path) -> bool:
    """Whether everything is there."""
    return (folder / "node_modules" / "node-red" / "red.js").exists() and (folder / "node_modules" / "pg").exists()


def install(folder: Path) -> None:
    """Install it with npm, in its own folder.

    Raises:
        NodeRedError: npm is missing, or could not.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise NodeRedError("npm is missing: apt-get install npm nodejs")
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False)
    if done.returncode or not installed(folder):
        raise NodeRedError(f"npm could not install {' '.join(PACKAGES)}:\n{done.stderr[-1000:]}")


def version(folder: Path) -> str:
    """Return which one it is."""
    said: dict[str, Any] = json.loads((folder / "node_modules" / "node-red" / "package.json").read_text())
    return str(said["version"])


def flow(broker_port: int) -> list[dict[str, Any]]:
    """Return the flow as Node-RED keeps it."""

    def node(name: str, kind: str, wires: str | None, **more: Any) -> dict[str, Any]:
        place = {"x": 100, "y": 100}  # a node without a place is taken for one of configuration
        return {
            "id": name,
            "type": kind,
            "z": "tab",
            "name": name,
            "wires": [[wires]] if wires else [],
            **place,
            **more,
        }

    function = {"outputs": 1, "timeout": 0, "noerr": 0, "initialize": "", "finalize": "", "libs": []}
    return [
        {"id": "tab", "type": "tab", "label": "bench"},
        {"id": "broker", "type": "mqtt-broker", "broker": "127.0.0.1", "port": str(broker_port), "clientid": "node-red",
         "autoConnect": True, "usetls": False, "protocolVersion": "4", "keepalive": "60", "cleansession": False},
        node("in", "mqtt in", "device", topic="carehub/+/vitals", qos="1", datatype="json", broker="broker", nl=False,
             rap=False, rh=0, inputs=0),
        node("device", "function", "join", func=ADD_DEVICE, **function),
        node("join", "join", "store", mode="custom", build="array", property="payload", propertyType="msg", key="topic",
             joiner="\\n", joinerType="str", accumulate=False, timeout=str(JOINED_S), count=str(JOINED),
             reduceRight=False),
        node("store", "function", None, func=STORE, **{**function, "outputs": 0}),
    ]  # fmt: skip


@contextlib.contextmanager
def running(where: Path, folder: Path, broker_port: int, dsn: str) -> Iterator[subprocess.Popen[bytes]]:
    """Node-RED at work between a broker and a table of its own."""
    node = shutil.which("node")
    if node is None or not installed(where):
        raise NodeRedError("Node-RED is not installed: run `carehub bench peers --install`")
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.js").write_text(SETTINGS % {"port": port})
    (folder / "flows.json").write_text(json.dumps(flow(broker_port)))
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(f"drop table if exists node_red; {TABLE}".encode())
    environ = {**os.environ, "PG_DSN": dsn, "NODE_PATH": str(where / "node_modules"), "NODE_ENV": "production"}
    red = where / "node_modules" / "node-red" / "red.js"
    with (folder / "node-red.log").open("wb") as log:
        command = [node, str(red), "--userDir", str(folder), "--settings", str(folder / "settings.js")]
        with ended(subprocess.Popen(command, env=environ, stdout=log, stderr=log)) as process:
            _wait(process, port, folder / "node-red.log")
            yield process


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not page(port, "settings"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise NodeRedError(f"Node-RED did not start:\n{log.read_text(errors='replace')[-1000:]}")
        time.sleep(0.1)


def stored(dsn: str) -> int:
    """Return how many rows it has written."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        row = conn.execute("select count(*) from node_red").fetchone()
    return int(row[0]) if row else 0
