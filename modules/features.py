"""Names and constants shared by the whole project: the single source.

This module imports nothing, so that every layer, the fast command line included, can import it.
"""

# The six emotions of the paper (section 3.1), in the order of the network's outputs.
EMOTIONS: tuple[str, ...] = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")

# The network's input (paper, section 2): 3.375 s at 16 kHz.
SAMPLE_RATE_HZ = 16_000
INPUT_SAMPLES = 54_000
INPUT_DURATION_S = INPUT_SAMPLES / SAMPLE_RATE_HZ

NUM_FOLDS = 5
FOLD_SPLITS: tuple[str, ...] = tuple(f"fold-{fold}" for fold in range(NUM_FOLDS))
PROTOCOLS: tuple[str, ...] = ("speaker_independent", "random")

# Keys of the tf.Examples that AudioExampleGen writes (data contract, docs/architecture.md).
AUDIO = "audio"  # PCM 16-bit little-endian mono at SAMPLE_RATE_HZ, as bytes
NUM_SAMPLES = "num_samples"
EMOTION = "emotion"
DOMAIN = "domain"
SPEAKER = "speaker"
LANGUAGE = "language"
GENDER = "gender"
UTTERANCE_ID = "utterance_id"
SOURCE_RATE_HZ = "source_rate_hz"

# Additional keys of the transformed examples.
WAVEFORM = "waveform"  # float32 [INPUT_SAMPLES], standardised and zero-padded
LABEL = "label"  # int64, index into EMOTIONS

# Outputs and signatures of the exported models.
SIGNATURE_EXAMPLES = "serving_default"
SIGNATURE_AUDIO = "serve_audio"
SIGNATURE_WAVEFORM = "serve_waveform"
OUTPUT_PROBABILITIES = "probabilities"
OUTPUT_LABELS = "labels"
OUTPUT_EMOTION = "emotion"

# The name of the model that was pre-trained on all domains, beside one model per domain.
MULTI_DOMAIN = "multi-domain"

STANDARDISATIONS: tuple[str, ...] = ("per_utterance", "per_domain", "global")
OVER_LENGTH: tuple[str, ...] = ("truncate", "drop")
