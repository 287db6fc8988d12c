"""The demo: an invented neighbourhood in the database, and afterwards the account of what became of every call."""

from hub.demo.account import timelines, verdict
from hub.demo.seeding import NEIGHBOURHOOD_FILE, family_page, seed, sign_in

__all__ = ["NEIGHBOURHOOD_FILE", "family_page", "seed", "sign_in", "timelines", "verdict"]
