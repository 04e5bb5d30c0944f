"""The typed configurations of releases, studies and adaptations, and how YAML is read.

A fault stops at start, with the key's path and what is allowed.
"""

from pipeline.config.adaptation import AdaptationConfig, AdaptationGate, LearningCurve
from pipeline.config.beam import Beam
from pipeline.config.data import DataConfig
from pipeline.config.kubeflow import Kubeflow
from pipeline.config.metadata import Metadata
from pipeline.config.reading import check, load, parse, parse_override, read
from pipeline.config.release import Domain, DomainSettings, Gate, ReleaseConfig
from pipeline.config.study import StudyConfig
from pipeline.config.training import Resources, StudyFineTuning, StudyTraining, Training
from pipeline.config.trust import TrustConfig
from pipeline.config.validation import Drift, Skew, Validation

__all__ = [
    "AdaptationConfig",
    "AdaptationGate",
    "Beam",
    "DataConfig",
    "Domain",
    "DomainSettings",
    "Drift",
    "Gate",
    "Kubeflow",
    "LearningCurve",
    "Metadata",
    "ReleaseConfig",
    "Resources",
    "Skew",
    "StudyConfig",
    "StudyFineTuning",
    "StudyTraining",
    "Training",
    "TrustConfig",
    "Validation",
    "check",
    "load",
    "parse",
    "parse_override",
    "read",
]
