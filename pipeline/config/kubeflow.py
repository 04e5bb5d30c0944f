"""How a pipeline's tasks run on Kubeflow Pipelines."""

from typing import Annotated, Any, Literal

import pydantic
import pydantic_core

from pipeline.config.section import Section


def _number_as_text(value: Any) -> Any:
    """Returns numbers of YAML as they were written."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


Text = Annotated[str, pydantic.BeforeValidator(_number_as_text)]
Quantity = Annotated[Text, pydantic.Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
Variable = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
# As Kubernetes names its objects.
ObjectName = Annotated[str, pydantic.Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]
MountPath = Annotated[str, pydantic.Field(pattern=r"^/.+")]
StepKind = Literal["prepare", "ingest", "transform", "train", "push", "study", "report"]


class Step(Section):
    """What the tasks of one kind take; absent keys are as in `kubeflow.default`."""

    cpu: Quantity | None = None
    """Cores that a task asks for, for example 2 or 500m."""
    memory: Quantity | None = None
    """Memory that a task asks for and may take, for example 8Gi."""
    accelerator: str | None = None
    """Resource name of an accelerator, for example nvidia.com/gpu."""
    accelerators: int | None = pydantic.Field(None, ge=1)
    """How many of them; 1 if only the name is given."""
    retries: int | None = pydantic.Field(None, ge=0)
    """How often a task that was killed starts again."""
    env: dict[Variable, Text] = pydantic.Field(default_factory=dict)
    """Environment variables; beside those of `kubeflow.default`."""

    def over(self, default: "Step") -> "Step":
        """Returns a default with the values that are given here in their place."""
        given = {key: value for key, value in self.model_dump().items() if value is not None}
        return default.model_copy(update={**given, "env": {**default.env, **self.env}})


_DEFAULT = Step(cpu="1", memory="4Gi", retries=2)


class Secret(Section):
    """One key of a Kubernetes Secret, as an environment variable of every task."""

    secret: ObjectName
    key: str
    env: Variable


class Volume(Section):
    """A PersistentVolumeClaim that every task sees."""

    claim: ObjectName
    mount: MountPath


class Kubeflow(Section):
    """Image, resources and surroundings of a pipeline's tasks."""

    image: str = "ser-tfx:latest"
    """The container image; by its digest (name@sha256:…), so that it cannot change unseen."""
    python: str = "python"
    """The interpreter in the image."""
    default: Step = _DEFAULT
    steps: dict[StepKind, Step] = pydantic.Field(default_factory=dict)
    """By kind of step."""
    secrets: tuple[Secret, ...] = ()
    volumes: tuple[Volume, ...] = ()
    study_tasks: int = pydantic.Field(4, ge=1)
    """Tasks over which a study's cells are divided."""

    @pydantic.model_validator(mode="after")
    def _check_names(self) -> Any:
        for what, names in (
            ("secrets", [secret.env for secret in self.secrets]),
            ("volumes", [volume.mount for volume in self.volumes]),
        ):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise pydantic_core.PydanticCustomError(
                    "kubeflow",
                    "kubeflow.{what}: {name} is there twice",
                    {"what": what, "name": twice[0]},
                )
        return self

    def for_step(self, kind: str) -> Step:
        """Returns what the tasks of a kind take."""
        own = {str(name): step for name, step in self.steps.items()}.get(kind, Step())
        return own.over(self.default.over(_DEFAULT))
