"""From recordings to what an audit must know of their sound."""

import dataclasses
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from corpora.audit.clips import Clip
from corpora.audit.fingerprint import Fingerprint, fingerprint
from modules.audio import channels, recordings
from modules.audio.decoding import one_recordings_fault
from modules.audio.errors import SILENT, DecodingError, PassingError
from modules.audio.samples import Sound, to_float
from schemas.channels import FIRST
from schemas.progress import Track

_CLIPPED_RUN = 3  # samples


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Heard:
    """What was heard of a clip.

    Attributes:
      problem: why it cannot be decoded; empty if it can. If it cannot, the rest has no meaning.
      passing: whether the problem may be gone the next time.
      samples_sha256: of the decoded samples of the first channel, whatever the file's format.
      fingerprint: of the first channel, which is the one that training hears.
      other_fingerprint: of the second channel, where it is not the same: a copy may be of either.
      duration_s: of the clip.
      peak, rms: relative to full scale.
      dc_offset: the samples' mean, relative to full scale.
      clipped_share: of the samples, those that touch full scale, or lie in a flat top: a run of
        at least three equal samples at the peak.
      constant: whether all samples are equal.
    """

    problem: str = ""
    passing: bool = False
    samples_sha256: str = ""
    fingerprint: Fingerprint | None = None
    other_fingerprint: Fingerprint | None = None
    duration_s: float = 0.0
    peak: float = 0.0
    rms: float = 0.0
    dc_offset: float = 0.0
    clipped_share: float = 0.0
    constant: bool = False

    @property
    def sound_s(self) -> float:
        """For how long there is more than background."""
        return self.fingerprint.active_s if self.fingerprint else 0.0


def listen_all(clips: Sequence[Clip], *, workers: int, track: Track) -> list[Heard]:
    """Listens to every clip, in `workers` threads: decoding and FFTs release Python's lock."""
    with ThreadPoolExecutor(workers) as pool:
        heard = pool.map(listen, clips)
        return list(track(heard, description="Listening", total=len(clips)))


def listen(clip: Clip) -> Heard:
    """Decodes and measures one clip; what goes wrong is told in `Heard.problem`."""
    try:
        with one_recordings_fault():
            sound = recordings.of_this_process().sound(
                clip.path, start_s=clip.start_s, end_s=clip.end_s
            )
            return measure(sound, clip.channel)
    except DecodingError as error:
        return Heard(problem=str(error), passing=isinstance(error, PassingError))


def measure(sound: Sound, channel: str = FIRST) -> Heard:
    """Returns what there is to tell of a sound, of which training hears `channel`.

    Raises:
      DecodingError: The channel cannot be used; that all its samples are equal is no reason.
    """
    try:
        samples = np.ascontiguousarray(channels.waveform(sound, channel).samples)
    except DecodingError as error:
        if str(error) != SILENT:
            raise
        return Heard(samples_sha256="", duration_s=sound.duration_s, constant=True)
    other = _other_channel(sound, samples)
    magnitude = np.abs(samples)
    peak = float(magnitude.max())
    return Heard(
        samples_sha256=hashlib.sha256(samples.tobytes()).hexdigest(),
        fingerprint=fingerprint(samples, sound.rate_hz),
        other_fingerprint=None if other is None else fingerprint(other, sound.rate_hz),
        duration_s=len(samples) / sound.rate_hz,
        peak=peak,
        rms=float(np.sqrt(np.mean(samples**2, dtype=np.float64))),
        dc_offset=float(np.mean(samples, dtype=np.float64)),
        clipped_share=clipped_share(samples, magnitude, peak),
    )


def _other_channel(sound: Sound, heard: np.ndarray) -> np.ndarray | None:
    """Returns the first of two channels, or the second, that is not the one that is heard."""
    for position in range(min(2, sound.samples.shape[1])):
        other = to_float(sound.samples[:, position])
        if np.isfinite(other).all() and not np.array_equal(other, heard):
            return other
    return None


def clipped_share(samples: np.ndarray, magnitude: np.ndarray, peak: float) -> float:
    """Returns the share of the samples that are clipped; see `Heard`."""
    clipped = magnitude >= 32_767 / 32_768 - 1e-6
    tops = np.flatnonzero(magnitude >= 0.98 * peak)  # all that may be in a flat top
    if len(tops) >= _CLIPPED_RUN:
        flat = np.flatnonzero(
            (np.diff(tops) == 1) & (samples[tops[1:]] == samples[tops[:-1]])
        )  # this top and the next are neighbours and equal
        runs = np.split(flat, np.flatnonzero(np.diff(flat) != 1) + 1)
        for run in runs:
            if len(run) + 1 >= _CLIPPED_RUN:
                clipped[tops[run[0]] : tops[run[-1]] + 2] = True
    return float(clipped.mean())
