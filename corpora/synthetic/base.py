"""What the synthetic corpora share: the records that describe them, and how clips are dealt out."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from schemas.errors import UserError
from schemas.labels import PAPER, LabelSet
from schemas.splits import NUM_FOLDS

# A clip in this many is over-length, and so dropped (`over_length: drop`) or truncated.
OVER_LENGTH_EVERY = 20
# To be longer than the network's 3.375 s, the speaker says the same this often.
OVER_LENGTH_REPEATS = 3
# Of an emotion: two for each random fold.
LEAST_CLIPS = 2 * NUM_FOLDS
# What becomes of a clip: all but `skipped` and `damaged` ones are used.
KINDS = ("usual", "over-length", "skipped", "damaged")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Speaker:
    """A voice of espeak and what makes it another speaker.

    Attributes:
      name: The name in the corpus' file names.
      variant: One of espeak's; see `espeak.speak` for those that differ between runs.
      tract: Factor of the formants (and of the pitch): above 1 for a shorter vocal tract.
      language: Espeak's name of what the speaker speaks; another one than the text's is an accent.
    """

    name: str
    variant: str
    language: str
    tract: float = 1.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scene:
    """Where and how a corpus was recorded.

    Attributes:
      noise_dbfs: Level of the room's noise.
      echo_db: Level of the room's reverberation, relative to the voice; `None` for none.
      second_channel: `none`; `same` as the first; or `late`, a microphone that stood elsewhere.
      film: Whether there is noise and music of a film, 8 to 20 dB below the voice.
    """

    noise_dbfs: float
    echo_db: float | None = None
    second_channel: str = "none"
    film: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clip:
    """One recording to make.

    Attributes:
      corpus: Key of `corpora.synthetic.CORPORA`.
      path: Relative to the corpus' folder.
      speaker: The voice that says it.
      emotion: The rule that it follows, a key of `corpora.synthetic.prosody.RULES`.
      code: The corpus' own label.
      texts: What is said. One is said within the network's 3.375 s; several, one after the other,
        take longer.
      defect: `no sound` for a video without a sound track, `corrupt` for one whose bytes are
        noise; empty for a good recording.
    """

    corpus: str
    path: str
    speaker: Speaker
    emotion: str
    code: str
    texts: tuple[str, ...]
    defect: str = ""

    def kind(self, label_set: LabelSet = PAPER) -> str:
        """Returns what the clip is for under a label set, one of `KINDS`."""
        if self.defect:
            return "damaged"
        if self.emotion not in label_set or len(set(self.texts)) > 1:
            return "skipped"
        return "usual" if len(self.texts) == 1 else "over-length"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Corpus:
    """How to imitate a corpus.

    Attributes:
      name: The name of its reader.
      rate_hz: The recordings' rate.
      sound: Codec of the sound in a video, as ffmpeg names it; `wav` for a wav file of 16 bits.
      words_per_minute: The tempo of neutral speech.
      scene: The place of the recordings.
      quirks: Sentences for the README.txt.
      plan: A function that returns, given the scale, the labels to make usual clips of beside the
        paper's, and chance, all recordings to make.
      others: The labels that may be given to it, which are made as skipped clips otherwise, to
        their frequency relative to the paper's emotions.
      finish: A function that, given the corpus' folder and all its clips, adds what lies beside
        the recordings.
    """

    name: str
    rate_hz: int
    sound: str
    words_per_minute: float
    scene: Scene
    quirks: str
    plan: Callable[[float, Sequence[str], np.random.Generator], list[Clip]]
    others: Mapping[str, float] = dataclasses.field(default_factory=dict)
    finish: Callable[[Path, Sequence[Clip]], None] = lambda root, clips: None

    @property
    def format(self) -> str:
        """The recordings' format in a few words, like `48 kHz stereo, avi (MP3)`."""
        channels = "mono" if self.scene.second_channel == "none" else "stereo"
        container = {"wav": "wav", "pcm_s16le": "avi (PCM)", "libmp3lame": "avi (MP3)"}[self.sound]
        return f"{self.rate_hz / 1000:g} kHz {channels}, {container}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """How many clips a speaker has in an emotion; `over_length` of them, the last, are too long."""

    speaker: Speaker
    emotion: str
    count: int
    over_length: int = 0


def mix(
    total: float, *, shares: Mapping[str, float], others: Mapping[str, float], extra: Sequence[str]
) -> tuple[int, dict[str, float]]:
    """Returns how many usual clips there are to be, and the relative frequency of each label.

    Args:
      total: The number of clips of the paper's emotions.
      shares: Each of those that the corpus has, to its relative frequency.
      others: Other labels, to their frequency on the same scale.
      extra: Those of the others that are wanted.
    """
    mixed = {**shares, **{label: others[label] for label in extra}}
    return round(total * (sum(mixed.values()) / sum(shares.values()))), mixed


def deal(
    total: int,
    *,
    shares: Mapping[str, float],
    speakers: Sequence[Speaker],
    rng: np.random.Generator,
) -> list[Cell]:
    """Deals clips out to speakers and emotions.

    Args:
      total: Number of clips that are not over-length.
      shares: Emotion to its relative frequency.
      speakers: Each gets as many as the others, or one more, of each emotion; at least one, so
        that the folds of speakers hold every emotion.
      rng: Chance.

    Returns:
      A cell per emotion and speaker. To `total`, which is exceeded only where the least numbers
      require it, come over-length clips.
    """
    least = max(LEAST_CLIPS, len(speakers))
    sizes = least_of(apportion(total, list(shares.values())), least=least, total=total)
    cells = [
        Cell(speaker=speaker, emotion=emotion, count=int(count))
        for emotion, size in zip(shares, sizes, strict=True)
        for speaker, count in zip(speakers, spread(size, len(speakers), rng), strict=True)
    ]
    # The smallest first, whose names are fewest used.
    order = sorted(rng.permutation(len(cells)), key=lambda i: cells[i].count)
    candidates = [cells[i].emotion for i in order]
    chosen = choose_over_length(candidates, sizes=dict(zip(shares, sizes, strict=True)))
    for i in chosen:
        cell = cells[order[i]]
        cells[order[i]] = dataclasses.replace(cell, count=cell.count + 1, over_length=1)
    return cells


def deal_skipped(
    total: int, *, emotions: Sequence[str], speakers: Sequence[Speaker], rng: np.random.Generator
) -> list[Cell]:
    """Deals `total` clips of each of `emotions`, which the reader skips; at least two of each."""
    return [
        Cell(speaker=speaker, emotion=emotion, count=int(count))
        for emotion in emotions
        for speaker, count in zip(speakers, spread(max(total, 2), len(speakers), rng), strict=True)
        if count
    ]


def said(cell: Cell, index: int, text: str) -> tuple[str, ...]:
    """Returns the texts of the clip `index` of a cell."""
    over_length = index >= cell.count - cell.over_length
    return (text,) * (OVER_LENGTH_REPEATS if over_length else 1)


def choose_over_length(emotions: Sequence[str], *, sizes: Mapping[str, int]) -> list[int]:
    """Returns which of the candidates, by index, get an over-length clip: the first that may.

    An emotion gets fewer than any random fold has clips of it: folds that are dealt before
    over-length clips are dropped still hold every emotion after it.

    Args:
      emotions: The candidates' emotions.
      sizes: Emotion to the number of its other clips.
    """
    left = {emotion: size // NUM_FOLDS - 1 for emotion, size in sizes.items()}
    wanted = max(1, round(sum(sizes.values()) / OVER_LENGTH_EVERY))
    chosen: list[int] = []
    for i, emotion in enumerate(emotions):
        if left[emotion] > 0 and len(chosen) < wanted:
            left[emotion] -= 1
            chosen.append(i)
    return chosen


def least_of(sizes: Sequence[int], *, least: int, total: int) -> list[int]:
    """Returns the sizes, none below `least`, with their sum brought back to `total` if it can."""
    result = [max(size, least) for size in sizes]
    while (excess := sum(result) - total) > 0:
        largest = max(range(len(result)), key=lambda i: result[i])
        if (spare := result[largest] - least) <= 0:
            break
        result[largest] -= min(excess, (spare + 1) // 2)
    return result


def apportion(total: int, shares: Sequence[float]) -> list[int]:
    """Returns integers proportional to `shares` that sum to `total` (largest remainders)."""
    exact = [total * share / sum(shares) for share in shares]
    result = [int(value) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: result[i] - exact[i])
    for i in by_remainder[: total - sum(result)]:
        result[i] += 1
    return result


def spread(total: int, cells: int, rng: np.random.Generator) -> np.ndarray:
    """Returns int [cells] with sum `total` that differ by at most one."""
    counts = np.full(cells, total // cells)
    counts[rng.permutation(cells)[: total % cells]] += 1
    return counts


def check_names(cells: Sequence[Cell], *, corpus: str, most: int, scale: float) -> None:
    """Checks that the corpus' names can tell apart the clips of each cell.

    Raises:
      UserError: A cell has more than `most`.
    """
    largest = max(cell.count for cell in cells)
    if largest > most:
        raise UserError(
            f"scale {scale:g} is too large for {corpus}, whose names tell apart {most} clips of an"
            f" emotion by a speaker ({largest} needed); try {scale * most / largest:.2g}"
        )
