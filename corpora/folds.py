"""Five folds per domain, balanced by emotion, under the two protocols.

Both are functions of the seed and of the utterances' ids, speakers and emotions only: the order of
the input and of the file system does not matter. `random.Random` of a string is used because its
sequence is the same on every platform and in every version.
"""

import dataclasses
import random
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from schemas import labels
from schemas.splits import NUM_FOLDS, PARTITION, PARTITION_DEV_FOLD, PARTITION_TEST_FOLD
from schemas.utterance import Utterance, by_domain

# The search for speaker-independent folds: independent starts, and moves tried in each.
STARTS = 8
PROPOSALS = 3_000
# A class that a fold lacks outweighs any imbalance of sizes.
LACK_COST = 1_000.0
_FIRST_STEP = 16  # proposals that are judged at once after one was accepted


def assign(utterances: Iterable[Utterance], *, seed: int) -> list[Utterance]:
    """Returns the utterances with folds under both protocols, in the order given.

    A domain whose clips all have a fold under a protocol keeps those: folds made elsewhere stay
    comparable. `manifest.check_folds` tells whether a fold lacks a class.
    """
    utterances = list(utterances)
    folds_random: dict[str, int] = {}
    folds_speaker: dict[str, int] = {}
    folds_partition: dict[str, int] = {}
    for domain, clips in by_domain(utterances).items():
        if not has_folds(clips, "random"):
            folds_random |= random_folds(clips, seed=f"{seed}/{domain}/random")
        if not has_folds(clips, "speaker_independent"):
            of_speaker = speaker_folds(clips, seed=f"{seed}/{domain}/speaker_independent")
            folds_speaker |= {clip.utterance_id: of_speaker[clip.speaker] for clip in clips}
        if not has_folds(clips, PARTITION):
            folds_partition |= partition_folds(clips, seed=f"{seed}/{domain}/{PARTITION}")
    return [
        dataclasses.replace(
            utterance,
            fold_random=folds_random.get(utterance.utterance_id, utterance.fold_random),
            fold_speaker_independent=folds_speaker.get(
                utterance.utterance_id, utterance.fold_speaker_independent
            ),
            fold_partition=folds_partition.get(utterance.utterance_id, utterance.fold_partition),
        )
        for utterance in utterances
    ]


def partition_folds(clips: Sequence[Utterance], *, seed: str) -> dict[str, int]:
    """Returns utterance id to fold such that the official test part is fold 0.

    The dev part, where there is one, is the last fold; the training part is spread over the others,
    which are all trained on. Nothing where a clip is of no part, or one is missing.
    """
    parts: dict[str, list[Utterance]] = {}
    for clip in clips:
        parts.setdefault(clip.partition, []).append(clip)
    if "" in parts or not {"train", "test"} <= parts.keys():
        return {}
    test, dev = PARTITION_TEST_FOLD, PARTITION_DEV_FOLD
    training = [
        fold for fold in range(NUM_FOLDS) if fold != test and (fold != dev or "dev" not in parts)
    ]
    dealt = random_folds(parts["train"], seed=seed, num_folds=len(training))
    folds = {utterance_id: training[number] for utterance_id, number in dealt.items()}
    folds |= {clip.utterance_id: dev for clip in parts.get("dev", ())}
    return folds | {clip.utterance_id: test for clip in parts["test"]}


def has_folds(clips: Iterable[Utterance], protocol: str) -> bool:
    """Returns whether every clip has a fold under `protocol`."""
    return all(clip.fold(protocol) >= 0 for clip in clips)


def speakers_of(utterances: Iterable[Utterance]) -> dict[str, list[Utterance]]:
    """Returns speaker to utterances."""
    result: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        result.setdefault(utterance.speaker, []).append(utterance)
    return result


def random_folds(
    clips: Sequence[Utterance], *, seed: str, num_folds: int = NUM_FOLDS
) -> dict[str, int]:
    """Returns utterance id to fold; per emotion, and in all, sizes differ by at most one clip."""
    shuffled = random.Random(seed)
    order = []
    for emotion in _emotions(clips):
        ids = sorted(clip.utterance_id for clip in clips if clip.emotion == emotion)
        shuffled.shuffle(ids)
        order += ids
    numbers = list(range(num_folds))
    shuffled.shuffle(numbers)
    # Dealing on, where the last emotion ended, is what keeps the folds' sizes equal.
    return {utterance_id: numbers[i % num_folds] for i, utterance_id in enumerate(order)}


def speaker_folds(clips: Sequence[Utterance], *, seed: str) -> dict[str, int]:
    """Returns speaker to fold, such that folds are as balanced as the speakers allow.

    A seeded local search (moves of a speaker, exchanges of two) from several starts, which
    minimises first the number of classes that folds lack and then the squared relative deviation
    of each fold's clips per class, and in all, from a fifth. Folds are numbered by that deviation:
    where speakers are too few for a class to be in every fold, it is the last ones that lack it,
    so that a single test fold, 0, can still measure every class.
    """
    by_speaker = speakers_of(clips)
    speakers = sorted(by_speaker)
    chance = random.Random(seed)
    emotions = _emotions(clips)
    counts = np.array(
        [[_count(by_speaker[speaker], emotion) for emotion in emotions] for speaker in speakers],
        float,
    )
    best_cost, best = float("inf"), [0] * len(speakers)
    for _ in range(STARTS):
        cost, folds = _search(counts, chance)
        if cost < best_cost - 1e-9:
            best_cost, best = cost, folds
    numbers = _most_representative_first(counts, best)
    return {speaker: numbers[fold] for speaker, fold in zip(speakers, best, strict=True)}


