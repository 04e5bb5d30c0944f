"""How Beam runs."""

import pydantic

from pipeline.config.section import Section


class Beam(Section):
    """Flags of the nodes that run on Beam."""

    workers: int = pydantic.Field(1, ge=1)
    """Worker processes of the DirectRunner. TFX counts Beam's flags as part of a Beam node, so
    another number executes those nodes again."""
    args: tuple[str, ...] = ()
    """Further Beam flags, for example `--runner=…`."""

    def flags(self) -> list[str]:
        """Returns all flags, as a pipeline takes them."""
        if self.workers == 1:
            return [*self.args]
        return [
            *self.args,
            "--direct_running_mode=multi_processing",
            f"--direct_num_workers={self.workers}",
        ]
