"""How long somebody needs to a door: what is known of him, else a travel model over the distance, else unknown."""

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from alerts.model import Role

Array: TypeAlias = npt.NDArray[np.float64]
EARTH_KM = 6371.0088  # mean radius, IUGG


@dataclass(frozen=True, kw_only=True)
class TravelModel:
    """Minutes from kilometres. The figures are a planner's assumption, not a measurement; replace them by your town's.

    Streets are longer than the crow flies by `detour`; the first `walk_km` are walked, to the bicycle or from it, the
    rest is ridden. `start_min` is what it takes to be on the way.
    """

    name: str
    walk_kmh: float = 4.8
    ride_kmh: float = 20.0  # an electric bicycle through a town, lights included
    walk_km: float = 0.8
    detour: float = 1.3
    start_min: float = 2.0

    def minutes(self, km: Array) -> Array:
        """Return minutes for distances as the crow flies, of any shape; NaN stays NaN."""
        way = km * self.detour
        walked: Array = np.minimum(way, self.walk_km) / self.walk_kmh * 60.0
        ridden: Array = np.maximum(way - self.walk_km, 0.0) / self.ride_kmh * 60.0
        return self.start_min + walked + ridden


TOWN = TravelModel(name="town")
CAR = TravelModel(name="car", ride_kmh=30.0, walk_km=0.2)  # whoever comes by car or ambulance, from a station
BY_ROLE = {
    Role.FAMILY: CAR, Role.THIRD_PARTY: TOWN, Role.VILLAGE_DOCTOR: TOWN, Role.COUNTY_CENTRE: CAR, Role.AMBULANCE: CAR,
}  # fmt: skip


def model_of(role: Role) -> TravelModel:
    return BY_ROLE.get(role, TOWN)


def distance_km(lat_a: Any, lon_a: Any, lat_b: Any, lon_b: Any) -> Array:
    """Return great-circle distances in km of points in degrees; shapes broadcast, NaN where a coordinate is NaN."""
    a, b = np.radians(np.asarray(lat_a, float)), np.radians(np.asarray(lat_b, float))
    east = np.radians(np.asarray(lon_b, float) - np.asarray(lon_a, float))
    h = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(east / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(h, 1.0))), float)


def _minutes(model: TravelModel, km: float) -> float:
    """`TravelModel.minutes` for one person, on the press's own path."""
    way = km * model.detour
    if way <= model.walk_km:
        return model.start_min + way / model.walk_kmh * 60.0
    return model.start_min + model.walk_km / model.walk_kmh * 60.0 + (way - model.walk_km) / model.ride_kmh * 60.0


def km_between(start: tuple[float, float], door: tuple[float, float]) -> float:
    """`distance_km` of two points, (latitude, longitude) each."""
    a, b = math.radians(start[0]), math.radians(door[0])
    east = math.radians(door[1] - start[1])
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(east / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(h, 1.0)))


def minutes_away(
    role: Role, known: float | None, start: tuple[float | None, float | None], door: tuple[float | None, float | None]
) -> float | None:
    """Return the minutes of one person to one door, or None when nobody can say."""
    if known is not None and not math.isnan(known):
        return known
    if start[0] is None or start[1] is None or door[0] is None or door[1] is None:
        return None
    minutes = _minutes(model_of(role), km_between((start[0], start[1]), (door[0], door[1])))
    return round(minutes, 1) if math.isfinite(minutes) else None
