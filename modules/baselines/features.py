"""The features that SVMs can be given, by name."""

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np

from modules.baselines import functionals, is10

FUNCTIONALS, IS10 = "functionals", "is10"


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """Features of clips.

    Attributes:
      name: What names it in settings, cells and files.
      machine: What tables call the SVM on it.
      summary: What it is, in words.
      extract: Function from waveforms, float32 `[samples]` each at 16 kHz, to features, float32
        `[n, features]`.
      require: Function that raises UserError where something that it needs is not installed.
    """

    name: str
    machine: str
    summary: str
    extract: Callable[[Iterable[np.ndarray]], np.ndarray]
    require: Callable[[], object]


FEATURE_SETS: dict[str, FeatureSet] = {
    found.name: found
    for found in (
        FeatureSet(
            name=FUNCTIONALS,
            machine="SVM",
            summary=f"{len(functionals.NAMES):,} acoustic functionals of this project",
            extract=functionals.extract,
            require=lambda: None,
        ),
        FeatureSet(
            name=IS10,
            machine="SVM-IS",
            summary="INTERSPEECH 2010 features by openSMILE, as in the paper",
            extract=is10.extract,
            require=is10.require_opensmile,
        ),
    )
}
