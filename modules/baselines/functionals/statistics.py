"""Functionals: numbers that describe a contour, whatever its length."""

import numpy as np

from modules.baselines.functionals.frames import HOP_S

PERCENTILES = (5, 10, 25, 50, 75, 90, 95)
FUNCTIONALS = (
    "mean",
    "std",
    "skewness",
    *(f"p{percent}" for percent in PERCENTILES),
    "range",
    "slope",
    "mad",
)

# Over fewer frames a slope says nothing.
_SLOPE_FRAMES = 5


def functionals(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Returns the `FUNCTIONALS` of contours over some of their frames, float64 `[contours, 13]`.

    Slopes are those of straight lines by least squares, per second; `mad` is the mean absolute
    difference of neighbouring frames. Zeros where there is no frame, or too few for one.

    Args:
      values: float `[frames, contours]`.
      where: bool `[frames]`, the frames to look at.
    """
    places = np.flatnonzero(where)
    found = np.zeros((values.shape[1], len(FUNCTIONALS)))
    if not len(places):
        return found
    chosen = values[places].astype(np.float64)
    mean = chosen.mean(axis=0)
    centred = chosen - mean
    std = np.sqrt(np.mean(centred**2, axis=0))
    # Of a contour that is constant up to rounding.
    still = std <= 1e-6 * (1 + np.abs(mean))
    cubed = np.mean(centred**3, axis=0)
    found[:, 0], found[:, 1] = mean, std
    found[:, 2] = np.where(still, 0.0, cubed / np.where(still, 1.0, std) ** 3)
    ends = 3 + len(PERCENTILES)
    found[:, 3:ends] = np.percentile(chosen, PERCENTILES, axis=0).T
    found[:, ends] = np.ptp(chosen, axis=0)
    times_s = (places - places.mean()) * HOP_S
    if len(places) >= _SLOPE_FRAMES:
        found[:, ends + 1] = times_s @ centred / np.sum(times_s**2)
    neighbours = np.flatnonzero(np.diff(places) == 1)
    if len(neighbours):
        steps = np.abs(chosen[neighbours + 1] - chosen[neighbours])
        found[:, ends + 2] = steps.mean(axis=0)
    return found


def delta(values: np.ndarray) -> np.ndarray:
    """Returns the slope over five frames about each, per frame: float `[frames, contours]`.

    Ends are repeated beyond themselves, as HTK does.
    """
    padded = np.pad(values, ((2, 2), (0, 0)), mode="edge")
    return (2 * (padded[4:] - padded[:-4]) + padded[3:-1] - padded[1:-3]) / 10
