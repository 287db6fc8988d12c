"""Trained models are package data: read here, handed to the pure detectors."""

from functools import cache
from importlib.resources import files

import numpy as np

from alerts.detectors.fall_model import FallModel

FALL_MODEL = "fall_model.npz"


@cache
def fall_model() -> FallModel:
    """Return the fall model that ships with carehub."""
    with (files("alerts.detectors") / FALL_MODEL).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return FallModel.from_arrays({name: arrays[name] for name in arrays.files})
