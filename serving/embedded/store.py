"""Which versions of which models are loaded, and when others take their place."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from serving.embedded.errors import ServingError
from serving.embedded.policies import Policies, Policy
from serving.embedded.versions import Fingerprint, fingerprint, versions_of

if TYPE_CHECKING:
    from tensorflow_serving.apis import model_pb2

    from serving.embedded.servable import Servable

LOG = logging.getLogger(__name__)

# Names of TF Serving's states of a version.
START, LOADING, AVAILABLE, UNLOADING, END = "START", "LOADING", "AVAILABLE", "UNLOADING", "END"


class ModelStore:
    """The loaded models: of each the versions that its policy names, as TF Serving has it.

    Readers take one reference per request from an immutable mapping; `refresh` replaces the whole
    mapping once new versions are loaded and warm. Hence requests are never blocked by a load of
    another version and never see half a swap.

    Args:
      policies: Which models there are, and which of their versions are loaded.
      preload: Whether `refresh` loads them; otherwise a model's first request does.
    """

    def __init__(self, policies: Policies, *, preload: bool = True):
        self._policies = policies
        # As they were at the last look.
        self._known: Mapping[str, Policy] = {}
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

    def known(self) -> frozenset[str]:
        """Returns the names of the models that there were at the last look, loaded or not."""
        return frozenset(self._known)

    def replace(self, policies: Policies) -> None:
        """Takes other policies from now on, and looks at once."""
        with self._load_lock:
            self._policies = policies
            self.refresh()

    def failures(self) -> dict[tuple[str, int], str]:
        """Returns why versions could not be loaded, by (model, version)."""
        return {key: message for key, (_, message) in dict(self._failures).items()}

    def states(self, name: str) -> dict[int, tuple[str, str]]:
        """Returns state and fault, if any, of each version of a model, ascending."""
        found: dict[int, tuple[str, str]] = {}
        loaded, failures, loading = self._loaded.get(name, {}), self.failures(), self._loading
        policy = self._known.get(name)
        on_disk = versions_of(policy.folder) if policy else {}
        for version in sorted({*on_disk, *loaded}):
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
        if self.preload:
            return bool(self._loaded)
        return any(versions_of(policy.folder) for policy in self._known.values())

    def version_of(self, model_spec: "model_pb2.ModelSpec") -> int | None:
        """Returns the version that a request names; `None` for the latest.

        Raises:
          ServingError: It names a label that no version has (INVALID_ARGUMENT).
        """
        if label := model_spec.version_label:
            policy = self._known.get(model_spec.name)
            if policy is None or label not in policy.labels:
                raise ServingError(
                    "INVALID_ARGUMENT", f"Unrecognized servable version label: {label}"
                )
            return policy.labels[label]
        return model_spec.version.value if model_spec.HasField("version") else None

    def refresh(self) -> None:
        """Looks once: loads the versions that are to be served, and drops those that are not.

        A version that cannot be loaded leaves the one before it in service and is tried again only
        once its files have changed (it may still be being copied). While the serving folder itself
        is not there, all stays in service.

        Raises:
          UserError: The models' configuration cannot be read; all stays in service.
        """
        with self._load_lock:
            policies = self._policies()
            if policies is None:
                return
            self._known = policies
            on_disk = {name: versions_of(policy.folder) for name, policy in policies.items()}
            self._failures = {
                key: failure
                for key, failure in self._failures.items()
                if key[1] in on_disk.get(key[0], {})
            }
            for name, policy in policies.items():
                if self.preload or self._loaded.get(name):
                    self._load(name, policy, on_disk[name])
            self._loaded = {
                name: {version: s for version, s in loaded.items() if version in on_disk[name]}
                for name, loaded in self._loaded.items()
                if on_disk.get(name)
            }

    def get(self, name: str, version: int | None) -> "Servable":
        """Returns the servable for a request: the latest version unless one is named.

        Without `preload`, a model's first request loads it. Versions that are not to be served are
        loaded for nobody: a client could fill the memory with all that lie on disk.

        Raises:
          ServingError: The model or version does not exist, is not loaded, or cannot be
            (NOT_FOUND).
        """
        servable = self._lookup(name, version)
        if servable is None and not self.preload:
            with self._load_lock:
                policy = (self._policies() or {}).get(name)
                if policy is not None and not self._loaded.get(name):
                    self._load(name, policy, versions_of(policy.folder))
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

    def _load(self, name: str, policy: Policy, on_disk: Mapping[int, Path]) -> None:
        """Puts the versions that a policy wants into service in place of those before them."""
        known = self._loaded.get(name, {})
        candidates, count = policy.wanted(on_disk)
        served: dict[int, Servable] = {}
        for version in candidates:
            if len(served) == count:
                break
            files = fingerprint(on_disk[version])
            servable = None
            if version not in known or self._fingerprints.get((name, version)) != files:
                servable = self._try_load(name, version, on_disk[version], files)
            # Overwritten by what cannot be loaded, it is still in memory as it was.
            if servable := servable or known.get(version):
                served[version] = servable
        if served:
            self._loaded = {**self._loaded, name: served}

    def _try_load(
        self, name: str, version: int, folder: Path, files: Fingerprint
    ) -> "Servable | None":
        from serving.embedded.servable import Servable

        key = (name, version)
        if key in self._failures and self._failures[key][0] == files:
            return None
        self._loading = self._loading | {key}
        try:
            # Loaded at its first request, a model has one to warm up with.
            servable = Servable.load(name, version, folder, warm_up=self.preload)
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
