"""How unlike the training clips a clip is: its distance under probabilistic PCA.

Tipping & Bishop 1999, "Probabilistic Principal Component Analysis": the training clips' embeddings
are taken to be Gaussian, with a variance of their own along the leading components and one variance
along all others. Imports numpy only.
"""

import dataclasses
import os

import numpy as np

TYPICALITY_FILE = "typicality.npz"
COMPONENTS = 32
PARTS = 5
# Fewer say nothing of what is usual.
LEAST_CLIPS = 10
_CLIPS_PER_COMPONENT = 5
# Of the usual channel's deviation, so that a channel that never moved is not all that counts.
_LEAST_SCALE = 1e-3
_LEAST_VARIANCE = 1e-6


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Typicality:
    """A Gaussian of the embeddings of training clips; float32 arrays.

    Attributes:
      layers: Number of the network's lowest layers, whose output the embedding is.
      mean, scale: `[channels]`, mean and standard deviation of each channel.
      components: `[components, channels]`, orthonormal, of the standardised embeddings.
      variances: `[components]`, along each of them.
      residual_variance: Along each direction that is orthogonal to them.
    """

    layers: int
    mean: np.ndarray
    scale: np.ndarray
    components: np.ndarray
    variances: np.ndarray
    residual_variance: float

    def distances(self, embeddings: np.ndarray) -> np.ndarray:
        """Returns the squared Mahalanobis distances of embeddings, float64 `[n]`.

        Args:
          embeddings: float32 `[n, channels]`.
        """
        standardised = (embeddings - self.mean) / self.scale
        along = standardised @ self.components.T
        rest = standardised - along @ self.components
        return (np.square(along) / self.variances).sum(axis=1, dtype=np.float64) + np.square(
            rest
        ).sum(axis=1, dtype=np.float64) / self.residual_variance

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes `TYPICALITY_FILE` into a folder of this machine."""
        np.savez(os.path.join(folder, TYPICALITY_FILE), **dataclasses.asdict(self))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Typicality":
        """Returns what `save` wrote into a file."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(
                layers=int(arrays["layers"]),
                residual_variance=float(arrays["residual_variance"]),
                **{name: arrays[name] for name in ("mean", "scale", "components", "variances")},
            )


def fit(embeddings: np.ndarray, *, layers: int, components: int = COMPONENTS) -> Typicality:
    """Returns the Gaussian that makes embeddings likeliest.

    Args:
      embeddings: float32 `[n, channels]`.
      layers: See `Typicality`.
      components: Number of leading components, less where there are few clips or channels.

    Raises:
      ValueError: There are fewer than two clips or channels.
    """
    count, channels = embeddings.shape
    if count < 2 or channels < 2:
        raise ValueError(f"{count} embeddings of {channels} channels have no distances")
    exact = embeddings.astype(np.float64)
    mean, scale = exact.mean(axis=0), exact.std(axis=0)
    scale = np.maximum(scale, _LEAST_SCALE * np.median(scale[scale > 0]) if scale.any() else 1.0)
    standardised = (exact - mean) / scale
    kept = max(1, min(components, count // _CLIPS_PER_COMPONENT, channels - 1))
    variances, directions = np.linalg.eigh(standardised.T @ standardised / count)
    variances, directions = variances[::-1], directions[:, ::-1]
    return Typicality(
        layers=layers,
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        components=np.ascontiguousarray(directions[:, :kept].T, np.float32),
        variances=np.maximum(variances[:kept], _LEAST_VARIANCE).astype(np.float32),
        residual_variance=max(float(variances[kept:].mean()), _LEAST_VARIANCE),
    )


def held_out_distances(
    embeddings: np.ndarray, groups: np.ndarray, *, parts: int = PARTS
) -> np.ndarray:
    """Returns each clip's distance from the clips of other groups, float64 `[n]`.

    Args:
      embeddings: float32 `[n, channels]`.
      groups: str `[n]`, speakers: none of them has clips in two parts.
      parts: Number of parts, less where there are fewer groups; clips are parted where there is one
        group.
    """
    from sklearn.model_selection import GroupKFold, KFold

    count = len(np.unique(groups))
    if count > 1:
        split = GroupKFold(min(parts, count)).split(embeddings, groups=groups)
    else:
        split = KFold(min(parts, len(embeddings)), shuffle=True, random_state=0).split(embeddings)
    found = np.empty(len(embeddings), np.float64)
    for others, own in split:
        found[own] = fit(embeddings[others], layers=0).distances(embeddings[own])
    return found


def threshold(distances: np.ndarray, domains: np.ndarray, *, false_alarms: float) -> float:
    """Returns the distance that at most a stated share of the clips of every domain exceeds.

    Where a domain has too few clips for a share as small, its distances are taken to be log-normal.

    Args:
      distances: float64 `[n]`, of clips that took no part in the fit.
      domains: str `[n]`.
      false_alarms: The share.
    """
    from scipy.stats import norm

    found = []
    for domain in np.unique(domains):
        own = distances[domains == domain]
        quantile = np.quantile(own, 1.0 - false_alarms, method="higher")
        logarithms = np.log(np.maximum(own, np.finfo(np.float64).tiny))
        spread = logarithms.std() * norm.isf(false_alarms)
        few = len(own) * false_alarms < 1.0
        usual = np.exp(logarithms.mean() + spread) if few else 0.0
        found.append(float(max(quantile, usual)))
    return max(found)
