"""What was measured with: version, model, every constant of the detectors, the data's fingerprints."""

import hashlib
import importlib
import pkgutil
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

import alerts.detectors
from hub.evaluate.vitals import SEED
from hub.models import FALL_MODEL, fall_model


def settings(date: str, data: Path) -> dict[str, Any]:
    """Return everything somebody needs to get the same figures."""
    return {
        "date": date,
        "carehub": _version(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "seeds": {"vitals": SEED, "intervals": SEED},
        "fall_model": {
            "file": FALL_MODEL,
            "sha256": hashlib.sha256((files("alerts.detectors") / FALL_MODEL).read_bytes()).hexdigest(),
            "looks": [
                {"after_samples": s.after, "threshold": s.threshold, "threshold_with_turn_rate": s.limit(turning=True)}
                for s in fall_model().stages
            ],
        },
        "constants": constants(),
        "data_sha256": {
            str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest()
            for folder in ("falls", "vitals")
            for path in sorted((data / folder).glob("*_dev*"))
        },
    }


def constants() -> dict[str, dict[str, float | list[float]]]:
    """Return the numbers in capitals of every module of the detectors: the rules' limits among them."""
    out: dict[str, dict[str, float | list[float]]] = {}
    for module in pkgutil.iter_modules(alerts.detectors.__path__, "alerts.detectors."):
        held = vars(importlib.import_module(module.name))
        numbers = {name: _plain(value) for name, value in held.items() if name.isupper() and _is_number(value)}
        if numbers:
            out[module.name.removeprefix("alerts.detectors.")] = numbers
    return out


def _is_number(value: object) -> bool:
    several = value if isinstance(value, tuple) else (value,)
    return bool(several) and all(isinstance(one, int | float | np.number) for one in several)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    plain = value.item() if isinstance(value, np.number) else value
    return plain if not isinstance(plain, float) or np.isfinite(plain) else str(plain)


def _version() -> str:
    try:
        return version("carehub")
    except PackageNotFoundError:
        return "not installed"
