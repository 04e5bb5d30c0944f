"""The typed configurations of a release and of a study, and how they are read from YAML.

A fault stops at start, with the key's path and what is allowed.
"""

from pipeline.config.beam import Beam
from pipeline.config.data import DataConfig
from pipeline.config.reading import load, parse, parse_override, read
from pipeline.config.release import Domain, DomainSettings, Gate, ReleaseConfig
from pipeline.config.study import StudyConfig
from pipeline.config.training import Resources, StudyFineTuning, StudyTraining, Training
from pipeline.config.validation import Drift, Skew, Validation

__all__ = [
    "Beam",
    "DataConfig",
    "Domain",
    "DomainSettings",
    "Drift",
    "Gate",
    "ReleaseConfig",
    "Resources",
    "Skew",
    "StudyConfig",
    "StudyFineTuning",
    "StudyTraining",
    "Training",
    "Validation",
    "load",
    "parse",
    "parse_override",
    "read",
]
