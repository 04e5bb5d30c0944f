"""What makes training and testing on a manifest's folds impossible or dishonest."""

from collections.abc import Iterable

from corpora import folds
from schemas.errors import UserError
from schemas.splits import (
    NUM_FOLDS,
    PARTITION,
    PARTITION_TEST_FOLD,
    RELEASE_PROTOCOLS,
    SPEAKER_INDEPENDENT,
)
from schemas.utterance import Utterance, by_domain


def fold_problems(
    utterances: Iterable[Utterance], protocol: str, *, test_fold: int | None = None
) -> list[str]:
    """Returns in words what makes training on these folds impossible or dishonest; [] if nothing.

    Args:
      utterances: Those of any number of domains.
      protocol: `random` or `speaker_independent`.
      test_fold: The only fold that is tested on, or `None` for all. Only where it is tested on
        must a fold hold every class of its domain.
    """
    return [
        problem
        for domain, clips in sorted(by_domain(utterances).items())
        for problem in _domain_problems(domain, clips, protocol, test_fold)
    ]


def check_folds(
    utterances: Iterable[Utterance], protocol: str, *, test_fold: int | None = None
) -> None:
    """Checks that every domain can be trained and tested on its folds.

    Args:
      utterances: Those of any number of domains.
      protocol: `random` or `speaker_independent`.
      test_fold: The only fold that is tested on, or `None` for all.

    Raises:
      UserError: A domain has fewer clips, or under `speaker_independent` fewer speakers, than
        there are folds; a clip has no fold; a speaker is in two folds under
        `speaker_independent`; or a fold that is tested on has no clip of a class that its domain
        has, or none is left to train on.
    """
    if protocol not in RELEASE_PROTOCOLS:
        raise UserError(
            f"protocol `{protocol}` does not exist; allowed: {', '.join(RELEASE_PROTOCOLS)}"
        )
    if problems := fold_problems(utterances, protocol, test_fold=test_fold):
        raise UserError("\n".join(problems))


def _domain_problems(
    domain: str, utterances: list[Utterance], protocol: str, test_fold: int | None
) -> list[str]:
    grouped = protocol == SPEAKER_INDEPENDENT
    speakers = folds.speakers_of(utterances)
    if len(utterances) < NUM_FOLDS:
        return [
            f"domain {domain}: {len(utterances)} clips are fewer than the {NUM_FOLDS} folds;"
            " add recordings or leave the domain out"
        ]
    if protocol == PARTITION and any(clip.fold(protocol) < 0 for clip in utterances):
        return [
            f"domain {domain}: not every clip is of an official part, of which train and test are"
            " needed: fill the column partition (train, dev, test) and index anew, or choose"
            " another protocol"
        ]
    if protocol == PARTITION and test_fold not in (None, PARTITION_TEST_FOLD):
        return [
            f"domain {domain}: under the protocol partition the test part is fold"
            f" {PARTITION_TEST_FOLD}; set test_fold to it"
        ]
    if any(utterance.fold(protocol) < 0 for utterance in utterances):
        return [
            f"domain {domain}: has clips without a fold under the protocol {protocol};"
            " `ser corpora index --corpus csv=MANIFEST --out NEW` assigns them; give it the"
            " --emotions that the manifest was made with"
        ]
    if grouped and len(speakers) < NUM_FOLDS:
        return [
            f"domain {domain}: {len(speakers)} speakers ({', '.join(sorted(speakers))}) are fewer"
            f" than the {NUM_FOLDS} folds of the protocol speaker_independent; add speakers, leave"
            " the domain out, or choose the protocol random"
        ]
    crossing = [
        speaker
        for speaker, clips in sorted(speakers.items())
        if grouped and len({clip.fold(protocol) for clip in clips}) > 1
    ]
    problems = [
        f"domain {domain}: speaker {speaker} is in more than one fold under the protocol"
        " speaker_independent; index the corpus anew without its fold columns"
        for speaker in crossing
    ]
    for emotion in sorted({utterance.emotion for utterance in utterances}):
        clips = [utterance for utterance in utterances if utterance.emotion == emotion]
        held = {clip.fold(protocol) for clip in clips}
        tested = range(NUM_FOLDS) if test_fold is None else [test_fold]
        of_speakers = f" of {len(folds.speakers_of(clips))} speakers" if grouped else ""
        other = ", or choose the protocol random" if grouped else ""
        if test_fold is not None and held:
            other += (
                f", or one of the test folds that have it ({', '.join(map(str, sorted(held)))})"
            )
        problems += [
            f"domain {domain}: fold {fold} has no clip of {emotion} under the protocol {protocol}"
            f" ({len(clips)} clips in all{of_speakers}); add recordings, leave {emotion} of"
            f" {domain} out{other}"
            for fold in tested
            if fold not in held
        ]
        problems += [
            f"domain {domain}: {emotion} is in no other fold than {fold} under the protocol"
            f" {protocol}, so that none is left to train on when {fold} is the test fold; add"
            f" recordings or leave {emotion} of {domain} out"
            for fold in tested
            if held == {fold}
        ]
    return problems
