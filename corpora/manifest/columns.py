"""What the columns of label lists, manifests and fold lists may be called."""

from schemas.columns import Columns

_NEAR: dict[str, tuple[str, ...]] = {
    "path": (
        "file", "filename", "file_name", "filepath", "file_path", "wav", "wav_path", "wav_file",
        "audio", "audio_path", "audio_file",
    ),
    "domain": ("corpus", "dataset", "database"),
    "speaker": ("spk", "spk_id", "spkid", "speaker_id", "speakerid", "speaker_name", "actor"),
    "emotion": ("label", "labels", "emotions", "emo", "emotion_label"),
    "gender": ("sex",),
    "language": ("lang",),
    "licence": ("license",),
    "sentence": ("sentence_id",),
    "utterance_id": ("utt_id",),
    "channel": ("chan",),
    "start_s": ("start", "start_time", "start_sec", "onset", "begin", "begin_s"),
    "end_s": ("end", "end_time", "end_sec", "stop", "stop_s"),
}  # fmt: skip
_SECONDS = "times are in seconds, in the columns start_s and end_s"
_REFUSED = dict.fromkeys(
    ("start_ms", "end_ms", "start_sample", "end_sample", "start_frame", "end_frame"), _SECONDS
)
# Of utterances, as metadata have them: nothing that the index needs, and no misspelling.
_UNLIKE = frozenset(
    {"duration", "length", "length_s", "sampling_rate", "sample_rate", "channels", "sentences"}
)


def of_utterances(names: tuple[str, ...]) -> Columns:
    """Returns the columns `names` of utterances with their near names.

    A column named only `fold` could be of either protocol, and is refused.
    """
    return Columns(
        {name: _NEAR.get(name, ()) for name in names},
        _REFUSED
        | {
            "fold": "folds are 0 to 4, in the columns fold_speaker_independent and fold_random;"
            " rename it, or remove it"
        },
        _UNLIKE,
    )


def of_fold_list(names: tuple[str, ...]) -> Columns:
    """Returns the columns `names` of a fold list with their near names."""
    near = _NEAR | {"fold": ("folds", "split", "partition", "subset", "fold_id")}
    return Columns({name: near.get(name, ()) for name in names}, _REFUSED, _UNLIKE)
