"""Which files begin first when tests run side by side.

A file goes to one worker as a whole. What takes minutes and is begun last keeps one worker busy while the others have
nothing left; begun first, it is over before the many short ones are. Add a file that takes more than half a minute.
"""

LONGEST = (
    # of the first half
    "tests/unit/alerts/test_histories.py",
    "tests/integration/ingest/test_vital_hours.py",
    "tests/integration/storage/test_same_on_both.py",
    "tests/integration/loops/test_dispatcher.py",
    "tests/integration/keeping/test_running_hub.py",
    # of the second
    "tests/simulation/test_stories.py",
    "tests/browser/test_accessible.py",
    "tests/simulation/test_town.py",
    "tests/simulation/test_makers.py",
    "tests/simulation/test_day.py",
    "tests/simulation/test_centre.py",
    "tests/acceptance/test_demo.py",
    "tests/bench/test_bench_town.py",
    "tests/acceptance/test_evaluate.py",
    "tests/acceptance/test_soak.py",
    "tests/bench/test_bench_escalation.py",
    "tests/simulation/test_answers.py",
    "tests/acceptance/test_sequences.py",
    "tests/bench/test_bench_ingest.py",
    "tests/bench/test_bench_console.py",
    "tests/simulation/test_short_path.py",
)
_PLACES = {file: place for place, file in enumerate(LONGEST)}


def place_of(nodeid: str) -> int:
    """Return where a test's file stands: the long ones one after the other, all others together behind them."""
    return _PLACES.get(nodeid.partition("::")[0], len(LONGEST))
