"""How far answers are to be relied on: calibration, and clips unlike those of the training."""
