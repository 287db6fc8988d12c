"""Who may import whom, and what the pure packages must not touch. Read from the source, so nothing has to run."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENDING = {"bench", "replay", "commands"}  # programs that end by themselves
PACKAGES = ("devices", "alerts", "hub", "simulator")
PURE = ("devices", "alerts")

MAY_IMPORT = {
    "devices": {"devices"},
    "alerts": {"alerts", "devices"},
    "hub": {"hub", "alerts", "devices"},
    "simulator": {"simulator", "devices"},
}
# What the pure packages may use from outside: plain data and arithmetic. No clock, no disk, no network, no chance.
PURE_MODULES = {
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime",
    "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "itertools", "json", "math", "msgspec",
    "numpy", "operator", "re", "statistics", "string", "struct", "textwrap", "tomllib", "types", "typing",
    "unicodedata", "uuid", "zlib", "zoneinfo",
}  # fmt: skip
IMPURE_CALLS = {
    "now",
    "utcnow",
    "today",
    "time",
    "monotonic",
    "perf_counter",
    "uuid1",
    "uuid4",
    "getenv",
    "open",
    "random",
}
IMPURE_NAMES = {"open", "input", "print", "exec", "eval", "__import__"}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and full name of everything a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield node.lineno, node.module or ""


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(package)
        for line, name in imports(ast.parse(path.read_text(encoding="utf-8")))
        if name.split(".")[0] in {*PACKAGES, "tests"} and name.split(".")[0] not in MAY_IMPORT[package]
    ]
    assert not wrong


def test_loops_and_store_know_nothing_of_the_screens() -> None:
    """A loop runs where no console does."""
    below = [path for package in ("loops", "store", "ingress", "channels") for path in modules(f"hub/{package}")]
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in below
        for line, name in imports(ast.parse(path.read_text(encoding="utf-8")))
        if name.startswith("hub.web")
    ]
    assert not wrong


@pytest.mark.parametrize("package", PURE)
def test_pure_packages_use_only_plain_modules(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(package)
        for line, name in imports(ast.parse(path.read_text(encoding="utf-8")))
        if name.split(".")[0] not in PURE_MODULES | MAY_IMPORT[package]
    ]
    assert not wrong


@pytest.mark.parametrize("package", PURE)
def test_pure_packages_read_no_clock_chance_disk_or_environment(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node.func)}"
        for path in modules(package)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _impure(node.func)
    ]
    assert not wrong


def _impure(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id in IMPURE_NAMES
    if not isinstance(called, ast.Attribute):
        return False
    owner = ast.unparse(called.value)
    if owner.startswith(("np.random", "numpy.random")) or (
        owner in ("np", "numpy") and called.attr in ("load", "fromfile")
    ):
        return True
    return called.attr in IMPURE_CALLS and owner.split(".")[0] in {
        "datetime",
        "date",
        "dt",
        "time",
        "os",
        "uuid",
        "random",
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_opens_by_saying_what_it_is_for(package: str) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules(package)
        if (text := path.read_text(encoding="utf-8")).strip() and not ast.get_docstring(ast.parse(text))
    ]
    assert not silent


def test_no_loop_of_the_hub_waits_with_wait_for() -> None:
    """In Python 3.11 it swallows a cancellation that meets its result: a process that was told to stop would not."""
    waiting = [
        str(path.relative_to(ROOT))
        for path in modules("hub")
        if "asyncio.wait_for(" in path.read_text(encoding="utf-8") and path.relative_to(ROOT).parts[1] not in ENDING
    ]
    assert not waiting