def _emotions(clips: Iterable[Utterance]) -> tuple[str, ...]:
    """Returns those that occur, in an order that depends on neither the clips' nor the set's."""
    return labels.in_order(clip.emotion for clip in clips)


def _count(clips: Iterable[Utterance], emotion: str) -> int:
    return sum(clip.emotion == emotion for clip in clips)


def _most_representative_first(counts: np.ndarray, folds: list[int]) -> list[int]:
    """Returns the number to give to each fold; equally good ones keep their (random) order."""
    target = counts.sum(0) / NUM_FOLDS
    sizes = np.zeros((NUM_FOLDS, counts.shape[1]))
    np.add.at(sizes, folds, counts)
    costs = _fold_costs(sizes, target).round(9)
    ranked = sorted(range(NUM_FOLDS), key=costs.__getitem__)
    return [ranked.index(fold) for fold in range(NUM_FOLDS)]


def _fold_costs(sizes: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Returns the cost [folds] of folds with `sizes` [folds, classes] for the ideal [classes]."""
    total = target.sum()
    return (
        LACK_COST * (sizes == 0).sum(-1)
        + (((sizes - target) / target) ** 2).sum(-1)
        + len(target) * ((sizes.sum(-1) - total) / total) ** 2
    )


def _search(counts: np.ndarray, chance: random.Random) -> tuple[float, list[int]]:
    """Returns cost and fold per speaker for `counts` [speakers, classes]."""
    num_speakers = len(counts)
    target = counts.sum(0) / NUM_FOLDS
    order = list(range(num_speakers))
    chance.shuffle(order)
    order.sort(key=lambda speaker: -counts[speaker].sum())
    order_of_folds = list(range(NUM_FOLDS))
    chance.shuffle(order_of_folds)
    sizes = np.zeros((NUM_FOLDS, counts.shape[1]))
    folds = np.zeros(num_speakers, int)
    for speaker in order:  # the largest first, each to the fold that has the least
        folds[speaker] = min(order_of_folds, key=lambda fold: sizes[fold].sum())
        sizes[folds[speaker]] += counts[speaker]
    one, other, to = _proposals(num_speakers, chance)
    is_move = one == other
    delta = counts[one] - np.where(is_move[:, None], 0, counts[other])
    # Proposals are tried in their order, many at a time until one is accepted: most are not.
    position, step = 0, _FIRST_STEP
    while position < len(one):
        some = slice(position, position + step)
        source = folds[one[some]]
        goal = np.where(is_move[some], to[some], folds[other[some]])
        costs = _fold_costs(sizes, target)
        gain = (
            costs[source]
            + costs[goal]
            - _fold_costs(sizes[source] - delta[some], target)
            - _fold_costs(sizes[goal] + delta[some], target)
        )
        better = np.flatnonzero((gain > 1e-9) & (source != goal))
        if not len(better):
            position, step = position + step, 2 * step
            continue
        first = better[0]
        accepted = position + first
        sizes[source[first]] -= delta[accepted]
        sizes[goal[first]] += delta[accepted]
        folds[other[accepted]] = source[first]  # of a move, `other` is `one`: overwritten
        folds[one[accepted]] = goal[first]
        position, step = accepted + 1, _FIRST_STEP
    return float(_fold_costs(sizes, target).sum()), folds.tolist()


def _proposals(
    num_speakers: int, chance: random.Random
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns what the search tries: speakers, with whom they change places, and new folds.

    Who changes places with themselves moves to the new fold.
    """

    def below(limit: int, bits: int, draw: Callable[[int], int] = chance.getrandbits) -> int:
        # What randrange does, without its checks, which took most of the search's time.
        while (value := draw(bits)) >= limit:
            pass
        return value

    bits, fold_bits = num_speakers.bit_length(), NUM_FOLDS.bit_length()
    drawn = []
    for _ in range(min(PROPOSALS, 30 * num_speakers**2)):
        one, to = below(num_speakers, bits), below(NUM_FOLDS, fold_bits)
        other = below(num_speakers, bits) if chance.random() < 0.5 else one
        drawn.append((one, other, to))
    one, other, to = np.array(drawn).T
    return one, other, to


def sizes(utterances: Iterable[Utterance], protocol: str) -> Mapping[int, int]:
    """Returns the number of clips in each fold."""
    result = dict.fromkeys(range(NUM_FOLDS), 0)
    for utterance in utterances:
        if (fold := utterance.fold(protocol)) >= 0:
            result[fold] += 1
    return result
