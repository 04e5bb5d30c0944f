"""The audit of a manifest as a step of a pipeline, and the gate behind it."""
