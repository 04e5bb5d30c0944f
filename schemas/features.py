"""Keys of the tf.Examples, raw and transformed (data contract, docs/architecture.md)."""

# What AudioExampleGen writes.
AUDIO = "audio"  # PCM 16-bit little-endian mono at `sound.SAMPLE_RATE_HZ`, as bytes
NUM_SAMPLES = "num_samples"
EMOTION = "emotion"
LABEL = "label"  # int64, index into the manifest's label set
DOMAIN = "domain"
SPEAKER = "speaker"
LANGUAGE = "language"
GENDER = "gender"
UTTERANCE_ID = "utterance_id"
SOURCE_RATE_HZ = "source_rate_hz"

# What Transform writes beside label, domain, speaker and utterance id.
WAVEFORM = "waveform"  # float32 [samples], standardised and zero-padded
EMBEDDING = "embedding"  # float32, in its place: what a network's held layers make of it
# Statistics of the standardisation, float32 scalars repeated in each example; absent where every
# utterance is standardised by itself.
MEAN = "standardisation_mean"
STD = "standardisation_std"

# In place of a text that is not known.
UNKNOWN = "unknown"
