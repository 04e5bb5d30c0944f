"""`models.config`: the models that TF Serving loads, and edits of their labels."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from schemas.errors import UserError
from schemas.files import locked, replacing
from serving.embedded.versions import Versions, find_versions
from serving.tensorflow_serving import labels, text
from serving.tensorflow_serving.labels import Labels

FILE = "models.config"
PREVIOUS_FILE = "models.config.previous"
_HEADING = "Written by `ser serving`, which keeps the file before it as models.config.previous."


def read(path: Path) -> ModelServerConfig:
    """Returns the configuration in a file.

    Raises:
      UserError: The file is not there, no such configuration, or names a model twice.
    """
    config = text.read(path, ModelServerConfig())
    if config.HasField("custom_model_config"):
        raise UserError(
            f"{path}: has a custom_model_config; only a model_config_list is understood"
        )
    names = [model.name for model in config.model_config_list.config]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{path}: names the model {twice[0]} twice; remove one of them")
    return config


def write(path: Path, config: ModelServerConfig) -> bool:
    """Replaces the file, keeping the one before it, if that says something else; whether it did."""
    new = text.written(config, _HEADING)
    if path.is_file():
        old = path.read_bytes()
        with contextlib.suppress(text_format.ParseError, UnicodeDecodeError):
            if text_format.Parse(old.decode(), ModelServerConfig()) == config:
                return False
        with replacing(path.with_name(PREVIOUS_FILE), binary=True) as file:
            file.write(old)
    with replacing(path) as file:
        file.write(new)
    return True


def edit(
    path: Path, root: Path, model: str, change: Callable[[str, Labels], Labels]
) -> tuple[Labels, Labels]:
    """Changes the labels of one model and returns those before and after.

    Args:
      path: The configuration's file.
      root: Serving folder with `<model>/<version>/`, to check versions against.
      model: Name of the model.
      change: From its name and labels to the new labels.

    Raises:
      UserError: The model is not in the configuration, a version is not in the serving folder, the
        change is refused, or another process is changing the file. The file is then as before.
    """
    with editing(path):
        config = read(path)
        entry = _entry(config, path, model)
        before = labels.read(entry)
        if before is None:
            raise UserError(
                f"{path}: {model} has no version labelled {labels.STABLE};"
                f" `ser serving config --root {root}` gives it one"
            )
        after = change(model, before)
        moved = set(after.by_name().items()) - set(before.by_name().items())
        _check_versions(model, {version for _, version in moved}, find_versions(root), root)
        labels.write(entry, after)
        write(path, config)
    return before, after


def update(config: ModelServerConfig, root: Path, base_path: str) -> list[str]:
    """Puts the models of a serving folder into a configuration; labels stay as they are.

    A model that is new has its newest version stable. Models with a base path elsewhere stay.

    Args:
      config: What is changed.
      root: Serving folder with `<model>/<version>/`.
      base_path: Where the server finds that folder, such as `/models` or a bucket.

    Returns:
      A line for each model: what it serves, and what had to be changed.

    Raises:
      UserError: There is no model in the folder.
    """
    on_disk = find_versions(root)
    if not on_disk:
        raise UserError(
            f"{root}: no <model>/<version>/saved_model.pb there; name the serving folder of a"
            " release with --root DIR"
        )
    models = config.model_config_list.config
    lines = []
    for entry in list(models):
        if entry.name not in on_disk:
            if entry.base_path.startswith(f"{base_path}/"):
                models.remove(entry)
                lines.append(f"{entry.name}: left out, it is no longer in {root}")
            else:
                lines.append(f"{entry.name}: kept as it is, its base path is {entry.base_path}")
    known = {entry.name: entry for entry in models}
    for name, versions in on_disk.items():
        entry = known[name] if name in known else models.add(name=name)
        entry.base_path, entry.model_platform = f"{base_path}/{name}", "tensorflow"
        entry.ClearField("model_type")
        given, remarks = _present(labels.read(entry), list(versions))
        labels.write(entry, given)
        lines += [described(name, given), *(f"{name}: {remark}" for remark in remarks)]
    return lines


def described(name: str, given: Labels) -> str:
    """Returns a model's labels in words, such as `emodb: stable 3, canary 5`."""
    return f"{name}: " + ", ".join(f"{label} {v}" for label, v in given.by_name().items())


@contextlib.contextmanager
def editing(path: Path) -> Iterator[None]:
    """Holds a configuration for this process; raises UserError where another one does."""
    busy = f"{path}: another `ser serving` is changing it; try again when it has ended"
    with locked(path.with_name(f".{FILE}.lock"), busy=busy):
        yield


def _entry(config: ModelServerConfig, path: Path, model: str) -> ModelConfig:
    entries = {entry.name: entry for entry in config.model_config_list.config}
    if model not in entries:
        raise UserError(
            f"{path}: has no model {model}; it has {', '.join(sorted(entries)) or 'none'}."
            " `ser serving config` adds the models of a serving folder"
        )
    return entries[model]


def _check_versions(model: str, wanted: set[int], on_disk: Versions, root: Path) -> None:
    present = on_disk.get(model, {})
    for version in sorted(wanted - set(present)):
        raise UserError(
            f"{model}: version {version} is not in {root / model};"
            f" there: {', '.join(map(str, present)) or 'none'}"
        )


def _present(given: Labels | None, versions: list[int]) -> tuple[Labels, list[str]]:
    """Returns labels of versions that exist, and what was changed to that end."""
    if given is None:
        return Labels(max(versions)), []
    kept = {name: v for name, v in given.by_name().items() if v in versions}
    gone = {name: v for name, v in given.by_name().items() if v not in versions}
    remarks = [f"{name} was version {v}, which is gone" for name, v in gone.items()]
    others = {name: v for name, v in given.others.items() if name in kept}
    stable = kept.get(labels.STABLE, max(versions))
    canary, previous = kept.get(labels.CANARY), kept.get(labels.PREVIOUS)
    if labels.STABLE in gone:
        remarks.append(f"version {stable}, the newest, is now {labels.STABLE}")
        canary = None if canary == stable else canary
    return Labels(stable, canary, previous, others), remarks
