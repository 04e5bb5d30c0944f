"""Where TFX keeps its record of runs, executions and artifacts."""

from typing import Any, Literal

import pydantic
import pydantic_core

from pipeline.config.section import Place, Section
from schemas.places import is_remote

# Its value stands nowhere else: configurations are stored with every run.
PASSWORD_VARIABLE = "SER_METADATA_PASSWORD"


class Metadata(Section):
    """The metadata store.

    The password of a database's user comes from the environment, by `SER_METADATA_PASSWORD`.
    """

    store: Literal["sqlite", "mysql"] = "sqlite"
    """A file in the output folder, or a MySQL or MariaDB server, which tasks can share."""
    file: Place | None = None
    """The file of sqlite, on this machine; `<output>/metadata.sqlite` if absent."""
    host: str | None = None
    port: int = pydantic.Field(3306, ge=1, le=65535)
    database: str = pydantic.Field("ser", min_length=1)
    """One for all releases and studies of different names, or one for each."""
    user: str = pydantic.Field("ser", min_length=1)

    @pydantic.model_validator(mode="after")
    def _check_host(self) -> Any:
        if self.store == "mysql" and not self.host:
            raise pydantic_core.PydanticCustomError(
                "host", "metadata.host is missing: metadata.store mysql needs the server's name"
            )
        if self.file and self.store != "sqlite":
            raise pydantic_core.PydanticCustomError(
                "file", "metadata.file is sqlite's, but metadata.store is mysql: leave one out"
            )
        if self.file and is_remote(self.file):
            raise pydantic_core.PydanticCustomError(
                "file",
                "metadata.file {file} is on a storage service: a database needs a disk, or set"
                " metadata.store to mysql",
                {"file": str(self.file)},
            )
        if self.store == "sqlite" and self.host:
            raise pydantic_core.PydanticCustomError(
                "host",
                "metadata.host is {host}, but metadata.store is sqlite, a file: set it to mysql",
                {"host": self.host},
            )
        return self
