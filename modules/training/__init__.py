"""The one training engine of release and study, and the `run_fn` of TFX's Trainer."""
