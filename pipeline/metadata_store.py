"""Connections to the metadata store of a configuration, and whether it can be worked with."""

import os
import socket
from pathlib import Path
from typing import Any

from pipeline.config.metadata import PASSWORD_VARIABLE, Metadata
from pipeline.run_folder import METADATA_FILE
from schemas.errors import UserError
from schemas.places import is_remote

_TIMEOUT_S = 10.0


def connection(settings: Metadata, output: Path) -> Any:
    """Returns ML Metadata's `ConnectionConfig`; nothing is connected to.

    Args:
      settings: Where the metadata are.
      output: Folder of the run, which holds the store where it is a file.

    Raises:
      UserError: The store is a server, and its password is not in the environment.
    """
    from ml_metadata.proto import metadata_store_pb2 as proto

    if settings.store == "sqlite":
        file = sqlite_file(settings, output)
        file.parent.mkdir(parents=True, exist_ok=True)
        return proto.ConnectionConfig(
            sqlite=proto.SqliteMetadataSourceConfig(
                filename_uri=str(file),
                connection_mode=proto.SqliteMetadataSourceConfig.READWRITE_OPENCREATE,
            )
        )
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None:
        raise UserError(
            f"{PASSWORD_VARIABLE} is not set: the password of metadata.user {settings.user} is"
            " taken from the environment only"
        )
    return proto.ConnectionConfig(
        mysql=proto.MySQLDatabaseConfig(
            host=settings.host,
            port=settings.port,
            database=settings.database,
            user=settings.user,
            password=password,
        )
    )


def sqlite_file(settings: Metadata, output: Path) -> Path:
    """Returns where the store lies that is a file.

    Raises:
      UserError: The output folder is remote, and no file of this machine was named.
    """
    if settings.file is None and is_remote(output):
        raise UserError(
            f"output {output} is on a storage service, where no database can lie: set metadata.file"
            " to a file of this machine, which later runs need too, or metadata.store to mysql"
        )
    return settings.file.absolute() if settings.file else output / METADATA_FILE


def open_store(settings: Metadata, output: Path, *, read_only: bool = False) -> Any:
    """Opens the store; makes its tables where there are none, unless a file is only read.

    Raises:
      UserError: A server is not there, or lets nobody in.
    """
    from ml_metadata import metadata_store
    from ml_metadata.proto import metadata_store_pb2 as proto

    asked = connection(settings, output)
    if read_only and settings.store == "sqlite":
        asked.sqlite.connection_mode = proto.SqliteMetadataSourceConfig.READONLY
    if settings.store == "sqlite":
        return metadata_store.MetadataStore(asked)
    _check_answers(settings)
    try:
        return metadata_store.MetadataStore(asked)
    except Exception as fault:
        # ML Metadata tells neither the number nor the words of the server's own error.
        raise UserError(
            f"metadata store {name(settings)}: the server answers but lets nobody in"
            f" ({str(fault).splitlines()[0]}): look at the user, at the password in"
            f" {PASSWORD_VARIABLE}, at the user's rights on the database, and that it is identified"
            " by mysql_native_password, the only way that ML Metadata knows"
        ) from None


def _check_answers(settings: Metadata) -> None:
    """Raises UserError where nothing answers at a server's address."""
    try:
        with socket.create_connection((settings.host, settings.port), timeout=_TIMEOUT_S):
            pass
    except OSError as fault:
        raise UserError(
            f"metadata store {name(settings)}: nothing answers ({fault}); start the server, or mend"
            " metadata.host and metadata.port"
        ) from None


def name(settings: Metadata) -> str:
    """Returns a store's name, without its password."""
    if settings.store == "sqlite":
        return METADATA_FILE
    return f"mysql://{settings.user}@{settings.host}:{settings.port}/{settings.database}"
