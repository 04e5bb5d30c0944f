"""What is checked before anything is trained, and what stops the run."""

from typing import Annotated

import pydantic

from components.actions import ACTIONS, ANOMALY_ACTIONS, OFF, REPORT, STOP
from pipeline.config.section import Section, Share, one_of

# YAML reads a bare `off` as false.
Action = Annotated[
    str,
    one_of(lambda: ACTIONS),
    pydantic.BeforeValidator(lambda value: OFF if value is False else value),
]
AnomalyAction = Annotated[str, one_of(lambda: ANOMALY_ACTIONS)]


class Skew(Section):
    """How far a domain's test fold may be from its training folds before it is told.

    Thresholds of TFDV's L-infinity distance: the largest difference of a value's shares.
    """

    action: Action = REPORT
    emotion: Share = 0.15
    gender: Share = 0.25
    language: Share = 0.25
    elicitation: Share = 0.1
    rate_hz: Share = 0.1
    duration_s: Share = 0.3
    """Jensen–Shannon divergence, as all thresholds of durations."""


class Drift(Section):
    """How far the data may be from the data accepted last; thresholds as in `Skew`."""

    action: Action = STOP
    domain: Share = 0.1
    """The domains' shares of all clips; a new or lost corpus shows here."""
    clips: Share = 0.25
    """The share of a domain's clips that may go."""
    emotion: Share = 0.1
    gender: Share = 0.1
    language: Share = 0.1
    elicitation: Share = 0.1
    rate_hz: Share = 0.1
    duration_s: Share = 0.2
    embedding: Annotated[float, pydantic.Field(gt=0)] = 0.5
    """Standard deviations by which the mean embedding of a domain may move, with a front end whose
    layers are held."""


class Validation(Section):
    """What is checked before anything is trained, and what stops the run."""

    audit: Action = STOP
    """What the audit of the manifest counts as an error: copies across folds and the like."""
    anomalies: AnomalyAction = STOP
    """What breaks the schema of examples; `errors` lets TFDV's warnings pass."""
    drift: Drift = Drift()
    accept_drift: bool = False
    """Whether this data becomes the reference although it has drifted."""
    skew: Skew = Skew()
