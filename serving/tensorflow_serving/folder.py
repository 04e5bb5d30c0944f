"""The folder that TF Serving is started from: written for a serving folder, and checked."""

import os
import shutil
import ssl
from importlib import resources
from pathlib import Path

from google.protobuf.message import Message
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from schemas.errors import UserError
from schemas.files import replacing
from schemas.places import is_remote
from serving.embedded.versions import find_versions
from serving.tensorflow_serving import labels, models, text
from serving.tensorflow_serving.messages import message

# Where the containers of compose.yaml and of the manifests have the serving folder.
BASE_PATH = "/models"
TLS_FILE = "tls.config"
# Files that a folder gets once, and its owner may change.
STATIC = ("batching.config", "monitoring.config", "compose.yaml", "compose.tls.yaml")
_MESSAGES = {
    "batching.config": "BatchingParameters",
    "monitoring.config": "MonitoringConfig",
    TLS_FILE: "SSLConfig",
}


def write(out: Path, root: Path, base_path: str = BASE_PATH) -> list[str]:
    """Writes TF Serving's configuration for a serving folder, or brings it up to date.

    Args:
      out: Folder of the configuration; files there are kept, models.config is updated.
      root: Serving folder with `<model>/<version>/`.
      base_path: Where the server finds the serving folder.

    Returns:
      A line for each model, as `models.update` has them.

    Raises:
      UserError: No model is in `root`, or the present models.config cannot be read.
    """
    path = out / models.FILE
    with models.editing(path):
        config = models.read(path) if path.is_file() else ModelServerConfig()
        lines = models.update(config, root, base_path.rstrip("/"))
        models.write(path, config)
        for name in STATIC:
            if not (out / name).exists():
                source = resources.files(__package__) / name
                with source.open("rb") as content, replacing(out / name, binary=True) as file:
                    shutil.copyfileobj(content, file)
        with replacing(out / ".env") as file:
            where = root if is_remote(root) else os.path.relpath(root, out)
            file.write(f"SER_SERVING_ROOT='{where}'\n")
    return lines


def write_tls(out: Path, key: Path, certificate: Path, client_ca: Path | None = None) -> None:
    """Writes `tls.config`, which holds the private key and is readable by its owner only.

    Args:
      out: Folder of the configuration.
      key: The server's private key, PEM without a password.
      certificate: The server's certificate, PEM, with intermediate ones if there are any.
      client_ca: Certificates of who signs those of clients, PEM: clients must then show one.

    Raises:
      UserError: A file is missing or not what it should be, or key and certificate do not match.
    """
    config = message("SSLConfig")(server_key=_pem(key), server_cert=_pem(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, OSError) as error:
        raise UserError(
            f"{key}, {certificate}: no private key without a password and its certificate, both PEM"
            f" ({_reason(error)})"
        ) from None
    if client_ca is not None:
        config.custom_ca, config.client_verify = _pem(client_ca), True
        try:
            context.load_verify_locations(client_ca)
        except (ssl.SSLError, OSError) as error:
            raise UserError(f"{client_ca}: no PEM certificates ({_reason(error)})") from None
    with replacing(out / TLS_FILE, mode=0o600) as file:
        file.write(text.written(config, "Holds the private key. Written by `ser serving config`."))


def check(out: Path, root: Path) -> list[str]:
    """Returns a line for each file and model of a configuration that TF Serving can read.

    Args:
      out: Folder of the configuration.
      root: Serving folder with `<model>/<version>/`.

    Raises:
      UserError: A file does not parse, or a label's version is not in the serving folder.
    """
    config = models.read(out / models.FILE)
    lines = [f"{models.FILE}: {len(config.model_config_list.config)} models"]
    on_disk = find_versions(root)
    for entry in config.model_config_list.config:
        given = labels.read(entry)
        wanted = set(entry.version_labels.values()) | set(
            entry.model_version_policy.specific.versions
        )
        if missing := sorted(wanted - set(on_disk.get(entry.name, {}))):
            raise UserError(
                f"{out / models.FILE}: {entry.name} names version {missing[0]}, which is not in"
                f" {root / entry.name}; `ser serving config` brings the file up to date"
            )
        lines.append(models.described(entry.name, given) if given else f"{entry.name}: no labels")
    for name, kind in _MESSAGES.items():
        if (out / name).exists() or name != TLS_FILE:
            parsed: Message = text.read(out / name, message(kind)())
            lines.append(f"{name}: {len(parsed.ListFields())} settings")
    return lines


def _pem(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; a PEM file is asked for") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: no PEM file ({error})") from None


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or str(error)
