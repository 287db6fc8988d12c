"""The command line: carehub COMMAND …"""

import difflib
import importlib
import os
import sys

import psycopg

from hub.errors import HubError

COMMANDS = {
    "up": "run everything on this machine; --demo with a simulated neighbourhood, --headless to play one scenario",
    "ingest": "role: MQTT listener, broker bridge, TCP gateway, detectors",
    "dispatch": "role: escalation timers and pages",
    "console": "role: operators' web console and responders' pages",
    "audit": "role: checks that nothing is silent, follows the homes, keeps partitions ahead",
    "siren": "try the local siren, acknowledge it while the database is away, write a sound for it",
    "migrate": "bring the database up to this release",
    "backup": "copy the database and the keys, follow its log; --list: what there is",
    "restore": "bring a backup back as it was at a moment, into a folder of its own",
    "doctor": "what is wrong with this installation, and what to do about it",
    "seal": "keys of door codes and health notes: show, make, change them",
    "retention": "what is kept how long; --apply: clear what is over now",
    "people": "register residents, who is called for them, and who works the console",
    "devices": "register, claim, bind, test, show, retire devices; what they said, as records; keys and labels",
    "channels": "test: send a message through one; callbacks: what providers call back",
    "telephone": "where operators are rung, numbers of devices, what the provider is told; ring: somebody calls in",
    "push": "keys: make the key pair of the responders' app",
    "roster": "duty lists: show, rotation, override, check-in, import and export as CSV or iCalendar",
    "coverage": "who could come, for every resident and hour of the coming days, and where nobody could",
    "api": "tokens of other programs, signed events, records for platforms of the authorities",
    "report": "month: the month's report as a file that prints: levels, visits, work orders, reviews, subsidies",
    "reviews": "calls drawn by lot for review: list; verify draws again from seed and population",
    "policy": "check, explain, dry-run, publish an escalation policy; its history",
    "decode": "decode payloads, one JSON object a line",
    "replay": "send recordings to a running hub as a device would",
    "simulate": "a town lives against a hub of its own, in lock-step; what was lost, invented or late",
    "evaluate": "falls, vitals, news2: run the hub's detectors over files; all: the report of how good they are",
    "train": "fit the fall model to recordings",
    "bench": "ingest, latency, connections, escalation, detect: measure, beside a peer in the same run",
}


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code. Expected errors are one line, not a traceback."""
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] not in COMMANDS:
        return _without_command(words)
    command = importlib.import_module(f"hub.commands.{words[0]}")
    try:
        return int(command.main(words[1:]))
    except psycopg.OperationalError as err:
        print(f"carehub {words[0]}: the database does not answer: {str(err).splitlines()[0]}", file=sys.stderr)
        return 2
    except HubError as err:
        print(f"carehub {words[0]}: {err}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # … | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _without_command(words: list[str]) -> int:
    """Tell what there is, or that there is no such command and which one may be meant."""
    if words and words[0] not in ("-h", "--help"):
        near = difflib.get_close_matches(words[0], COMMANDS, n=2, cutoff=0.6)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        print(f"carehub: there is no command {words[0]!r}.{meant} There are {', '.join(COMMANDS)};"
              " carehub --help tells what each does", file=sys.stderr)  # fmt: skip
        return 2
    print("usage: carehub COMMAND [OPTIONS]   (carehub COMMAND --help tells more)\n")
    print("\n".join(f"  {name:<10}{text}" for name, text in COMMANDS.items()))
    return 0 if words else 2


if __name__ == "__main__":
    sys.exit(main())
