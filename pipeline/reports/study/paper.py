"""The numbers that Marczewski, Veloso & Ziviani (2017) print, to stand beside ours."""

import numpy as np

from pipeline.reports.study.approaches import PAPER_APPROACHES

# Table 2: UAR of networks and SVM trained and tested on all domains.
TABLE_2: dict[str, dict[str, float]] = {
    "afew": {"SVM-IS": 0.333, "CNN": 0.344, "CNN+LSTM": 0.338},
    "emodb": {"SVM-IS": 0.645, "CNN": 0.622, "CNN+LSTM": 0.659},
    "emovo": {"SVM-IS": 0.411, "CNN": 0.440, "CNN+LSTM": 0.459},
    "enterface": {"SVM-IS": 0.456, "CNN": 0.419, "CNN+LSTM": 0.454},
    "iemocap": {"SVM-IS": 0.719, "CNN": 0.673, "CNN+LSTM": 0.684},
    "rml": {"SVM-IS": 0.482, "CNN": 0.581, "CNN+LSTM": 0.631},
}
# Table 3: UAR of the network trained on the target alone, …
TT: dict[str, float] = {
    "afew": 0.288,
    "emodb": 0.614,
    "emovo": 0.518,
    "enterface": 0.441,
    "iemocap": 0.682,
    "rml": 0.623,
}
# … and what A1 to A8 gain over it, relatively, by scenario.
_GAINS: dict[str, dict[str, tuple[float, ...]]] = {
    "S1": {
        "afew": (0.121, 0.101, 0.047, 0.120, 0.115, 0.045, 0.121, 0.116),
        "emodb": (0.047, 0.117, 0.088, 0.051, 0.052, 0.102, 0.057, 0.086),
        "emovo": (-0.095, 0.053, 0.014, -0.061, -0.089, -0.071, 0.034, 0.014),
        "enterface": (0.032, 0.133, 0.114, 0.061, 0.032, 0.153, 0.087, 0.045),
        "iemocap": (0.004, 0.004, -0.002, -0.009, -0.003, 0.003, 0.017, 0.017),
        "rml": (-0.014, 0.032, 0.041, 0.005, -0.002, 0.073, 0.035, 0.028),
    },
    "S2": {
        "afew": (0.042, 0.015, 0.024, 0.052, 0.019, 0.007, 0.103, 0.029),
        "emodb": (-0.365, 0.093, 0.064, 0.083, 0.050, 0.068, 0.065, 0.083),
        "emovo": (-0.372, 0.093, 0.109, -0.060, -0.041, -0.044, 0.008, -0.017),
        "enterface": (-0.353, 0.027, -0.015, -0.016, -0.034, 0.002, -0.026, -0.037),
        "iemocap": (-0.363, 0.003, -0.015, -0.016, -0.034, 0.003, -0.026, -0.035),
        "rml": (-0.518, 0.074, 0.062, -0.085, -0.145, 0.054, -0.087, -0.143),
    },
}
# Table 5: what S1-A2 gains over Adaptive SVM, from the least to the most.
TABLE_5_GAINS = (0.043, 0.184)


def gain(scenario: str, target: str, approach: str) -> float | None:
    """Returns a relative gain of Table 3; `None` where the paper has none.

    >>> gain("S1", "emodb", "A2"), gain("S1", "ravdess", "A2")
    (0.117, None)
    """
    gains = _GAINS[scenario].get(target)
    if gains is None or approach not in PAPER_APPROACHES:
        return None
    return gains[PAPER_APPROACHES.index(approach)]


def average_gain(scenario: str, approach: str) -> tuple[float, float] | None:
    """Returns mean and standard deviation (ddof 1) over the paper's six domains.

    >>> mean, _ = average_gain("S1", "A2")
    >>> round(mean, 3)
    0.073
    """
    if approach not in PAPER_APPROACHES:
        return None
    gains = [values[PAPER_APPROACHES.index(approach)] for values in _GAINS[scenario].values()]
    return float(np.mean(gains)), float(np.std(gains, ddof=1))
