"""carehub bench WHAT: measure, always beside a peer or a floor in the same run."""

import importlib
import sys

BENCHES = {
    "ingest": "CPU per message through Mosquitto and through the listener, beside mosquitto_sub",
    "latency": "press to page and press to console, beside a bare Mosquitto round trip",
    "town": "a million residents: start-up, memory, CPU per message, presses among it, disk, growth from 10,000",
    "peers": "Node-RED behind the same Mosquitto, stepped until it falls behind, beside the hub",
    "connections": "thousands of idle devices, all back at once, bad peers, takeover, beside Mosquitto",
    "escalation": "first page, timers, bursts, kill -9, beside Alertmanager and procrastinate",
    "console": "fifty consoles on one queue: change to visible, beside the database's own NOTIFY",
    "report": "all of these, and one report of them in Markdown and HTML",
    "detect": "live wrists, vital messages and signs of homes on one core, beside plain numpy",
}


def main(argv: list[str]) -> int:
    if not argv or argv[0] not in BENCHES:
        print("usage: carehub bench WHAT [OPTIONS]\n")
        print("\n".join(f"  {name:<12}{text}" for name, text in BENCHES.items()))
        return 0 if argv and argv[0] in ("-h", "--help") else 2
    return int(importlib.import_module(f"hub.commands.bench_{argv[0]}").main(argv[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
