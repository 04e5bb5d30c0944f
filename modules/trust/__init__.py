"""How far answers are to be relied on: calibrated probabilities, and clips unlike the training's."""
