"""Rates, lengths and choices in the preparation of sound."""

SAMPLE_RATE_HZ = 16_000
# Recordings of other rates are refused.
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
