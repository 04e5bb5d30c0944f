"""How Beam runs, and on which engine."""

from typing import Annotated, Any, Literal

import pydantic
import pydantic_core

from pipeline.config.section import Section
from schemas.words import listed

# Beside `engine`, `workers` and `args`: the keys that an engine takes, and those it needs.
_WORKERS = ("image", "worker_pool", "setup_file")
_TAKES: dict[str, tuple[str, ...]] = {
    "direct": (),
    "portable": ("job_endpoint", *_WORKERS),
    "flink": ("master", "job_server_jar", *_WORKERS),
    "spark": ("master", "job_server_jar", *_WORKERS),
    "dataflow": ("project", "region", "temp_location", "image", "setup_file"),
}
_NEEDS: dict[str, tuple[str, ...]] = {
    "direct": (),
    "portable": ("job_endpoint",),
    "flink": ("master",),
    "spark": ("master",),
    "dataflow": ("project", "region", "temp_location"),
}
_SECRETS = ("--s3_access_key_id", "--s3_secret_access_key", "--s3_session_token")
_SECRET_WORDS = ("password", "token", "secret", "connection_string")
# TFX packs its own sources for Beam, for seconds in every step, unless a flag says that workers
# have them; with workers that are here or in a pool, that flag means nothing else.
_WITHOUT_PACKING = "--sdk_container_image=none"

# Beam's default ends the driver's wait for a job after a minute, however well the job is.
_WHOLE_JOBS = f"--job_server_timeout={7 * 24 * 3600}"

Address = Annotated[str, pydantic.Field(pattern=r"^[^:/\s]+:[0-9]+$")]


class Beam(Section):
    """Flags of the nodes that run on Beam."""

    engine: Literal["direct", "portable", "flink", "spark", "dataflow"] = "direct"
    """Beam's own runner in this process, a job server (`portable`), or a cluster."""
    workers: int = pydantic.Field(1, ge=1)
    """Worker processes. TFX counts Beam's flags as part of a Beam node, so another number, as
    another engine, executes those nodes again."""
    job_endpoint: Address | None = None
    """Host and port of the job server; of `portable`."""
    master: str | None = None
    """Address of the cluster's master; of `flink` (host:port) and `spark` (spark://host:port)."""
    job_server_jar: str | None = None
    """Path of Beam's job server for the cluster; Beam downloads it if absent."""
    image: str | None = None
    """Container image of the workers: Beam's SDK container with this project in it."""
    worker_pool: Address | None = None
    """Host and port of a pool that starts workers, in place of `image`."""
    setup_file: str | None = None
    """This project's setup.py, which workers of Beam's own image install, in place of `image`."""
    project: str | None = None
    region: str | None = None
    temp_location: str | None = pydantic.Field(None, pattern="^gs://.+")
    """Google Cloud's project, region, and a folder for what Dataflow stages; of `dataflow`."""
    args: tuple[str, ...] = ()
    """Further Beam flags. Secrets are not among them: they come from the environment."""

    @property
    def is_local(self) -> bool:
        """Whether workers are processes of this machine, with its folders."""
        return self.engine == "direct"

    @pydantic.model_validator(mode="after")
    def _check_engine(self) -> Any:
        engine, given = self.engine, self.model_fields_set
        given = {key for key in given if getattr(self, key) is not None}
        own = {"engine", "workers", "args", *_TAKES[engine]}
        if strange := sorted(given - own):
            _fault(
                f"beam.{strange[0]} means nothing to beam.engine {engine}, which takes"
                f" {listed(sorted(own - {'engine'}))}"
            )
        if lacking := [key for key in _NEEDS[engine] if key not in given]:
            _fault(f"beam.{lacking[0]} is missing: beam.engine {engine} needs it")
        ways = [key for key in _WORKERS if key in _TAKES[engine]]
        if ways and len(chosen := [key for key in ways if key in given]) != 1:
            _fault(
                f"beam.engine {engine} needs one of {listed([f'beam.{key}' for key in ways])}, for"
                f" its workers to have this project; there {_are(chosen)}"
            )
        for flag in self.args:
            name = flag.partition("=")[0]
            if name in _SECRETS or any(word in name.lower() for word in _SECRET_WORDS):
                _fault(
                    f"beam.args: the value of {name} would be kept with every run; workers take"
                    " secrets from their environment (AWS_SECRET_ACCESS_KEY and the like)"
                )
            if name == "--runner":
                _fault("beam.args: --runner is beam.engine's to say")
        return self

    def flags(self, *, plugins: tuple[str, ...] = ()) -> list[str]:
        """Returns all flags, as a pipeline takes them.

        Args:
          plugins: Modules that workers import before all else.
        """
        if self.engine == "direct" and self.workers == 1:
            # Workers are threads of this process, which has imported them.
            return [*self.args]
        return [*self.args, *(f"--beam_plugin={name}" for name in plugins), *self._engine_flags()]

    def _engine_flags(self) -> list[str]:
        if self.engine == "direct":
            return [
                "--direct_running_mode=multi_processing",
                f"--direct_num_workers={self.workers}",
                _WITHOUT_PACKING,
            ]
        if self.engine == "dataflow":
            return [
                "--runner=DataflowRunner",
                f"--project={self.project}",
                f"--region={self.region}",
                f"--temp_location={self.temp_location}",
                f"--num_workers={self.workers}",
                f"--sdk_container_image={self.image}"
                if self.image
                else f"--setup_file={self.setup_file}",
            ]
        return [_WHOLE_JOBS, *self._cluster_flags(), *self._environment_flags()]

    def _cluster_flags(self) -> list[str]:
        if self.engine == "portable":
            return [
                "--runner=PortableRunner",
                f"--job_endpoint={self.job_endpoint}",
                f"--sdk_worker_parallelism={self.workers}",
            ]
        name = self.engine
        jar = [f"--{name}_job_server_jar={self.job_server_jar}"] if self.job_server_jar else []
        if name == "flink":
            own = [
                "--runner=FlinkRunner",
                f"--flink_master={self.master}",
                f"--parallelism={self.workers}",
            ]
        else:
            own = [
                "--runner=SparkRunner",
                f"--spark_master_url={self.master}",
                f"--sdk_worker_parallelism={self.workers}",
            ]
        return [*own, *jar]

    def _environment_flags(self) -> list[str]:
        if self.worker_pool:
            return [
                "--environment_type=EXTERNAL",
                f"--environment_config={self.worker_pool}",
                _WITHOUT_PACKING,
            ]
        if self.image:
            return [
                "--environment_type=DOCKER",
                f"--environment_config={self.image}",
                f"--sdk_container_image={self.image}",
            ]
        return ["--environment_type=DOCKER", f"--setup_file={self.setup_file}"]


def _are(keys: list[str]) -> str:
    return f"are {listed([f'beam.{key}' for key in keys])}" if keys else "is none"


def _fault(message: str) -> None:
    raise pydantic_core.PydanticCustomError("beam", "{message}", {"message": message})
