"""Networks whose output is the mean of several heads, each with a training of its own."""

import dataclasses
import functools
import hashlib

import numpy as np

from modules.networks.heads import OfMembers
from modules.networks.registry import NetworkSpec
from modules.training import freezing
from modules.training.job import Job, Outcome, Weights

# Between the seeds of two members, so that neighbouring seeds of a study share none.
_SEED_STEP = 10_007


def jobs(job: Job) -> list[Job]:
    """Returns a training for each member, of a network that has one.

    Raises:
      ValueError: There is patience: members would be of several lengths.
    """
    if job.settings.patience:
        raise ValueError("members have no early stopping: set patience to 0, or members to 1")
    count = job.network.members
    return [
        dataclasses.replace(
            job,
            name=f"{job.name}, head {number + 1} of {count}",
            network=dataclasses.replace(job.network, members=1),
            settings=dataclasses.replace(
                job.settings, seed=job.settings.seed + number * _SEED_STEP
            ),
            start=None if job.start is None else member(job.start, job.network, number),
        )
        for number in range(count)
    ]


def member(weights: Weights, spec: NetworkSpec, number: int) -> Weights:
    """Returns the weights of one member of a network, as of a network that has one.

    Args:
      weights: Weights of the whole network.
      spec: The whole network.
      number: Number of the member, from 0.
    """
    own = _own_layers(spec)
    return {
        layer: [array[number : number + 1] for array in arrays] if layer in own else arrays
        for layer, arrays in weights.items()
    }


def merged(job: Job, parts: list[Outcome]) -> Outcome:
    """Returns what the trainings of all members come to.

    Args:
      job: The training of the whole network.
      parts: What became of `jobs(job)`.
    """
    spec, first = job.network, parts[0]
    own = _own_layers(spec)
    weights = {
        layer: [
            np.concatenate(arrays) if layer in own else arrays[0]
            for arrays in zip(*(part.weights[layer] for part in parts), strict=True)
        ]
        for layer in first.weights
    }
    if job.start is None:
        before = {
            group: _one_of([part.hashes_before[group] for part in parts])
            for group in first.hashes_before
        }
    else:
        before = freezing.weight_hashes(job.start, spec.groups)
    return dataclasses.replace(
        first,
        weights=weights,
        history=[
            {name: float(np.mean([epoch[name] for epoch in epochs])) for name in epochs[0]}
            for epochs in zip(*(part.history for part in parts), strict=True)
        ],
        hashes_before=before,
        hashes=freezing.weight_hashes(weights, spec.groups),
        idle=tuple(group for group in first.fates if any(group in part.idle for part in parts)),
        member_probabilities=np.concatenate([part.member_probabilities for part in parts]),
        train_s=sum(part.train_s for part in parts),
    )


def _one_of(hashes: list[str]) -> str:
    """Returns the hash of a group that all members have in common, or else one hash of theirs."""
    if len(set(hashes)) == 1:
        return hashes[0]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


@functools.lru_cache(maxsize=8)
def _own_layers(spec: NetworkSpec) -> frozenset[str]:
    """Returns the layers of which each member has its own."""
    network = spec.build(seed=0)
    return frozenset(layer.name for layer in network.layers if isinstance(layer, OfMembers))
