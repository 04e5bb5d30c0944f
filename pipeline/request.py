"""What is asked of a pipeline."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """Where a configuration comes from; the pipeline that is asked knows its kind.

    Attributes:
      config: A YAML file, or the name of one that comes with the package.
      overrides: Values by dotted key, for example `{"fine_tune.epochs": 5}`.
    """

    config: Path | str
    overrides: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyRequest(Request):
    """The request for a study.

    Attributes:
      command: What repeats the study, for its report.
      plan_only: Whether to tell what would be done, and to do nothing.
    """

    command: str
    plan_only: bool = False
