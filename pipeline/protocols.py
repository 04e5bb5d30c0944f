"""How an adaptation's clips are tested: by speakers if they allow it, else by clips."""

import dataclasses
from collections.abc import Sequence

from corpora.folds import has_folds, speakers_of
from schemas.errors import UserError
from schemas.splits import NUM_FOLDS, RANDOM, SPEAKER_INDEPENDENT
from schemas.utterance import Utterance
from schemas.words import listed, plural

# Fewer cannot tell how speakers differ; more are not tested one by one.
LEAST_SPEAKERS, MOST_SPEAKERS = 3, 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class Protocol:
    """How clips are tested.

    Attributes:
      folds: Protocol of the manifest whose folds hold the examples.
      by_speaker: Whether whole speakers are tested.
      each_speaker: Whether each speaker is a part of its own, in place of the folds.
      remark: What this means for the estimate; empty if it is as good as it can be.
    """

    folds: str
    by_speaker: bool
    each_speaker: bool = False
    remark: str = ""


def choose(utterances: Sequence[Utterance], asked: str) -> Protocol:
    """Returns how the clips of one domain can be tested.

    Args:
      utterances: The clips.
      asked: `speaker_independent`, `random`, or `auto`.

    Raises:
      UserError: What was asked for is impossible, for the reason that is told.
    """
    speakers = speakers_of(utterances)
    if asked == RANDOM:
        return _by_clips(utterances, "protocol: random was asked for")
    if why := _why_not_folds(utterances, SPEAKER_INDEPENDENT):
        if not (lone := _why_not_each_speaker(speakers)):
            _checked_clips(utterances)
            return Protocol(
                folds=RANDOM,
                by_speaker=True,
                each_speaker=True,
                remark=f"{why}: each speaker is tested by networks that heard the others"
                + (
                    ", and the interval says little of further speakers"
                    if len(speakers) < NUM_FOLDS
                    else ""
                ),
            )
        if asked == SPEAKER_INDEPENDENT:
            raise UserError(
                f"protocol speaker_independent: {lone if len(speakers) < NUM_FOLDS else why};"
                " add speakers, or choose the protocol random, whose figures hold for these"
                " speakers only"
            )
        return _by_clips(utterances, lone if len(speakers) < NUM_FOLDS else why)
    return Protocol(folds=SPEAKER_INDEPENDENT, by_speaker=True)


def _by_clips(utterances: Sequence[Utterance], why: str) -> Protocol:
    _checked_clips(utterances)
    return Protocol(
        folds=RANDOM,
        by_speaker=False,
        remark=f"{why}: no speaker-independent estimate; the figures are for these speakers, and"
        " will be optimistic for others",
    )


def _checked_clips(utterances: Sequence[Utterance]) -> None:
    """Raises UserError where even the folds of clips cannot be tested."""
    if why := _why_not_folds(utterances, RANDOM):
        raise UserError(
            f"{why}; add recordings, or index anew without fold columns (`ser corpora index`)"
        )


def _why_not_folds(utterances: Sequence[Utterance], protocol: str) -> str:
    """Returns why the manifest's folds cannot be tested in turn; empty if they can."""
    if not has_folds(utterances, protocol):
        return f"clips have no fold under the protocol {protocol}"
    held = {utterance.fold(protocol) for utterance in utterances}
    speakers = speakers_of(utterances)
    if protocol == SPEAKER_INDEPENDENT and len(speakers) < NUM_FOLDS:
        return plural(len(speakers), "speaker")
    if empty := [str(fold) for fold in range(NUM_FOLDS) if fold not in held]:
        return (
            f"{plural(len(utterances), 'clip')} leave fold {listed(empty)} of the protocol"
            f" {protocol} empty"
        )
    if protocol == SPEAKER_INDEPENDENT:
        for speaker, own in sorted(speakers.items()):
            if len({utterance.fold(protocol) for utterance in own}) > 1:
                return f"speaker {speaker} is in more than one fold"
    return _only_in_one(
        {label: [u.fold(protocol) for u in own] for label, own in _by_label(utterances).items()},
        f"fold {{}} of the protocol {protocol}",
    )


def _why_not_each_speaker(speakers: dict[str, list[Utterance]]) -> str:
    """Returns why speakers cannot be tested one by one; empty if they can."""
    if len(speakers) < LEAST_SPEAKERS:
        return plural(len(speakers), "speaker")
    if len(speakers) > MOST_SPEAKERS:
        return f"{len(speakers)} speakers are many to test one by one"
    everyone = [utterance for own in speakers.values() for utterance in own]
    return _only_in_one(
        {label: [u.speaker for u in own] for label, own in _by_label(everyone).items()},
        "speaker {}",
    )


def _by_label(utterances: Sequence[Utterance]) -> dict[str, list[Utterance]]:
    found: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        found.setdefault(utterance.emotion, []).append(utterance)
    return dict(sorted(found.items()))


def _only_in_one(places: dict[str, list[object]], where: str) -> str:
    """Returns which label is in one place only, so that none is left to train on."""
    for label, own in places.items():
        if len(set(own)) == 1:
            return f"all clips of {label} are in {where.format(own[0])}"
    return ""
