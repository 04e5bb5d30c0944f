"""A small synthetic stand-in for Emo-DB and EMOVO, in their native layouts.

Real German and Italian sentences, said by espeak-ng with prosody and voice quality per emotion
after published rules, by several speakers who follow the rules each in their own way. It serves
to try the program without a corpus. It is synthetic, says so, and results on it say nothing about
real emotional speech.

The rules are from studies in which listeners recognised the emotion of synthetic speech:

- Burkhardt, Sendlmeier: Verification of acoustical correlates of emotional speech using
  formant-synthesis. ISCA Workshop on Speech and Emotion 2000. (joy, fear, sadness)
- Murray, Arnott: Toward the simulation of emotion in synthetic speech. JASA 93(2), 1993. (anger,
  disgust)
- Cahn: The generation of affect in synthesized speech. J. AVIOS 8, 1990. (surprise, sadness)
- Schröder: Emotional speech synthesis: a review. Eurospeech 2001. (collects the above)

Their directions are kept; their sizes are toned down (Burkhardt and Sendlmeier raise the pitch of
fear by 150%), because listeners chose the clearest versions, and actors vary.
"""

import dataclasses
import json
import math
import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.ndimage
import scipy.signal
import soundfile

from corpora import espeak, probe
from modules.errors import UserError

# Raise it whenever the sound changes: stored results of another version are made anew.
VERSION = 1
STAMP = "synthetic.json"
README = """\
These recordings are SYNTHETIC. No person speaks here.

espeak-ng said them, with prosody per emotion after published rules (see corpora/synthetic.py of
the program ser-tfx), in the folder layout and the file names of the real corpora Emo-DB and EMOVO,
of which they contain nothing. They serve to try the program. Results on them say nothing about real
emotional speech.

synthetic.json holds the parameters; the same parameters give the same bytes.
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """How an emotion changes speech, relative to neutral; the defaults change nothing.

    Attributes:
      rate, pitch, pitch_range: factors of tempo, of the mean and of the range of the pitch.
      level_db: of the whole. tilt_db: of what is above 1.5 kHz (bright or dull voice).
      breath: noise, relative to the speech. jitter: relative, of the periods. tremor: depth of the
      amplitude's modulation at 5 to 7 Hz. tension: of the voice, clips softly.
      ending: of the sentence, which decides on espeak's intonation.
    """

    rate: float = 1.0
    pitch: float = 1.0
    pitch_range: float = 1.0
    level_db: float = 0.0
    tilt_db: float = 0.0
    breath: float = 0.005
    jitter: float = 0.002
    tremor: float = 0.0
    tension: float = 0.0
    ending: str = "."


NEUTRAL = "neutral"
BOREDOM = "boredom"
RULES: dict[str, Rule] = {
    # Murray & Arnott: faster, higher, much wider, louder, tense, abrupt.
    "anger": Rule(
        rate=1.16, pitch=1.2, pitch_range=1.6, level_db=5, tilt_db=6, tension=0.7, ending="!"
    ),
    # Murray & Arnott: very much slower, lower, slightly wider, softer, grumbled.
    "disgust": Rule(
        rate=0.82, pitch=0.85, pitch_range=1.15, level_db=-2, tilt_db=-2, jitter=0.02, tension=0.3
    ),
    # Burkhardt & Sendlmeier: much higher, wider, faster, falsetto; Murray & Arnott: irregular.
    "fear": Rule(rate=1.22, pitch=1.6, pitch_range=0.9, breath=0.03, jitter=0.012, tremor=0.25),
    # Burkhardt & Sendlmeier: higher, twice the range, faster; Murray & Arnott: louder, blaring.
    "happiness": Rule(rate=1.08, pitch=1.4, pitch_range=1.9, level_db=3, tilt_db=3, ending="!"),
    # Burkhardt & Sendlmeier, Cahn: slower, flatter, softer, breathy, dull; crying jitters.
    "sadness": Rule(
        rate=0.82, pitch=0.95, pitch_range=0.45, level_db=-5, tilt_db=-5, breath=0.05, tremor=0.1
    ),
    # Cahn: wider range, rising contour, somewhat faster, louder, bright.
    "surprise": Rule(
        rate=1.04, pitch=1.35, pitch_range=1.7, level_db=3, tilt_db=1, breath=0.015, ending="?"
    ),
    BOREDOM: Rule(rate=0.8, pitch=0.9, pitch_range=0.5, level_db=-2, tilt_db=-2),
    NEUTRAL: Rule(),
}

# How far utterances scatter about the rules: the natural logarithm of a factor, or decibels.
SCATTER = {"rate": 0.11, "pitch": 0.07, "pitch_range": 0.2, "level_db": 3.0, "tilt_db": 1.5}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Speaker:
    """A voice of espeak and what makes it another speaker.

    Attributes:
      name: as in the corpus' file names.
      variant: of espeak's voices; none with `breath`, which differs from run to run.
      tract: factor of the formants (and of the pitch): above 1 for a shorter vocal tract.
    """

    name: str
    variant: str
    tract: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Corpus:
    """How to imitate a corpus.

    Attributes:
      language: espeak's name.
      rate_hz, stereo: of the recordings.
      words_per_minute: of neutral speech.
      noise_dbfs: level of the room.
      emotions: our name to the corpus' code. fillers: the same for what its reader skips.
      sentences: the corpus' code to the text, without the full stop.
      takes: versions of the same sentence by the same speaker that names can tell apart.
      clips, filler_clips: at scale 1, of all emotions together and of each filler.
    """

    language: str
    rate_hz: int
    stereo: bool
    words_per_minute: float
    noise_dbfs: float
    emotions: dict[str, str]
    fillers: dict[str, str]
    sentences: dict[str, str]
    takes: str
    clips: int
    filler_clips: int
    speakers: tuple[Speaker, ...]

    def path(self, *, speaker: str, sentence: str, code: str, take: str) -> str:
        """Returns the recording's native path within the corpus."""
        if self.stereo:
            return f"EMOVO/{speaker}/{code}-{speaker}-{sentence}.wav"
        return f"wav/{speaker}{sentence}{code}{take}.wav"


