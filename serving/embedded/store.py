"""Which versions of which models are loaded, and when others take their place."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from serving.embedded.errors import ServingError
from serving.embedded.versions import find_versions, fingerprint

if TYPE_CHECKING:
    from serving.embedded.servable import Servable

LOG = logging.getLogger(__name__)


class ModelStore:
    """The loaded models below a serving folder.

    Readers take one reference per request from an immutable mapping; `refresh` replaces the whole
    mapping once new versions are loaded and warm. Hence requests are never blocked by a load of
    another version and never see half a swap.

    Args:
      root: Serving folder with `<model>/<version>/saved_model.pb`.
      preload: Whether `refresh` loads each model's latest version; otherwise its first request
        does.
    """

    def __init__(self, root: str | Path, *, preload: bool = True):
        self.root = Path(root)
        self._preload = preload
        self._load_lock = threading.RLock()  # held while loading, never while answering
        self._loaded: Mapping[str, Mapping[int, Servable]] = {}
        self._failures: dict[tuple[str, int], tuple[tuple, str]] = {}

    def loaded(self) -> dict[str, list[int]]:
        """Returns the loaded versions by model."""
        return {name: sorted(versions) for name, versions in self._loaded.items()}

    def failures(self) -> dict[tuple[str, int], str]:
        """Returns why versions could not be loaded, by (model, version)."""
        return {key: message for key, (_, message) in dict(self._failures).items()}

    def ready(self) -> bool:
        """Returns whether at least one model can be asked."""
        return bool(self._loaded if self._preload else find_versions(self.root))

    def refresh(self) -> None:
        """Looks at the folder once: loads the newest version of each model, drops what is gone.

        A version that cannot be loaded leaves the one before it in service and is tried again only
        once its files have changed (it may still be being copied).
        """
        with self._load_lock:
            on_disk = find_versions(self.root)
            self._failures = {
                key: failure
                for key, failure in self._failures.items()
                if key[1] in on_disk.get(key[0], {})
            }
            for name, versions in on_disk.items():
                known = self._loaded.get(name, {})
                if self._preload or known:
                    self._load_latest(name, versions)
            self._loaded = {
                name: {version: s for version, s in loaded.items() if version in on_disk[name]}
                for name, loaded in self._loaded.items()
                if name in on_disk
            }

    def get(self, name: str, version: int | None) -> "Servable":
        """Returns the servable for a request: the latest version unless one is named.

        A version that lies on disk without being loaded is loaded first. Raises ServingError
        (NOT_FOUND) for a model or version that does not exist or cannot be loaded.
        """
        servable = self._lookup(name, version)
        if servable is None:
            with self._load_lock:
                servable = self._lookup(name, version)
                if servable is None:
                    self._load_on_demand(name, version)
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

    def _load_on_demand(self, name: str, version: int | None) -> None:
        versions = find_versions(self.root).get(name, {})
        # The latest comes first even if an older one is wanted: it is what other requests mean.
        self._load_latest(name, versions)
        if version in versions and version not in self._loaded.get(name, {}):
            servable = self._try_load(name, version, versions[version])
            if servable is not None:
                self._publish(name, {**self._loaded.get(name, {}), version: servable})

    def _load_latest(self, name: str, versions: Mapping[int, Path]) -> None:
        """Puts the highest version that loads into service in place of the one before it."""
        known = self._loaded.get(name, {})
        for version in sorted(versions, reverse=True):
            if version in known:
                return
            servable = self._try_load(name, version, versions[version])
            if servable is not None:
                self._publish(name, {version: servable})
                return

    def _publish(self, name: str, versions: Mapping[int, "Servable"]) -> None:
        self._loaded = {**self._loaded, name: versions}

    def _try_load(self, name: str, version: int, folder: Path) -> "Servable | None":
        from serving.embedded.servable import Servable

        key, files = (name, version), fingerprint(folder)
        if key in self._failures and self._failures[key][0] == files:
            return None
        try:
            servable = Servable.load(name, version, folder)
        except Exception as error:  # whatever is wrong with one folder, the others are served
            self._failures[key] = (files, str(error))
            LOG.warning("cannot load %s: %s", folder, error)
            return None
        self._failures.pop(key, None)
        LOG.info("serving %s version %d", name, version)
        return servable
