"""The typed configurations of a release and of a study, read from YAML.

A fault stops at start, with the key's path and what is allowed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import pydantic
import yaml

from schemas.errors import UserError
from schemas.signatures import MULTI_DOMAIN
from schemas.sound import INPUT_DURATION_S
from schemas.splits import NUM_FOLDS

CONFIGS = Path(__file__).parent / "configs"

ApproachName = Literal["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"]
# `auto`: the one that does best on an inner split of the domain's training folds.
ReleaseApproach = Literal[ApproachName, "auto"]
Scenario = Literal["S1", "S2"]
Protocol = Literal["speaker_independent", "random"]


class _Section(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Audio(_Section):
    """From recordings to the network's input."""

    over_length: Literal["truncate", "drop"] = "truncate"
    """What becomes of clips over 3.375 s: cut, or left out (the paper)."""
    trim_silence: bool = False
    """Whether leading and trailing silence goes first."""
    standardisation: Literal["per_utterance", "per_domain", "global"] = "per_utterance"


class Training(_Section):
    """One training; the fields of `modules.training.engine.Settings`, its seed excepted."""

    epochs: int = pydantic.Field(ge=1)
    batch_size: int = pydantic.Field(32, ge=1)
    learning_rate: float = pydantic.Field(1.0, gt=0)
    schedule: Literal["constant", "cosine"] = "constant"
    patience: int = pydantic.Field(0, ge=0)
    shift_s: float = pydantic.Field(0.0, ge=0, lt=INPUT_DURATION_S)


class Gate(_Section):
    """What a model has to reach before it is pushed."""

    min_uar: float = pydantic.Field(0.0, ge=0, le=1)
    """UAR on the test fold of each domain that the model serves."""
    max_drop: float = pydantic.Field(1.0, ge=0, le=1)
    """How much UAR it may lose against the last blessed model, in absolute terms."""


# YAML reads a bare `off` as false.
Action = Annotated[
    Literal["stop", "report", "off"],
    pydantic.BeforeValidator(lambda value: "off" if value is False else value),
]
Share = Annotated[float, pydantic.Field(ge=0, le=1)]


class Skew(_Section):
    """How far a domain's test fold may be from its training folds before it is told.

    Thresholds of TFDV's L-infinity distance: the largest difference of a value's shares.
    """

    action: Action = "report"
    emotion: Share = 0.15
    gender: Share = 0.25
    language: Share = 0.25
    elicitation: Share = 0.1
    rate_hz: Share = 0.1
    duration_s: Share = 0.3
    """Jensen–Shannon divergence, as all thresholds of durations."""


class Drift(_Section):
    """How far the data may be from the data accepted last; thresholds as in `Skew`."""

    action: Action = "stop"
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


class Validation(_Section):
    """What is checked before anything is trained, and what stops the run."""

    audit: Action = "stop"
    """What the audit of the manifest counts as an error: copies across folds and the like."""
    anomalies: Literal["stop", "errors", "report"] = "stop"
    """What breaks `schemas/speech.pbtxt`; `errors` lets TFDV's warnings pass."""
    drift: Drift = Drift()
    accept_drift: bool = False
    """Whether this data becomes the reference although it has drifted."""
    skew: Skew = Skew()


class Domain(_Section):
    """What differs for one domain; absent keys take the release's."""

    approach: ReleaseApproach | None = None
    scenario: Scenario | None = None
    fine_tune: Training | None = None
    gate: Gate | None = None


class Beam(_Section):
    workers: int = pydantic.Field(1, ge=1)
    """Worker processes of the DirectRunner. TFX counts Beam's flags as part of a Beam node, so
    another number executes those nodes again."""
    args: tuple[str, ...] = ()
    """Further Beam flags, for example `--runner=…`."""


