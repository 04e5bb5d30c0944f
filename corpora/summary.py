"""Table 1 of a manifest beside the paper's, and in words why the two differ."""

import collections
import dataclasses
import statistics
from collections.abc import Mapping, Sequence

from corpora import readers
from corpora.manifest import Entry, Manifest
from corpora.manifest.sources import Source, synthetic_test
from corpora.readers.base import FullCopy, PaperRow
from schemas import labels
from schemas.labels import LabelSet
from schemas.sound import INPUT_DURATION_S
from schemas.utterance import UNKNOWN_SPEAKER_PREFIX, Utterance, by_domain
from schemas.words import kilohertz

PAPER: dict[str, PaperRow] = {
    corpus.name: corpus.paper for corpus in readers.corpora() if corpus.paper
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class DomainSummary:
    """What one domain holds.

    Attributes:
      domain: The domain's name.
      synthetic: Whether its speech is synthetic.
      paper: Its row in the paper's Table 1, or `None`.
      languages, elicitations: Those of its utterances, sorted, without the unknown.
      rates_hz: Rate in Hz to number of used clips.
      speakers: The number of known speakers.
      unknown_speakers: The number of clips that name none.
      found, skipped, unreadable: Numbers of files; `None` without an account.
      used: Clips in the manifest.
      undecodable: Those of them that turned out to be damaged; known only if all were decoded.
      over_length: Those longer than the network's input, trimmed if trimming was asked for.
      clips: Those that the selection leaves.
      emotions: Each label of the set to its number of `clips`.
      total_min, median_s, longest_s: Durations of the used clips, trimmed likewise.
      notes: Sentences on why this differs from the paper's row, and what else is odd.
    """

    domain: str
    synthetic: bool
    paper: PaperRow | None
    languages: list[str]
    elicitations: list[str]
    rates_hz: dict[int, int]
    speakers: int
    unknown_speakers: int
    found: int | None
    skipped: int | None
    unreadable: int | None
    used: int
    undecodable: int
    over_length: int
    clips: int
    emotions: dict[str, int]
    total_min: float
    median_s: float
    longest_s: float
    notes: list[str]

    @property
    def language(self) -> str:
        """The language's name, `several`, or `unknown`."""
        names = [readers.language_name(code) for code in self.languages]
        return "several" if len(names) > 1 else (names or ["unknown"])[0]

    @property
    def elicitation(self) -> str:
        """Like `language`."""
        return "/".join(self.elicitations) or "unknown"


def summarise(
    manifest: Manifest,
    *,
    over_length: str,
    input_s: float = INPUT_DURATION_S,
    trimmed_s: Mapping[str, float | None] | None = None,
    account: Sequence[Entry] | None = None,
    sources: Sequence[Source] = (),
) -> list[DomainSummary]:
    """Returns a summary of each domain, those of the paper first and in its order.

    Args:
      manifest: The utterances and their label set.
      over_length: `drop` (clips longer than the input, the paper's way) or `truncate`.
      input_s: Length of the network's input in seconds; the paper's by default.
      trimmed_s: Utterance id to duration in s without leading and trailing silence, `None` if the
        recording cannot be decoded; omitted: clips are taken as they are.
      account: The manifest's account.
      sources: The manifest's sources.
    """
    clips = by_domain(manifest.utterances)
    order = [name for name in PAPER if name in clips]
    order += sorted(clips.keys() - PAPER.keys())
    is_synthetic = synthetic_test()
    return [
        _summary(
            domain,
            clips[domain],
            label_set=manifest.labels,
            over_length=over_length,
            input_s=input_s,
            trimmed_s=trimmed_s,
            statuses=_statuses(domain, account),
            source=next((source for source in sources if domain in source.domains), None),
            synthetic=any(is_synthetic(clip.path) for clip in clips[domain]),
        )
        for domain in order
    ]


def _statuses(domain: str, account: Sequence[Entry] | None) -> collections.Counter[str] | None:
    if account is None:
        return None
    return collections.Counter(entry.status for entry in account if entry.domain == domain)


def _summary(
    domain: str,
    clips: list[Utterance],
    *,
    label_set: LabelSet,
    over_length: str,
    input_s: float,
    trimmed_s: Mapping[str, float | None] | None,
    statuses: collections.Counter[str] | None,
    source: Source | None,
    synthetic: bool,
) -> DomainSummary:
    as_recorded_s = {clip.utterance_id: clip.duration_s for clip in clips}
    durations_s = as_recorded_s
    if trimmed_s is not None:
        durations_s = {
            name: seconds for name in as_recorded_s if (seconds := trimmed_s[name]) is not None
        }
    fitting = {name for name, seconds in durations_s.items() if seconds <= input_s}
    left = fitting if over_length == "drop" else set(durations_s)
    emotions = collections.Counter(clip.emotion for clip in clips if clip.utterance_id in left)
    unknown = [clip for clip in clips if clip.speaker.startswith(UNKNOWN_SPEAKER_PREFIX)]
    summary = DomainSummary(
        domain=domain,
        synthetic=synthetic,
        paper=PAPER.get(domain),
        languages=sorted({clip.language for clip in clips} - {""}),
        elicitations=sorted({clip.elicitation for clip in clips} - {""}),
        rates_hz=dict(sorted(collections.Counter(clip.sample_rate_hz for clip in clips).items())),
        speakers=len({clip.speaker for clip in clips} - {clip.speaker for clip in unknown}),
        unknown_speakers=len(unknown),
        found=statuses.total() if statuses is not None else None,
        skipped=statuses["skipped"] if statuses is not None else None,
        unreadable=statuses["unreadable"] if statuses is not None else None,
        used=len(clips),
        undecodable=len(clips) - len(durations_s),
        over_length=len(durations_s) - len(fitting),
        clips=len(left),
        emotions={label: emotions[label] for label in label_set},
        total_min=sum(durations_s.values()) / 60,
        median_s=statistics.median(durations_s.values()) if durations_s else 0.0,
        longest_s=max(durations_s.values(), default=0.0),
        notes=[],
    )
    notes = [] if summary.paper else ["not in the paper"]
    if source:
        notes += [f"option {domain}.{name}={value}" for name, value in source.options.items()]
        notes += [f"label {domain}.{word}={label}" for word, label in source.words.items()]
    if unknown:
        notes.append(
            f"{len(unknown):,} clips name no speaker: folds take each name of a file for one"
        )
    if statuses is not None and statuses["used"] != len(clips):
        notes.append(
            f"the account beside the manifest is of another index: {statuses['used']:,} used there,"
            f" {len(clips):,} here"
        )
    if summary.undecodable:
        notes.append(f"{summary.undecodable:,} clips are damaged: AudioExampleGen will quarantine")
    if synthetic:
        notes.append("synthetic speech: says nothing about the real corpus or the paper")
    elif summary.paper:
        if label_set == labels.PAPER:
            notes += _clip_notes(
                summary,
                as_recorded_s,
                None if trimmed_s is None else durations_s,
                over_length,
                input_s,
            )
            notes += _emotion_notes(clips, summary.paper.clips, summary.clips)
        else:
            six = sum(count for label, count in summary.emotions.items() if label in labels.PAPER)
            notes.append(
                f"{six:,} of the {summary.clips:,} clips are of the paper's six emotions; its"
                " number is of those alone"
            )
        notes += _condition_notes(summary)
    return dataclasses.replace(summary, notes=notes)


def _clip_notes(
    summary: DomainSummary,
    as_recorded_s: dict[str, float],
    trimmed_s: dict[str, float] | None,
    over_length: str,
    input_s: float,
) -> list[str]:
    """Returns in words how the number of clips compares with the paper's, and why."""
    assert summary.paper is not None
    paper, used = summary.paper.clips, summary.used
    full = _full_copy(summary.domain).clips
    notes = []
    if used not in full:
        notes.append(f"this copy has {used:,} clips of the six emotions, a full one {full[0]:,}")
    trimming = " after trimming" if trimmed_s is not None else ""
    over = f"{summary.over_length:,} of {used:,} are longer than {input_s:g} s{trimming}"
    if summary.clips == paper:
        return [*notes, f"{over}: {paper:,} left, the paper's number"]
    effect = f"{summary.clips:,} left" if over_length == "drop" else "cut, not left out"
    over += f": {effect}" if summary.over_length else ""
    notes.append(f"{over}; that is {summary.clips - paper:+,} against the paper's {paper:,}")
    selections = {"over_length truncate": used, "drop": _fitting(as_recorded_s, input_s)}
    if trimmed_s is not None:
        selections["drop after trimming"] = _fitting(trimmed_s, input_s)
    others = [
        f"{clips:,} with {selection}"
        for selection, clips in selections.items()
        if clips != summary.clips
    ]
    if trimmed_s is None:
        others.append("not measured after trimming (--trim-silence)")
    if others:
        notes.append("other selections: " + ", ".join(others))
    durations_s = sorted((as_recorded_s if trimmed_s is None else trimmed_s).values())
    if len(durations_s) > paper:
        cap_s = durations_s[paper - 1]
        left = sum(seconds <= cap_s for seconds in durations_s)
        notes.append(f"a cap of {cap_s:.3f} s{trimming} would leave {left:,}")
    return notes


def _emotion_notes(clips: list[Utterance], paper: int, left: int) -> list[str]:
    """Returns in words whether fewer emotions would explain the paper's number of clips."""
    counts = collections.Counter(clip.emotion for clip in clips)
    each, rest = divmod(len(clips), len(counts))
    if left == paper or rest or set(counts.values()) != {each} or paper % each:
        return []
    return [
        f"{paper:,} is also {paper // each} of the {len(counts)} emotions at {each} clips each:"
        " perhaps the paper left some out here"
    ]


def _fitting(durations_s: dict[str, float], input_s: float) -> int:
    return sum(seconds <= input_s for seconds in durations_s.values())


def _condition_notes(summary: DomainSummary) -> list[str]:
    """Returns in words where rate, language and elicitation are not the paper's."""
    assert summary.paper is not None
    paper = summary.paper
    native_hz = _full_copy(summary.domain).rate_hz
    notes = []
    for rate_hz, clips in summary.rates_hz.items():
        if rate_hz == paper.rate_hz:
            continue
        who = f"{clips:,} clips are at" if len(summary.rates_hz) > 1 else "the recordings are at"
        why = (
            "as the corpus is distributed"
            if rate_hz == native_hz
            else f"this copy was resampled, the corpus is distributed at {kilohertz(native_hz)}"
        )
        notes.append(
            f"{who} {kilohertz(rate_hz)} ({why}), the paper prints {kilohertz(paper.rate_hz)}"
        )
    if summary.language != paper.language:
        why = ": the names in this copy do not tell it" if not summary.languages else ""
        notes.append(f"language {summary.language}, the paper says {paper.language}{why}")
    if summary.elicitation != paper.elicitation:
        notes.append(f"elicitation {summary.elicitation}, the paper says {paper.elicitation}")
    return notes


def _full_copy(domain: str) -> FullCopy:
    """Returns what a full copy of a corpus of the paper holds."""
    full = readers.READERS[domain].CORPUS.full_copy
    assert full is not None
    return full
