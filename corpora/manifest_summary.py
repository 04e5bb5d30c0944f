"""The summary of a manifest with all that lies beside it."""

import os
from collections.abc import Sequence

from corpora import manifest, summary
from corpora.manifest import sources
from corpora.summary import DomainSummary
from schemas.progress import Track, no_track
from schemas.sound import INPUT_DURATION_S, SAMPLE_RATE_HZ
from schemas.utterance import Utterance

_THREADS = 2


def summarise(
    path: str | os.PathLike[str],
    *,
    over_length: str,
    input_s: float = INPUT_DURATION_S,
    trim_silence: bool,
    track: Track = no_track,
) -> list[DomainSummary]:
    """Returns the summary of each domain of a manifest.

    Args:
      path: The manifest; its account and its sources are read where they lie beside it.
      over_length: What becomes of clips that are longer than the network's input.
      input_s: Length of that input in seconds; the paper's by default.
      trim_silence: Whether they are judged without silence at their ends; decodes all of them.
      track: Shows progress over the recordings that are decoded.

    Raises:
      UserError: A file is not as it must be.
    """
    indexed = manifest.read(path)
    account_path, sources_path = manifest.account_path(path), sources.sources_path(path)
    return summary.summarise(
        indexed,
        over_length=over_length,
        input_s=input_s,
        trimmed_s=trimmed_durations_s(indexed.utterances, track=track) if trim_silence else None,
        account=manifest.read_account(account_path) if account_path.exists() else None,
        sources=sources.read(sources_path) if sources_path.exists() else (),
    )


def trimmed_durations_s(
    utterances: Sequence[Utterance], *, track: Track = no_track
) -> dict[str, float | None]:
    """Returns id to duration without silence, as training trims it; `None` if undecodable."""
    from concurrent.futures import ThreadPoolExecutor

    import tensorflow as tf

    from modules.audio import loading, network_input
    from modules.audio.errors import DecodingError

    num_samples = tf.function(
        lambda waveform: tf.size(network_input.trim_silence(waveform)),
        input_signature=[tf.TensorSpec([None], tf.float32)],
        autograph=False,
    )

    def duration_s(utterance: Utterance) -> float | None:
        try:
            waveform = loading.load_utterance(utterance).waveform
        except DecodingError:
            return None
        return int(num_samples(waveform)) / SAMPLE_RATE_HZ

    with ThreadPoolExecutor(_THREADS) as pool:
        durations_s = track(
            pool.map(duration_s, utterances), description="Trimming", total=len(utterances)
        )
        return {
            utterance.utterance_id: seconds
            for utterance, seconds in zip(utterances, durations_s, strict=True)
        }