class DataConfig(_Section):
    """What every pipeline has to know to make clips of recordings."""

    name: str = pydantic.Field("release", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    manifest: Path
    output: Path = Path("out/release")
    """Everything the run writes: pipeline root, metadata, logs, report."""
    protocol: Protocol = "speaker_independent"
    test_fold: int = pydantic.Field(0, ge=0, lt=NUM_FOLDS)
    audio: Audio = Audio()
    preset: Literal["paper", "fast"] = "fast"
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the convolutions' products: bfloat16 is faster where the processor has it."""
    validation: Validation = Validation()
    beam: Beam = Beam()
    synthetic: bool = False
    """Whether the recordings are synthetic; the report says so in words."""

    @property
    def train_folds(self) -> list[int]:
        return [fold for fold in range(NUM_FOLDS) if fold != self.test_fold]

    def to_yaml(self) -> str:
        """The resolved configuration, which is stored with every run."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)


class ReleaseConfig(DataConfig):
    """One release: one network pre-trained on all domains and one adapted to each."""

    serving: Path | None = None
    """The folder TF Serving watches; `<output>/serving` if absent."""
    seed: int = pydantic.Field(0, ge=0)
    inner_fraction: float = pydantic.Field(0.15, gt=0, lt=0.5)
    """Share of the training clips that decides early stopping, and the approach where it is
    `auto`."""
    pretrain: Training = Training(epochs=40, patience=10)
    fine_tune: Training = Training(epochs=30, patience=8)
    approach: ReleaseApproach = "A2"
    scenario: Scenario = "S1"
    gate: Gate = Gate()
    domains: dict[str, Domain] = {}
    """Per-domain settings, by the manifest's domain names."""

    @property
    def serving_root(self) -> Path:
        return self.serving or self.output / "serving"

    def for_domain(self, domain: str) -> Domain:
        """Returns the settings of one domain with the release's filled in."""
        own = self.domains.get(domain, Domain())
        return Domain(
            approach=own.approach or self.approach,
            scenario=own.scenario or self.scenario,
            fine_tune=own.fine_tune or self.fine_tune,
            gate=own.gate or self.gate,
        )


class StudyFineTuning(_Section):
    """A training of the study: on all training folds, so that there is no early stopping.

    Clips stay in place, so that frozen layers' outputs are computed once.
    """

    epochs: int = pydantic.Field(ge=1)
    batch_size: int = pydantic.Field(32, ge=1)
    learning_rate: float = pydantic.Field(1.0, gt=0)
    schedule: Literal["constant", "cosine"] = "cosine"


class StudyTraining(StudyFineTuning):
    """A training from scratch, which has no frozen layers: clips may move."""

    shift_s: float = pydantic.Field(0.0, ge=0, lt=INPUT_DURATION_S)


Fold = Annotated[int, pydantic.Field(ge=0, lt=NUM_FOLDS)]
StudyApproach = Literal[ReleaseApproach, "conv1-only", "convs-only", "lstm-only", "A2-L2SP"]


class StudyConfig(DataConfig):
    """The transfer study: which of the paper's tables, for which targets, on which folds."""

    name: str = pydantic.Field("study", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    output: Path = Path("out/study")
    # A study reports what it is measured on; the gates are a release's.
    validation: Validation = Validation(audit="report", drift=Drift(action="report"))
    store: Path | None = None
    """The results, a file per cell; `<output>/store` if absent."""
    tables: tuple[Literal[2, 3, 4, 5], ...] = pydantic.Field((2, 3, 4, 5), min_length=1)
    targets: tuple[str, ...] = ()
    """Domains to adapt to; all if empty."""
    protocols: tuple[Protocol, ...] = pydantic.Field(
        ("random", "speaker_independent"), min_length=1
    )
    folds: tuple[Fold, ...] = pydantic.Field((0, 1, 2, 3, 4), min_length=1)
    seeds: int = pydantic.Field(1, ge=1)
    """Repetitions, with the seeds 0, 1, …"""
    scenarios: tuple[Scenario, ...] = pydantic.Field(("S1", "S2"), min_length=1)
    approaches: tuple[StudyApproach, ...] = pydantic.Field(
        ("A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"), min_length=1
    )
    missing_class: Literal["error", "present"] = "error"
    """Where a test fold lacks a class of its domain: stop, or take the UAR over those present."""
    pretrain: StudyTraining = StudyTraining(epochs=28, shift_s=0.1)
    scratch: StudyTraining = StudyTraining(epochs=28, shift_s=0.1)
    """Of the target alone (TT)."""
    fine_tune: StudyFineTuning = StudyFineTuning(epochs=16)

    @property
    def store_root(self) -> Path:
        return self.store or self.output / "store"


Config = TypeVar("Config", bound=DataConfig)


def load(path: Path | str, overrides: dict[str, Any] | None = None) -> ReleaseConfig:
    """Reads and checks the configuration of a release; see `read`."""
    return read(path, overrides, kind=ReleaseConfig)


def read(
    path: Path | str, overrides: dict[str, Any] | None = None, *, kind: type[Config]
) -> Config:
    """Reads and checks a configuration.

    Args:
      kind: of the configuration.
      path: a YAML file, or the name of one in `pipeline/configs` (`release`, `demo`).
      overrides: values by dotted key, for example `{"fine_tune.epochs": 5}`.

    Raises:
      UserError: the file is missing or no YAML, a key is unknown, a value impossible.
    """
    file = Path(path)
    if not file.suffix and not file.exists():
        file = CONFIGS / f"{path}.yaml"
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        known = ", ".join(sorted(config.stem for config in CONFIGS.glob("*.yaml")))
        raise UserError(
            f"configuration {path} does not exist; give a YAML file or one of: {known}"
        ) from None
    except yaml.YAMLError as error:
        raise UserError(f"configuration {file} is not valid YAML: {error}") from None
    if not isinstance(values, dict):
        raise UserError(f"configuration {file} must hold keys and values, not {values!r}")
    for key, value in (overrides or {}).items():
        _set(values, key, value)
    return _check(values, source=str(file), kind=kind)


def parse(values: dict[str, Any], *, source: str) -> ReleaseConfig:
    """Checks a release's configuration given as nested dictionaries; errors name `source`."""
    return _check(values, source=source, kind=ReleaseConfig)


def _check(values: dict[str, Any], *, source: str, kind: type[Config]) -> Config:
    try:
        return kind.model_validate(values)
    except pydantic.ValidationError as error:
        faults = "\n".join(f"  {_explain(fault, kind)}" for fault in error.errors())
        raise UserError(f"configuration {source}:\n{faults}") from None


def parse_override(text: str) -> tuple[str, Any]:
    """Splits `a.b=c`; the value is read as YAML, so `3`, `true` and `[1, 2]` are what they seem."""
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise UserError(f"--set {text}: write it as key=value, for example fine_tune.epochs=5")
    return key, yaml.safe_load(value)


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        below = values.get(parent)
        if not isinstance(below, dict):
            below = values[parent] = {}
        values = below
    values[last] = value


def _explain(fault: Any, kind: type[DataConfig]) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        return f"{key}: {fault['msg']} (it is {fault['input']!r})"
    section: Any = kind
    for part in fault["loc"][:-1]:
        field = getattr(section, "model_fields", {}).get(part)
        section = Domain if field is None else field.annotation
        section = {"domains": Domain}.get(str(part), section)
    allowed = ", ".join(getattr(section, "model_fields", {}))
    return f"{key}: unknown key; there are: {allowed}"


def check_domains(config: ReleaseConfig, domains: list[str]) -> None:
    """Checks what only the manifest can tell.

    Raises:
      UserError: a key of `domains` is no domain of the manifest, a domain has the multi-domain
        model's name, or scenario S2 leaves nothing to pre-train on.
    """
    for name in config.domains:
        if name not in domains:
            raise UserError(f"domains.{name}: the manifest has no such domain, only {domains}")
    if MULTI_DOMAIN in domains:
        raise UserError(f"the manifest's domain {MULTI_DOMAIN!r} has the multi-domain model's name")
    for name in domains:
        if config.for_domain(name).scenario == "S2" and len(domains) < 2:
            raise UserError(
                f"domain {name}: scenario S2 pre-trains on the other domains, but there is none; "
                "add a corpus or use S1"
            )


def check_targets(config: StudyConfig, domains: Sequence[str]) -> None:
    """Checks a study against the manifest's domains.

    Raises:
      UserError: a target is no domain, there are too few domains for what was asked, or the
        standardisation is fitted on training folds, which here are others for every cell.
    """
    for name in config.targets:
        if name not in domains:
            raise UserError(
                f"targets: the manifest has no domain {name}, only {', '.join(domains)}"
            )
    if len(domains) < 2 and ("S2" in config.scenarios or {4, 5} & set(config.tables)):
        raise UserError(
            "scenario S2 and the tables 4 and 5 need other domains to train on, but the manifest"
            f" has only {', '.join(domains)}; add a corpus, or set tables to [2, 3] and scenarios"
            " to [S1]"
        )
    if config.audio.standardisation != "per_utterance":
        raise UserError(
            f"audio.standardisation: {config.audio.standardisation} is fitted on training folds,"
            " which differ from cell to cell of a study; use per_utterance"
        )
