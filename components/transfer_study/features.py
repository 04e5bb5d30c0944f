"""Features of clips that the study keeps in its store, each computed once."""

from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from modules.audio import network_input
from modules.baselines.features import FeatureSet
from modules.networks.approaches import resolve
from modules.study.cells import Split
from modules.study.clips import Clips
from modules.study.design import Design
from modules.study.store import Store
from modules.training import freezing
from modules.training.learner import predict
from schemas import files, progress

NETWORK_FEATURES_FILE = "features.npz"
_REPORT_EVERY = 100


def keep_network_features(store: Store, design: Design, clips: Clips) -> None:
    """Stores what the dense layers are given of unseen clips of all domains, for the study's map.

    Taken of the first pre-training on all domains: `features.npz`, `features` float32 `[n, …]`.
    """
    file = store.folder / NETWORK_FEATURES_FILE
    fold = design.folds[0]
    cell = design.pretraining(design.protocols[0], Split.outer(fold), design.seeds[0])
    weights = store.get_weights(cell)
    if weights is None or file.exists():
        return
    spec = cell.network
    network = spec.build(seed=0)
    freezing.set_weights(network, weights)
    # A5 freezes all but the dense layers.
    below, _ = freezing.split_at_frozen_prefix(
        network, resolve("A5", spec.groups), spec.groups, given=spec.held
    )
    rows = clips.rows(cell.protocol, domains=cell.domains, folds=(fold,))
    assert below is not None
    assert clips.inputs is not None
    values = predict(below, clips.inputs, rows).reshape(len(rows), -1)
    with files.replacing(file, binary=True) as stream:
        np.savez(stream, utterance_ids=clips.utterance_ids[rows], features=values)


def svm_features(
    feature_set: FeatureSet,
    store: Store,
    clips: Clips,
    recordings: Iterable[tuple[str, bytes]],
    *,
    trim_silence: bool,
    input_samples: int,
) -> np.ndarray:
    """Returns features of clips for SVMs, float32 `[n, features]`, in the order of the clips.

    Args:
      feature_set: Which features.
      store: Where they are kept, in a file of their name.
      clips: The clips.
      recordings: Utterance ids and recordings, 16-bit mono PCM, in any order; one for each clip.
      trim_silence: Whether the silence at their ends is left out.
      input_samples: Length at which they are cut, that of the networks' input.

    Raises:
      UserError: Something that the features need is not installed.
    """
    file = store.folder / f"{feature_set.name}.npy"
    if not file.exists():
        feature_set.require()
        places = {str(key): place for place, key in enumerate(clips.utterance_ids)}
        found: list[int] = []

        def waveforms() -> Iterator[np.ndarray]:
            for key, pcm16 in recordings:
                if len(found) % _REPORT_EVERY == 0:
                    progress.MESSAGES.info(
                        "%s: %d of %d recordings", feature_set.name, len(found), len(places)
                    )
                found.append(places[key])
                waveform = _network_input(pcm16, trim_silence=trim_silence)
                yield waveform[:input_samples]

        extracted = feature_set.extract(waveforms())
        if sorted(found) != list(range(len(places))):
            raise ValueError(f"{len(found)} recordings do not match the {len(places)} clips")
        values = np.empty_like(extracted)
        values[found] = extracted
        with files.replacing(file, binary=True) as stream:
            np.save(stream, values)
    with file.open("rb") as stream:
        return np.load(stream)


def _network_input(pcm16: bytes, *, trim_silence: bool) -> np.ndarray:
    """Returns what networks are given, float32 `[samples]`, neither cut, padded nor scaled."""
    waveform = network_input.decode_pcm16(tf.constant(pcm16))
    if trim_silence:
        waveform = network_input.trim_silence(waveform)
    return waveform.numpy()
