"""The recordings that a release's network is adapted to: those of one domain, with folds."""

import dataclasses
from collections import Counter
from collections.abc import Iterable

from corpora import folds
from corpora.manifest import Manifest
from pipeline.base_release import BaseRelease
from pipeline.config import AdaptationConfig
from schemas.errors import UserError
from schemas.utterance import Utterance
from schemas.words import listed, plural

# Of a class: fewer cannot be both trained on and tested.
LEAST_CLIPS = 2
_MOST_NAMED = 3


def own_recordings(config: AdaptationConfig, indexed: Manifest) -> Manifest:
    """Returns the recordings to adapt to; those without folds get some.

    Raises:
      UserError: The manifest has several domains and none is chosen, the chosen one is not there,
        there is one class only, or a class has fewer than two clips.
    """
    domain = _domain(config, indexed)
    own = [utterance for utterance in indexed.utterances if utterance.domain == domain]
    counts = Counter(utterance.emotion for utterance in own)
    if len(counts) < 2:
        raise UserError(
            f"{config.manifest}: domain {domain} has clips of {listed(counts)} only, which leaves"
            f" nothing to tell apart; add recordings of another label of the set"
            f" ({', '.join(indexed.labels)})"
        )
    few = [
        f"{plural(count, 'clip')} of {label}"
        for label, count in sorted(counts.items())
        if count < LEAST_CLIPS
    ]
    if few:
        raise UserError(
            f"{config.manifest}: domain {domain} has {listed(few)}; a class needs at least"
            f" {LEAST_CLIPS}, one to learn from and one to test: add recordings, or leave the"
            " class out"
        )
    if absent := indexed.labels.missing(counts):
        raise UserError(
            f"{config.manifest}: domain {domain} has no clip of {listed(absent)}, which the label"
            f" set ({', '.join(indexed.labels)}) has; add recordings, or index with --emotions"
            f" {','.join(label for label in indexed.labels if label not in absent)}"
        )
    return dataclasses.replace(indexed, utterances=folds.assign(own, seed=config.seed))


def _domain(config: AdaptationConfig, indexed: Manifest) -> str:
    names = indexed.domains
    if config.domain is not None and config.domain not in names:
        raise UserError(
            f"domain {config.domain}: {config.manifest} has no such domain, only {', '.join(names)}"
        )
    if config.domain is None and len(names) > 1:
        raise UserError(
            f"{config.manifest} has the domains {listed(names)}; a network is adapted to one at a"
            " time: choose it with --domain NAME, and use an --output of its own for each"
        )
    return config.domain or names[0]


def check_unheard(
    config: AdaptationConfig, utterances: Iterable[Utterance], base: BaseRelease
) -> None:
    """Checks that the base was trained on none of the recordings.

    Raises:
      UserError: It was: what it answers to them says nothing of others.
    """
    heard = [each.utterance_id for each in utterances if each.sha256 in base.recordings]
    if heard:
        more = f" and {len(heard) - _MOST_NAMED} more" if len(heard) > _MOST_NAMED else ""
        raise UserError(
            f"{config.manifest}: the network of {base.folder} was trained on"
            f" {plural(len(heard), 'recording')} of it ({', '.join(heard[:_MOST_NAMED])}{more});"
            " leave them out, or take a base that has not heard them"
        )