CORPORA: dict[str, Corpus] = {
    "emodb": Corpus(
        language="de",
        rate_hz=16_000,
        stereo=False,
        words_per_minute=172,
        noise_dbfs=-72,
        emotions={"anger": "W", "disgust": "E", "fear": "A", "happiness": "F", "sadness": "T"},
        fillers={NEUTRAL: "N", BOREDOM: "L"},
        sentences={
            "a01": "Der Lappen liegt auf dem Eisschrank",
            "a02": "Das will sie am Mittwoch abgeben",
            "a04": "Heute Abend könnte ich es ihm sagen",
            "a05": "Das schwarze Blatt Papier liegt da oben neben dem Holz",
            "a07": "In sieben Stunden wird es so weit sein",
            "b01": "Was sind das für Tüten, die da unter dem Tisch stehen",
            "b02": "Sie haben es hochgetragen und gehen jetzt wieder hinunter",
            "b03": "Am Wochenende bin ich jetzt immer nach Hause gefahren",
            "b09": "Ich bringe das eben weg und gehe dann etwas trinken",
            "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen",
        },
        takes="abcdefghijklmnopqrstuvwxyz",
        clips=175,
        filler_clips=6,
        speakers=(
            Speaker(name="03", variant="m1", tract=1.04),
            Speaker(name="08", variant="f1", tract=1.0),
            Speaker(name="09", variant="belinda", tract=0.93),
            Speaker(name="10", variant="m2", tract=1.1),
            Speaker(name="11", variant="m3", tract=1.15),
            Speaker(name="12", variant="m6", tract=1.0),
            Speaker(name="13", variant="Annie", tract=0.95),
            Speaker(name="14", variant="linda", tract=1.02),
            Speaker(name="15", variant="m7", tract=1.06),
            Speaker(name="16", variant="f4", tract=1.08),
        ),
    ),
    "emovo": Corpus(
        language="it",
        rate_hz=48_000,
        stereo=True,
        words_per_minute=155,
        noise_dbfs=-62,
        emotions={
            "anger": "rab",
            "disgust": "dis",
            "fear": "pau",
            "happiness": "gio",
            "sadness": "tri",
            "surprise": "sor",
        },
        fillers={NEUTRAL: "neu"},
        sentences={
            "b1": "Gli operai si alzano presto",
            "b2": "I vigili sono muniti di pistola",
            "b3": "La cascata fa molto rumore",
            "l1": "L'autunno prossimo Tony partirà per la Spagna",
            "l2": "Ora prendo la felpa di là ed esco a passeggio",
            "l3": "Un attimo dopo si è incamminato ed è inciampato",
            "l4": "Vorrei il numero di telefono del signor Piatti",
            "n1": "La casa forte vuole col pane",
            "n2": "La forza trova il passo e l'aglio rosso",
            "n3": "Il gatto sta scorrendo nella pera",
            "n4": "Insalata, pasta, coscia d'agnello, limoncello",
            "n5": "Uno, quarantatré, dieci, mille, venti",
            "d1": "Sabato sera cosa farà",
            "d2": "Porti con te quella cosa",
        },
        takes="a",
        clips=180,
        filler_clips=12,
        speakers=(
            Speaker(name="f1", variant="steph", tract=1.05),
            Speaker(name="f2", variant="Andrea", tract=0.92),
            Speaker(name="f3", variant="f1", tract=1.12),
            Speaker(name="m1", variant="m4", tract=1.1),
            Speaker(name="m2", variant="m8", tract=1.2),
            Speaker(name="m3", variant="m2", tract=1.02),
        ),
    ),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clip:
    """One recording to make; `path` is relative to the corpus' folder."""

    corpus: str
    path: str
    speaker: Speaker
    emotion: str
    sentence: str


def synthesize(
    out: str | os.PathLike[str],
    *,
    seed: int = 0,
    corpora: Sequence[str] = tuple(CORPORA),
    scale: float = 1.0,
    track: probe.Track = probe.no_track,
) -> list[tuple[str, Path]]:
    """Fills `out` with a folder per corpus; returns at once if it already holds the same.

    Args:
      out: a folder, which is made; what an earlier call left there is replaced.
      seed: same arguments, same bytes.
      corpora: keys of `CORPORA`.
      scale: number of clips relative to about 180 a corpus; at least one is made of each emotion
        by each speaker.
      track: shows progress.

    Returns:
      Pairs of corpus and folder, as `corpora.index.index` takes.

    Raises:
      UserError: a corpus is unknown, the scale is impossible, or `out` holds other files where a
        corpus would go.
    """
    out = Path(os.path.abspath(Path(out).expanduser()))
    if unknown := [name for name in corpora if name not in CORPORA]:
        raise UserError(f"cannot synthesize {unknown[0]}; can: {', '.join(CORPORA)}")
    if not 0 < scale < math.inf:
        raise UserError(f"scale must be above 0, not {scale}")
    names = sorted(set(corpora))
    clips = [clip for name in names for clip in plan(name, seed=seed, scale=scale)]
    folders = [(name, out / name) for name in names]
    parameters = {"version": VERSION, "seed": seed, "corpora": names, "scale": scale}
    stamp = out / STAMP
    if _read_stamp(stamp) == {**parameters, "complete": True} and _all_exist(out, clips):
        return folders
    _clear(out, [folder for _, folder in folders])
    _write_stamp(stamp, {**parameters, "complete": False})
    (out / "README.txt").write_text(README, encoding="utf-8")
    for folder in {(out / clip.corpus / clip.path).parent for clip in clips}:
        folder.mkdir(parents=True, exist_ok=True)
    for clip in track(clips, description="Synthesizing speech", total=len(clips)):
        path, rate_hz = out / clip.corpus / clip.path, CORPORA[clip.corpus].rate_hz
        soundfile.write(path, render(clip, seed=seed), rate_hz, "PCM_16")
    _write_stamp(stamp, {**parameters, "complete": True})
    return folders


def plan(name: str, *, seed: int, scale: float) -> list[Clip]:
    """Returns the clips of the corpus `name`, spread evenly over its speakers and emotions.

    Raises:
      UserError: there are not that many different names.
    """
    corpus = CORPORA[name]
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    cells = [(speaker, emotion) for emotion in corpus.emotions for speaker in corpus.speakers]
    counts = _spread(max(round(scale * corpus.clips), len(cells)), len(cells), rng)
    for filler in corpus.fillers:
        cells += [(speaker, filler) for speaker in corpus.speakers]
        size = max(round(scale * corpus.filler_clips), 2)
        counts = np.concatenate([counts, _spread(size, len(corpus.speakers), rng)])
    most = len(corpus.sentences) * len(corpus.takes)
    if counts.max() > most:
        raise UserError(
            f"scale {scale:g} is too large for {name}: its names tell apart {most} clips of an"
            f" emotion by a speaker; use at most"
            f" {most * len(corpus.emotions) * len(corpus.speakers) / corpus.clips:.1f}"
        )
    codes = {**corpus.emotions, **corpus.fillers}
    clips = []
    for (speaker, emotion), count in zip(cells, counts, strict=True):
        order = rng.permutation(list(corpus.sentences))
        for i in range(count):
            sentence, take = str(order[i % len(order)]), corpus.takes[i // len(order)]
            path = corpus.path(
                speaker=speaker.name, sentence=sentence, code=codes[emotion], take=take
            )
            clips.append(
                Clip(corpus=name, path=path, speaker=speaker, emotion=emotion, sentence=sentence)
            )
    return clips


def render(clip: Clip, *, seed: int) -> np.ndarray:
    """Returns the recording of `clip`: int16 [samples] or, stereo, [samples, 2] at its rate."""
    corpus = CORPORA[clip.corpus]
    # Independent of the order in which clips are made.
    rng = np.random.default_rng([seed, zlib.crc32(f"{clip.corpus}/{clip.path}".encode())])
    own = np.random.default_rng([seed, zlib.crc32(f"{clip.corpus}/{clip.speaker.name}".encode())])
    habits = {name: own.normal(0, 0.6 * scatter) for name, scatter in SCATTER.items()}
    rule = _vary(_weaken(RULES[clip.emotion], own.uniform(0.6, 1.15)), habits, rng)
    ending = rule.ending if rng.random() < 0.6 else "."
    tract = clip.speaker.tract * np.exp(rng.normal(0, 0.01))
    speech = espeak.speak(
        corpus.sentences[clip.sentence] + ending,
        voice=f"{corpus.language}+{clip.speaker.variant}",
        words_per_minute=corpus.words_per_minute * rule.rate / tract,
        pitch=rule.pitch,
        pitch_range=rule.pitch_range,
    )
    speech = _warp(_trim(speech), tract=tract, jitter=rule.jitter, rng=rng)
    speech = _colour(speech, rule, rng)
    padding = rng.uniform(0.04, 0.2, size=2) * espeak.RATE_HZ
    speech = np.pad(speech, padding.astype(int))
    divisor = math.gcd(corpus.rate_hz, espeak.RATE_HZ)
    speech = scipy.signal.resample_poly(
        speech, corpus.rate_hz // divisor, espeak.RATE_HZ // divisor
    )
    speech *= _amplitude(-24 + rule.level_db) / max(np.sqrt(np.mean(speech**2)), 1e-6)
    channels = [speech]
    if corpus.stereo:
        # EMOVO's second microphone stood elsewhere: the same, later and a little softer.
        delay = 12 + zlib.crc32(clip.speaker.name.encode()) % 30
        channels.append(0.85 * np.pad(speech, (delay, 0))[: len(speech)])
    noise = _amplitude(corpus.noise_dbfs)
    recording = np.stack([channel + noise * rng.normal(size=len(channel)) for channel in channels])
    recording *= min(1.0, 0.97 / np.abs(recording).max())
    samples = np.round(recording.T * 32767).astype(np.int16)
    return samples if corpus.stereo else samples[:, 0]


def _weaken(rule: Rule, strength: float) -> Rule:
    """Returns the rule as a speaker with more or less expression follows it."""
    numbers = {
        field.name: getattr(rule, field.name)
        for field in dataclasses.fields(rule)
        if field.name != "ending"
    }
    factors = ("rate", "pitch", "pitch_range")
    return dataclasses.replace(
        rule,
        **{
            name: value**strength if name in factors else value * strength
            for name, value in numbers.items()
        },
    )


def _vary(rule: Rule, habits: dict[str, float], rng: np.random.Generator) -> Rule:
    """Returns the rule with the speaker's habits and the chance of one utterance."""
    changed = {}
    for name, scatter in SCATTER.items():
        shift = habits[name] + rng.normal(0, scatter)
        value = getattr(rule, name)
        changed[name] = value + shift if name.endswith("_db") else value * np.exp(shift)
    for name in ("breath", "jitter", "tremor", "tension"):
        changed[name] = getattr(rule, name) * rng.uniform(0.4, 1.5)
    return dataclasses.replace(rule, **changed)


def _trim(speech: np.ndarray) -> np.ndarray:
    loud = np.flatnonzero(np.abs(speech) > 0.003)
    return speech[loud[0] : loud[-1] + 1]


def _warp(
    speech: np.ndarray, *, tract: float, jitter: float, rng: np.random.Generator
) -> np.ndarray:
    """Plays `tract` times faster, with a speed that wavers by `jitter` within periods."""
    length = int(len(speech) / tract)
    block = espeak.RATE_HZ // 150
    waver = rng.normal(0, jitter, size=length // block + 2)
    speed = tract * (1 + np.interp(np.arange(length) / block, np.arange(len(waver)), waver))
    return scipy.ndimage.map_coordinates(speech, [np.cumsum(speed) - speed[0]], order=3)


def _colour(speech: np.ndarray, rule: Rule, rng: np.random.Generator) -> np.ndarray:
    """Applies voice quality: tension, tilt, breath and tremor."""
    speech = speech / max(np.sqrt(np.mean(speech**2)), 1e-6)
    if rule.tension > 0:
        speech = np.tanh(rule.tension * speech) / rule.tension
    nyquist_hz = espeak.RATE_HZ / 2
    low = scipy.signal.lfilter(*scipy.signal.butter(1, 1500 / nyquist_hz), speech)
    speech = low + _amplitude(rule.tilt_db) * (speech - low)
    smoother = scipy.signal.butter(1, 20 / nyquist_hz)
    envelope = np.maximum(scipy.signal.lfilter(*smoother, np.abs(speech)), 0)
    hiss = scipy.signal.lfilter(
        *scipy.signal.butter(1, 1000 / nyquist_hz, "high"), rng.normal(size=len(speech))
    )
    speech = speech + 3 * rule.breath * envelope * hiss
    time_s = np.arange(len(speech)) / espeak.RATE_HZ
    wave = np.sin(2 * np.pi * (rng.uniform(5, 7) * time_s + rng.random()))
    return speech * (1 + rule.tremor * wave)


def _amplitude(level_db: float) -> float:
    return 10 ** (level_db / 20)


def _spread(total: int, cells: int, rng: np.random.Generator) -> np.ndarray:
    """Returns int [cells] with sum `total` that differ by at most one."""
    counts = np.full(cells, total // cells)
    counts[rng.permutation(cells)[: total % cells]] += 1
    return counts


def _all_exist(out: Path, clips: list[Clip]) -> bool:
    return all((out / clip.corpus / clip.path).is_file() for clip in clips)


def _read_stamp(stamp: Path) -> dict[str, object] | None:
    try:
        content = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    content.pop("note", None)
    return content


def _write_stamp(stamp: Path, content: dict[str, object]) -> None:
    note = "Synthetic speech made with espeak-ng; no real recordings. See README.txt."
    temporary = stamp.with_suffix(".partial")
    temporary.write_text(json.dumps({"note": note, **content}, indent=2) + "\n", encoding="utf-8")
    temporary.replace(stamp)


def _clear(out: Path, folders: list[Path]) -> None:
    """Removes what an earlier call made; refuses to touch anything else."""
    stamped = _read_stamp(out / STAMP)
    if stamped is None:
        for folder in folders:
            if folder.exists() and any(folder.iterdir()):
                raise UserError(
                    f"{folder} holds files that `ser corpora synthesize` did not make; choose"
                    " another --out, so that real and synthetic recordings are never mixed"
                )
    else:
        made = stamped.get("corpora")
        for name in made if isinstance(made, list) else []:
            if name in CORPORA:
                shutil.rmtree(out / name, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
