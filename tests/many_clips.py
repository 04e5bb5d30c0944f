"""Clips to try manifests with."""

from schemas.utterance import Utterance


def clip(number, **changes):
    """Returns one of many clips: speakers 0 to 9, two emotions."""
    values = {
        "utterance_id": f"d/{number}",
        "path": f"/data/{number}.wav",
        "domain": "d",
        "speaker": str(number % 10),
        "emotion": ("anger", "fear")[number // 10 % 2],
        "sha256": f"{number:064x}",
        "duration_s": 1.5,
        "sample_rate_hz": 16_000,
    }
    return Utterance(**{**values, **changes})
