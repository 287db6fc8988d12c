"""A hub whose time is moved by hand: provisioned from a simulated town, stepped in lock-step, accounted for."""

import re

TOWN = re.compile(r"^\[town\]\s*(#.*)?$", re.MULTILINE)  # a town's story, no play of the demo's
