"""What all sections of a configuration have in common."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import pydantic
import pydantic_core

from schemas.places import place
from schemas.splits import NUM_FOLDS, PROTOCOLS, RELEASE_PROTOCOLS, SCENARIOS


class Section(pydantic.BaseModel):
    """A group of keys; unknown keys are faults."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


def one_of(values: Callable[[], Iterable[Any]]) -> pydantic.AfterValidator:
    """Returns a check that a value is among those that are defined elsewhere.

    Args:
      values: Returns what is allowed; called only where a value is checked.
    """

    def check(value: Any) -> Any:
        allowed = tuple(values())
        if value not in allowed:
            raise pydantic_core.PydanticCustomError(
                "one_of", "must be one of {allowed}", {"allowed": ", ".join(map(str, allowed))}
            )
        return value

    return pydantic.AfterValidator(check)


# A file or folder of this machine, or of a storage service.
Place = Annotated[
    Path,
    pydantic.BeforeValidator(
        lambda value: place(value) if isinstance(value, str | Path) else value
    ),
]
Share = Annotated[float, pydantic.Field(ge=0, le=1)]
Fold = Annotated[int, pydantic.Field(ge=0, lt=NUM_FOLDS)]
Protocol = Annotated[str, one_of(lambda: PROTOCOLS)]
ReleaseProtocol = Annotated[str, one_of(lambda: RELEASE_PROTOCOLS)]
Scenario = Annotated[str, one_of(lambda: SCENARIOS)]
Name = Annotated[str, pydantic.Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
