"""The first blocks of Whisper's encoder as a front end (Radford et al. 2022, arXiv 2212.04356)."""
