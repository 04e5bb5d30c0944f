"""Names of a release's pre-trainings, which trainings of domains start from."""

from pipeline.config import ReleaseConfig
from schemas.splits import S2

# The pre-training on all domains, and what comes before the name of a domain that one lacks.
PRETRAIN = "pretrain"
WITHOUT = f"{PRETRAIN}-without-"


def pretrained_name(config: ReleaseConfig, domain: str) -> str:
    """Names the pre-training a domain starts from: its own under S2, the common one under S1."""
    return f"{WITHOUT}{domain}" if config.for_domain(domain).scenario == S2 else PRETRAIN
