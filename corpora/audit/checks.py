"""The checks, each a function from what is known to findings."""

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from corpora.audit.clips import Clip
from corpora.audit.duplicates import IDENTICAL, KINDS, NEAR_IDENTICAL, OVERLAPPING, Group, crosses
from corpora.audit.listening import Heard
from corpora.audit.report import ERROR, NOTE, WARNING, Example, Finding
from schemas.utterance import UNKNOWN_SPEAKER_PREFIX

SPEAKER_INDEPENDENT = "speaker_independent"

MIN_SOUND_S = 0.1
LOW_LEVEL_DBFS = -50.0
CLIPPED_SHARE = 0.001
DC_OFFSET_SHARE = 0.1  # of the effective value

# "CC BY-NC-SA 4.0", "non-commercial research", "research only", "for academic use"
_NON_COMMERCIAL = re.compile(
    r"non-?\s?commercial|\bnc\b|academic|(research|education\w*|scientific)\b[^.;]*\bonly"
    r"|\bonly\b[^.;]*(research|education|scientific)",
    re.IGNORECASE,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Facts:
    """All that the checks look at.

    Attributes:
      protocol: Under which is judged.
      test_fold: The only one tested on; `None`: each in turn.
      folds: The names of all folds there should be.
      clips, heard: Every clip and what was heard of it.
      groups: Clips with the same sound.
    """

    protocol: str
    test_fold: str | None
    folds: tuple[str, ...]
    clips: Sequence[Clip]
    heard: Sequence[Heard]
    groups: Sequence[Group]

    def by_domain(self) -> dict[str, list[Clip]]:
        """Returns domain to clips, sorted."""
        return grouped(self.clips, lambda clip: clip.domain)

    def sounds(self) -> Iterator[tuple[Clip, Heard]]:
        """Yields the clips that can be decoded."""
        for clip, heard in zip(self.clips, self.heard, strict=True):
            if not heard.problem:
                yield clip, heard


def grouped(clips: Iterable[Clip], key: Callable[[Clip], str]) -> dict[str, list[Clip]]:
    """Returns key to clips, sorted by key."""
    result: dict[str, list[Clip]] = {}
    for clip in clips:
        result.setdefault(key(clip), []).append(clip)
    return dict(sorted(result.items()))


def count(number: int, noun: str) -> str:
    """Returns `1 clip`, `2 clips`."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


# --- The same sound -------------------------------------------------------------------------------


def same_audio(facts: Facts) -> Iterator[Finding]:
    """The same sound in two clips: an error where one is tested on and the other trained on."""
    for kind in KINDS:
        for across in (True, False):
            groups = [
                group
                for group in facts.groups
                if group.kind == kind and group.crosses(facts.test_fold) == across
            ]
            if groups:
                yield _same_audio(kind, across, groups)


_SHARED = {
    IDENTICAL: "hold exactly the same samples",
    NEAR_IDENTICAL: "hold the same sound, at most its level, rate, coding or length changed",
    OVERLAPPING: "have a part of their sound in common",
}


def _same_audio(kind: str, across: bool, groups: Sequence[Group]) -> Finding:
    clips = [clip for group in groups for clip in group.clips]
    mixed = sum(len({clip.domain for clip in group.clips}) > 1 for group in groups)
    message = f"{count(len(clips), 'clip')} in {count(len(groups), 'group')} {_SHARED[kind]}"
    message += f", {count(mixed, 'group')} of them across corpora" if mixed else ""
    advice = (
        "keep one of each group: --write-exclusions FILE, then `ser corpora index --exclude FILE`"
    )
    if across:
        message += "; a model is tested on what it was trained on."
        advice += ", or put each whole group into one fold."
    else:
        message += "; such sound counts more than once."
        advice += "."
    return Finding(
        check=f"{kind}-{'across' if across else 'within'}-folds",
        severity=ERROR if across else WARNING,
        domains=_domains(clips),
        message=message,
        advice=advice,
        examples=tuple(_group_example(group) for group in groups),
    )


def label_conflicts(facts: Facts) -> Iterator[Finding]:
    """The same sound under different emotions."""
    for kinds, severity in (((IDENTICAL, NEAR_IDENTICAL), ERROR), ((OVERLAPPING,), WARNING)):
        groups = [
            group for group in facts.groups if group.kind in kinds and has_label_conflict(group)
        ]
        if groups:
            part = "the same sound" if severity == ERROR else "partly the same sound"
            yield Finding(
                check="label-conflict" if severity == ERROR else "label-conflict-on-overlap",
                severity=severity,
                domains=_domains(clip for group in groups for clip in group.clips),
                message=f"{count(len(groups), 'group')} of clips with {part} carry different"
                " emotions: at least one of the labels is wrong.",
                advice="listen, and correct or drop them; --write-exclusions drops all of a group.",
                examples=tuple(
                    _clips_example(
                        group.clips,
                        " ≈ ".join(f"{c.utterance_id} ({c.emotion})" for c in group.clips[:4]),
                    )
                    for group in groups
                ),
            )


def speaker_conflicts(facts: Facts) -> Iterator[Finding]:
    """The same sound under different speakers of a domain."""
    groups = [
        group
        for group in facts.groups
        if any(
            len({clip.speaker for clip in clips if known_speaker(clip)}) > 1
            for clips in grouped(group.clips, lambda clip: clip.domain).values()
        )
    ]
    if groups:
        yield Finding(
            check="speaker-conflict",
            severity=WARNING,
            domains=_domains(clip for group in groups for clip in group.clips),
            message=f"{count(len(groups), 'group')} of clips with the same sound, or a part of it"
            " in common, name different speakers: folds by speaker cannot be relied on there.",
            advice="correct the speakers, or drop the clips (--write-exclusions).",
            examples=tuple(
                _clips_example(
                    group.clips,
                    " ≈ ".join(f"{c.utterance_id} (speaker {c.speaker})" for c in group.clips[:4]),
                )
                for group in groups
            ),
        )


def has_label_conflict(group: Group) -> bool:
    """Returns whether the clips of a group carry different emotions."""
    return len({clip.emotion for clip in group.clips if clip.emotion}) > 1


# --- Folds ----------------------------------------------------------------------------------------


def no_fold(facts: Facts) -> Iterator[Finding]:
    """Clips that are in no fold."""
    for domain, clips in facts.by_domain().items():
        if lacking := [clip for clip in clips if not clip.fold]:
            yield Finding(
                check="no-fold",
                severity=ERROR,
                domains=(domain,),
                message=f"{len(lacking):,} of {count(len(clips), 'clip')} have no fold under the"
                f" protocol {facts.protocol}.",
                advice="`ser corpora index --corpus csv=MANIFEST --out NEW` assigns folds.",
                examples=tuple(_clips_example([clip], clip.utterance_id) for clip in lacking),
            )


def speakers_across_folds(facts: Facts) -> Iterator[Finding]:
    """Speakers who are trained on and tested on."""
    independent = facts.protocol == SPEAKER_INDEPENDENT
    for domain, clips in facts.by_domain().items():
        speakers = grouped(filter(known_speaker, clips), lambda clip: clip.speaker)
        crossing = {
            speaker: held
            for speaker, of_speaker in speakers.items()
            if crosses(held := {clip.fold for clip in of_speaker}, facts.test_fold)
        }
        if crossing:
            told = f"{len(crossing):,} of {count(len(speakers), 'speaker')} are in several folds"
            yield Finding(
                check="speakers-across-folds",
                severity=ERROR if independent else NOTE,
                domains=(domain,),
                message=f"{told}: what is measured includes knowing the voice."
                if independent
                else f"{told}, as the protocol {facts.protocol} allows: the result holds for voices"
                " the model has heard, and is usually too good for any other.",
                advice="index the corpus anew without its fold columns."
                if independent
                else "report the protocol; use speaker_independent to learn about new voices.",
                examples=tuple(
                    _clips_example(
                        speakers[speaker], f"speaker {speaker}: folds {', '.join(sorted(held))}"
                    )
                    for speaker, held in crossing.items()
                ),
            )


def unknown_speakers(facts: Facts) -> Iterator[Finding]:
    """Clips whose speaker the corpus does not name."""
    for domain, clips in facts.by_domain().items():
        if unknown := [clip for clip in clips if clip.speaker and not known_speaker(clip)]:
            yield Finding(
                check="unknown-speakers",
                severity=WARNING,
                domains=(domain,),
                message=f"the speaker of {len(unknown):,} of {count(len(clips), 'clip')} is"
                " unknown: each counts as a speaker of its own, so a voice may be in several"
                " folds under any protocol.",
                advice="say so beside every result on this corpus.",
                examples=tuple(_clips_example([clip], clip.utterance_id) for clip in unknown),
            )


def known_speaker(clip: Clip) -> bool:
    """Returns whether the clip names a speaker."""
    return bool(clip.speaker) and not clip.speaker.startswith(UNKNOWN_SPEAKER_PREFIX)


def sentences_across_folds(facts: Facts) -> Iterator[Finding]:
    """Scripted sentences that are trained on and tested on."""
    for domain, clips in facts.by_domain().items():
        sentences = grouped((c for c in clips if c.sentence), lambda clip: clip.sentence)
        crossing = {
            sentence: spoken
            for sentence, spoken in sentences.items()
            if crosses({clip.fold for clip in spoken}, facts.test_fold)
        }
        if crossing:
            num_clips = sum(len(spoken) for spoken in crossing.values())
            yield Finding(
                check="sentences-across-folds",
                severity=WARNING,
                domains=(domain,),
                message=f"{len(crossing):,} of {count(len(sentences), 'sentence')} are spoken in"
                f" several folds ({num_clips:,} of {count(len(clips), 'clip')}): the test holds for"
                " known texts.",
                advice="usual for acted corpora, whose actors all read the same few sentences; say"
                " so beside the result.",
                examples=tuple(
                    _clips_example(spoken, f"sentence {sentence}: {count(len(spoken), 'clip')}")
                    for sentence, spoken in crossing.items()
                ),
            )


def missing_classes(facts: Facts) -> Iterator[Finding]:
    """Emotions of a domain that a tested fold lacks, or that no other fold has."""
    tested = facts.folds if facts.test_fold is None else (facts.test_fold,)
    for domain, clips in facts.by_domain().items():
        lacking, alone = [], []
        for emotion, of_emotion in grouped(clips, lambda clip: clip.emotion).items():
            held = {clip.fold for clip in of_emotion} - {""}
            lacking += [
                _clips_example(
                    of_emotion, f"fold {fold} has no {emotion}, of {count(len(of_emotion), 'clip')}"
                )
                for fold in tested
                if fold not in held
            ]
            if len(held) == 1 and held <= set(tested):
                alone.append(
                    _clips_example(of_emotion, f"{emotion}: only in fold {', '.join(held)}")
                )
        if lacking:
            yield Finding(
                check="class-missing-in-fold",
                severity=ERROR,
                domains=(domain,),
                message="a fold that is tested on lacks a class of its domain"
                + (f", {len(lacking)} times" if len(lacking) > 1 else "")
                + ": recall is undefined there, and folds are not tested on the same task.",
                advice="add recordings, leave the class out, choose another test fold, or the"
                " protocol random.",
                examples=tuple(lacking),
            )
        if alone:
            yield Finding(
                check="class-only-in-test-fold",
                severity=ERROR,
                domains=(domain,),
                message="a class is in no other fold than one that is tested on"
                + (f", {len(alone)} times" if len(alone) > 1 else "")
                + ": none is left to train on.",
                advice="add recordings or leave the class out.",
                examples=tuple(alone),
            )


# --- Level, clipping and the like -----------------------------------------------------------------


def unreadable(facts: Facts) -> Iterator[Finding]:
    """Recordings that are missing or cannot be decoded."""
    problems = {
        clip.utterance_id: heard.problem
        for clip, heard in zip(facts.clips, facts.heard, strict=True)
        if heard.problem
    }
    for domain, clips in facts.by_domain().items():
        if broken := [clip for clip in clips if clip.utterance_id in problems]:
            yield Finding(
                check="unreadable",
                severity=WARNING,
                domains=(domain,),
                message=f"{len(broken):,} of {count(len(clips), 'recording')} cannot be decoded;"
                " they were not audited, and training leaves them out.",
                advice="restore them and index anew.",
                examples=tuple(
                    _clips_example([clip], f"{clip.utterance_id}: {problems[clip.utterance_id]}")
                    for clip in broken
                ),
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _SoundCheck:
    """A check of each clip's sound by itself."""

    check: str
    concerns: Callable[[Heard], bool]
    describe: Callable[[Heard], str]
    message: str
    advice: str


def dbfs(value: float) -> float:
    """Returns decibels relative to full scale, at least -120."""
    return 20 * math.log10(max(abs(value), 1e-6))


def empty(heard: Heard) -> bool:
    """Returns whether there is next to nothing to hear."""
    return heard.constant or heard.duration_s < MIN_SOUND_S or heard.sound_s < MIN_SOUND_S


def _describe_empty(heard: Heard) -> str:
    if heard.constant:
        return f"{heard.duration_s:.2f} s, all samples are equal"
    return f"{heard.duration_s:.2f} s, {heard.sound_s:.2f} s of sound"


def _describe_offset(heard: Heard) -> str:
    share = 100 * abs(heard.dc_offset) / heard.rms
    return f"mean {heard.dc_offset:+.4f} of full scale, {share:.0f}% of the effective value"


_SOUND_CHECKS = (
    _SoundCheck(
        check="silent-or-near-empty",
        concerns=empty,
        describe=_describe_empty,
        message=f"hold no sound, or less than {MIN_SOUND_S:g} s of it.",
        advice="drop them: --write-exclusions.",
    ),
    _SoundCheck(
        check="clipping",
        concerns=lambda heard: not heard.constant and heard.clipped_share > CLIPPED_SHARE,
        describe=lambda heard: f"{100 * heard.clipped_share:.2f}% of the samples",
        message=f"are clipped in more than {100 * CLIPPED_SHARE:g}% of their samples.",
        advice="prefer a better copy; clipping may stand for loudness, and so for the label.",
    ),
    _SoundCheck(
        check="low-level",
        concerns=lambda heard: not empty(heard) and dbfs(heard.rms) < LOW_LEVEL_DBFS,
        describe=lambda heard: f"{dbfs(heard.rms):.0f} dBFS, peak {dbfs(heard.peak):.0f} dBFS",
        message=f"have an effective level below {LOW_LEVEL_DBFS:g} dBFS, where noise is a good part"
        " of what standardisation amplifies.",
        advice="prefer a better copy, or standardise per utterance.",
    ),
    _SoundCheck(
        check="dc-offset",
        concerns=lambda heard: (
            not heard.constant and abs(heard.dc_offset) > DC_OFFSET_SHARE * heard.rms
        ),
        describe=_describe_offset,
        message=f"have a mean of more than {100 * DC_OFFSET_SHARE:g}% of their effective value.",
        advice="standardise per utterance, or remove it with a high-pass filter.",
    ),
)


def sound_problems(facts: Facts) -> Iterator[Finding]:
    """Silence, clipping, very low level, DC offset."""
    heard_of: dict[str, list[tuple[Clip, Heard]]] = {}
    for clip, heard in facts.sounds():
        heard_of.setdefault(clip.domain, []).append((clip, heard))
    for check in _SOUND_CHECKS:
        for domain, sounds in sorted(heard_of.items()):
            if found := [(clip, heard) for clip, heard in sounds if check.concerns(heard)]:
                yield Finding(
                    check=check.check,
                    severity=WARNING,
                    domains=(domain,),
                    message=f"{len(found):,} of {count(len(sounds), 'clip')} {check.message}",
                    advice=check.advice,
                    examples=tuple(
                        _clips_example([clip], f"{clip.utterance_id}: {check.describe(heard)}")
                        for clip, heard in found
                    ),
                )


# --- Licences -------------------------------------------------------------------------------------


def licences(facts: Facts) -> Iterator[Finding]:
    """What each source allows."""
    for licence, clips in grouped(facts.clips, lambda clip: clip.licence).items():
        names = ", ".join(_domains(clips))
        if not licence:
            check, told = "licence-unknown", "nothing is known of the licence"
            advice = "ask whoever gave you the recordings before anything is published or sold."
        elif _NON_COMMERCIAL.search(licence):
            check, told = "licence-non-commercial", f"`{licence}`: not for commercial use"
            advice = "models trained on it are for research, unless its owner agrees otherwise."
        else:
            check, told = "licence", f"`{licence}`"
            advice = ""
        yield Finding(
            check=check,
            severity=NOTE,
            domains=_domains(clips),
            message=f"{told} ({count(len(clips), 'clip')} of {names}).",
            advice=advice,
        )


def _domains(clips: Iterable[Clip]) -> tuple[str, ...]:
    return tuple(sorted({clip.domain for clip in clips}))


def _group_example(group: Group) -> Example:
    return _clips_example(group.clips, group.text())


def _clips_example(clips: Iterable[Clip], text: str) -> Example:
    return Example(utterance_ids=tuple(clip.utterance_id for clip in clips), text=text)
