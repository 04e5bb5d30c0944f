"""Which versions of which models are loaded, and when others take their place."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from serving.embedded.errors import ServingError
from serving.embedded.versions import Fingerprint, find_versions, fingerprint

if TYPE_CHECKING:
    from tensorflow_serving.apis import model_pb2

    from serving.embedded.servable import Servable

LOG = logging.getLogger(__name__)

# Names of TF Serving's states of a version.
START, LOADING, AVAILABLE, UNLOADING, END = "START", "LOADING", "AVAILABLE", "UNLOADING", "END"


class ModelStore:
    """The loaded models below a serving folder: the newest version of each, as TF Serving has it.

    Readers take one reference per request from an immutable mapping; `refresh` replaces the whole
    mapping once new versions are loaded and warm. Hence requests are never blocked by a load of
    another version and never see half a swap.

    Args:
      root: Serving folder with `<model>/<version>/saved_model.pb`.
      preload: Whether `refresh` loads each model's latest version, and only it; otherwise a model's
        first request does.
    """

    def __init__(self, root: str | Path, *, preload: bool = True):
        self.root = Path(root)
        self.preload = preload
        self._load_lock = threading.RLock()  # held while loading, never while answering
        self._loaded: Mapping[str, Mapping[int, Servable]] = {}
        self._failures: dict[tuple[str, int], tuple[Fingerprint, str]] = {}
        # What was loaded of a version: its files may be replaced by others.
        self._fingerprints: dict[tuple[str, int], Fingerprint] = {}
        self._loading: frozenset[tuple[str, int]] = frozenset()

    def loaded(self) -> dict[str, list[int]]:
        """Returns the loaded versions by model."""
        return {name: sorted(versions) for name, versions in self._loaded.items()}

    def failures(self) -> dict[tuple[str, int], str]:
        """Returns why versions could not be loaded, by (model, version)."""
        return {key: message for key, (_, message) in dict(self._failures).items()}

    def states(self, name: str) -> dict[int, tuple[str, str]]:
        """Returns state and fault, if any, of each version of a model, ascending."""
        found: dict[int, tuple[str, str]] = {}
        loaded, failures, loading = self._loaded.get(name, {}), self.failures(), self._loading
        for version in sorted({*find_versions(self.root).get(name, {}), *loaded}):
            if (name, version) in loading:
                found[version] = LOADING, ""
            elif version in loaded:
                found[version] = AVAILABLE, ""
            elif failure := failures.get((name, version), ""):
                found[version] = END, failure
            elif not loaded or version > max(loaded):
                found[version] = START, ""
        return found

    def ready(self) -> bool:
        """Returns whether at least one model can be asked."""
        return bool(self._loaded if self.preload else find_versions(self.root))

    def version_of(self, model_spec: "model_pb2.ModelSpec") -> int | None:
        """Returns the version that a request names; `None` for the latest.

        Raises:
          ServingError: It names a label that no version has (INVALID_ARGUMENT).
        """
        if model_spec.version_label:
            raise ServingError(
                "INVALID_ARGUMENT",
                f"Unrecognized servable version label: {model_spec.version_label}",
            )
        return model_spec.version.value if model_spec.HasField("version") else None

    def refresh(self) -> None:
        """Looks at the folder once: loads the newest version of each model, drops what is gone.

        A version that cannot be loaded leaves the one before it in service and is tried again only
        once its files have changed (it may still be being copied). While the folder itself is not
        there, all stays in service.
        """
        with self._load_lock:
            if not self.root.is_dir():
                return
            on_disk = find_versions(self.root)
            self._failures = {
                key: failure
                for key, failure in self._failures.items()
                if key[1] in on_disk.get(key[0], {})
            }
            for name, versions in on_disk.items():
                known = self._loaded.get(name, {})
                if self.preload or known:
                    self._load_latest(name, versions)
            self._loaded = {
                name: {version: s for version, s in loaded.items() if version in on_disk[name]}
                for name, loaded in self._loaded.items()
                if name in on_disk
            }

    def get(self, name: str, version: int | None) -> "Servable":
        """Returns the servable for a request: the latest version unless one is named.

        Without `preload`, a model's first request loads its latest version. Others are not loaded
        for anybody who names them: a client could fill the memory with all that lie on disk.

        Raises:
          ServingError: The model or version does not exist, is not loaded, or cannot be
            (NOT_FOUND).
        """
        servable = self._lookup(name, version)
        if servable is None and not self.preload:
            with self._load_lock:
                if not self._loaded.get(name):
                    self._load_latest(name, find_versions(self.root).get(name, {}))
                servable = self._lookup(name, version)
        if servable is None:
            wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise ServingError("NOT_FOUND", f"Servable not found for request: {wanted}")
        return servable

    def _lookup(self, name: str, version: int | None) -> "Servable | None":
        versions = self._loaded.get(name)
        if not versions:
            return None
        return versions.get(max(versions) if version is None else version)

    def _load_latest(self, name: str, versions: Mapping[int, Path]) -> None:
        """Puts the highest version that loads into service in place of the one before it."""
        known = self._loaded.get(name, {})
        for version in sorted(versions, reverse=True):
            files = fingerprint(versions[version])
            if version in known and self._fingerprints.get((name, version)) == files:
                return
            servable = self._try_load(name, version, versions[version], files)
            if servable is not None:
                self._loaded = {**self._loaded, name: {version: servable}}
                return
            if version in known:
                # Overwritten by what cannot be loaded: what was there is still in memory.
                return

    def _try_load(
        self, name: str, version: int, folder: Path, files: Fingerprint
    ) -> "Servable | None":
        from serving.embedded.servable import Servable

        key = (name, version)
        if key in self._failures and self._failures[key][0] == files:
            return None
        self._loading = self._loading | {key}
        try:
            servable = Servable.load(name, version, folder)
        except Exception as error:  # whatever is wrong with one folder, the others are served
            self._failures[key] = (files, str(error))
            LOG.warning("cannot load %s: %s", folder, error)
            return None
        finally:
            self._loading = self._loading - {key}
        self._failures.pop(key, None)
        self._fingerprints[key] = files
        LOG.info("serving %s version %d", name, version)
        return servable
