"""Runs the checks."""

import os
from collections.abc import Iterable, Sequence

from corpora.audit import checks, duplicates, inference, listening
from corpora.audit import clips as clips_module
from corpora.audit.clips import Clip
from corpora.audit.report import SEVERITIES, Audit, Exclusion, Finding
from schemas.errors import UserError
from schemas.progress import Track, no_track
from schemas.splits import NUM_FOLDS, RELEASE_PROTOCOLS
from schemas.utterance import Utterance

# In the order of the report within a severity; and for those that need a column of a fold list, its
# name, and that of the finding that cannot be made without.
CHECKS = (
    (checks.same_audio, "", ""),
    (checks.label_conflicts, "emotion", "label-conflict"),
    (checks.no_fold, "", ""),
    (checks.speakers_across_folds, "speaker", "speakers-across-folds"),
    (checks.missing_classes, "emotion", "class-missing-in-fold"),
    (checks.speaker_conflicts, "speaker", "speaker-conflict"),
    (checks.unknown_speakers, "speaker", "unknown-speakers"),
    (checks.sentences_across_folds, "sentence", "sentences-across-folds"),
    (checks.unreadable, "", ""),
    (checks.sound_problems, "", ""),
    (checks.licences, "licence", "licence"),
)


def audit(
    utterances: Iterable[Utterance],
    *,
    protocol: str,
    test_fold: int | None = None,
    track: Track = no_track,
    workers: int = 2,
) -> Audit:
    """Audits a manifest.

    Args:
      utterances: All of the manifest, with absolute paths and folds.
      protocol: `random` or `speaker_independent`, whose folds are judged, and how strictly.
      test_fold: The only fold that is tested on, or `None` for each in turn.
      track: A function that shows progress, as `cli.progress.track`.
      workers: Threads that decode.

    Returns:
      The same for the same recordings, in any order.

    Raises:
      UserError: There is no utterance, none can be decoded, or the protocol or the fold does not
        exist.
    """
    _check_protocol(protocol)
    folds = tuple(map(str, range(NUM_FOLDS)))
    clips = clips_module.from_utterances(utterances, protocol)
    return _audit(
        clips,
        columns=frozenset(clips_module.OPTIONAL),
        folds=folds,
        protocol=protocol,
        test_fold=None if test_fold is None else str(test_fold),
        track=track,
        workers=workers,
    )


def audit_fold_list(
    path: str | os.PathLike[str],
    *,
    protocol: str,
    test_fold: str | None = None,
    track: Track = no_track,
    workers: int = 2,
) -> Audit:
    """Audits folds made elsewhere.

    Args:
      path: A CSV with the columns path and fold; see `corpora.audit.clips.from_fold_list`. Checks
        that need a column it lacks are listed as not run.
      protocol, test_fold, track, workers: The same as for `audit`; a fold has its name in
        the CSV.

    Raises:
      UserError: The same as for `audit`, or the CSV is not as it must be.
    """
    _check_protocol(protocol)
    clips, columns = clips_module.from_fold_list(path)
    clips, columns, inferred = inference.complete(clips, columns)
    return _audit(
        clips,
        columns=columns,
        inferred=inferred,
        folds=tuple(sorted({clip.fold for clip in clips})),
        protocol=protocol,
        test_fold=test_fold,
        track=track,
        workers=workers,
    )


def _check_protocol(protocol: str) -> None:
    if protocol not in RELEASE_PROTOCOLS:
        raise UserError(
            f"protocol `{protocol}` does not exist; allowed: {', '.join(RELEASE_PROTOCOLS)}"
        )


def _audit(
    clips: Sequence[Clip],
    *,
    columns: frozenset[str],
    inferred: str = "",
    folds: tuple[str, ...],
    protocol: str,
    test_fold: str | None,
    track: Track,
    workers: int,
) -> Audit:
    if not clips:
        raise UserError("there is no utterance to audit")
    if test_fold is not None and test_fold not in folds:
        raise UserError(f"test fold {test_fold} does not exist; there are {', '.join(folds)}")
    heard = listening.listen_all(clips, workers=workers, track=track)
    num_unreadable = sum(bool(sound.problem) for sound in heard)
    if num_unreadable == len(clips):
        raise UserError(
            f"none of the {len(clips)} recordings can be decoded; the first is {clips[0].path}:"
            f" {heard[0].problem}"
        )
    facts = checks.Facts(
        protocol=protocol,
        test_fold=test_fold,
        folds=folds,
        clips=clips,
        heard=heard,
        groups=duplicates.find(clips, heard, track=track),
    )
    findings: list[Finding] = []
    not_run: list[tuple[str, str]] = []
    for check, column, name in CHECKS:
        if column and column not in columns:
            not_run.append((name, f"the list has no column {column}"))
        else:
            findings += check(facts)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    if "sentence" in columns:
        not_run += [
            ("sentences-across-folds", f"{domain} does not tell its sentences")
            for domain, of_domain in facts.by_domain().items()
            if not any(clip.sentence for clip in of_domain)
        ]
    return Audit(
        protocol=protocol,
        test_fold=test_fold,
        clips=len(clips),
        heard=len(clips) - num_unreadable,
        unreadable=num_unreadable,
        domains=tuple(facts.by_domain()),
        findings=tuple(findings),
        not_run=tuple(not_run),
        inferred=inferred,
        unread=tuple(
            clip.utterance_id for clip, sound in zip(clips, heard, strict=True) if sound.passing
        ),
        exclusions=tuple(_exclusions(facts)),
    )


def _exclusions(facts: checks.Facts) -> list[Exclusion]:
    """Returns what to leave out so that no sound is left twice and every clip is usable."""
    reasons: dict[str, str] = {}
    for clip, heard in zip(facts.clips, facts.heard, strict=True):
        if heard.problem:
            reasons[clip.utterance_id] = f"unreadable: {heard.problem}"
        elif checks.empty(heard):
            reasons[clip.utterance_id] = "silent or near-empty"
    for group in facts.groups:
        conflict = checks.has_label_conflict(group)
        for clip in group.clips if conflict else group.clips[1:]:
            reasons.setdefault(
                clip.utterance_id,
                f"{group.kind} under different emotions"
                if conflict
                else f"{group.kind} as {group.clips[0].utterance_id}",
            )
    return [
        Exclusion(utterance_id=clip.utterance_id, path=clip.path, reason=reasons[clip.utterance_id])
        for clip in facts.clips
        if clip.utterance_id in reasons
    ]
