"""How far answers are to be relied on: what a release finds out for that."""

import pydantic

from pipeline.config.section import Section


class TrustConfig(Section):
    """What is kept with every model, so that its answers tell how far to rely on them."""

    calibrate: bool = True
    """Whether probabilities are calibrated. Trains each network again without parts of its clips:
    five times where it holds layers, else once."""
    false_alarms: float = pydantic.Field(0.005, gt=0, le=0.1)
    """Share of a domain's clips that may be called unlike the training's."""
