"""Rates, lengths and choices in the preparation of sound."""

SAMPLE_RATE_HZ = 16_000
# Recordings of other rates are refused, by their headers or by the schema of examples: no speech is
# recorded at them, and a damaged header tells such rates.
MIN_SPEECH_RATE_HZ = 8_000
MAX_SPEECH_RATE_HZ = 192_000
# As the schema of examples has it (160 samples): too short to say anything.
MIN_DURATION_S = 0.01
# What the resampler takes, of which served models have more than recordings.
MIN_RATE_HZ = 1_000
MAX_RATE_HZ = 384_000
# The input of the paper's network (section 2): 3.375 s at 16 kHz.
INPUT_SAMPLES = 54_000
INPUT_DURATION_S = INPUT_SAMPLES / SAMPLE_RATE_HZ

# The first of each is the default.
PER_UTTERANCE, PER_DOMAIN, GLOBAL = "per_utterance", "per_domain", "global"
STANDARDISATIONS: tuple[str, ...] = (PER_UTTERANCE, PER_DOMAIN, GLOBAL)
TRUNCATE, DROP = "truncate", "drop"
OVER_LENGTH: tuple[str, ...] = (TRUNCATE, DROP)
