"""The study pipeline: the data part of the release, then TransferStudy."""

from tfx import v1 as tfx

from components.transfer_study.artifact import data_digest
from components.transfer_study.component import TransferStudy
from modules.study.design import Design
from modules.training.settings import Settings
from pipeline import data
from pipeline.code_digest import code_digest
from pipeline.config import StudyConfig
from pipeline.manifest import Manifest


def design(config: StudyConfig, domains: tuple[str, ...]) -> Design:
    """Returns what a configuration asks for, for the domains of its manifest."""
    return Design(
        domains=tuple(sorted(domains)),
        targets=tuple(sorted(config.targets or domains)),
        protocols=config.protocols,
        folds=config.folds,
        seeds=tuple(range(config.seeds)),
        tables=config.tables,
        scenarios=config.scenarios,
        approaches=config.approaches,
        baselines=config.baselines,
        preset=config.preset,
        precision=config.precision,
        pretrain=Settings(**config.pretrain.model_dump()),
        scratch=Settings(**config.scratch.model_dump()),
        fine_tune=Settings(**config.fine_tune.model_dump()),
    )


def identity(config: StudyConfig, manifest_digest: str) -> dict[str, str]:
    """Returns what all results in a store have in common: digests of data and code."""
    return {
        "data": data_digest(
            manifest_digest,
            config.audio.model_dump_json(),
            code_digest("example_gen"),
            code_digest("transform"),
        ),
        "code": code_digest("transfer_study"),
    }


def build(config: StudyConfig, manifest: Manifest) -> tfx.dsl.Pipeline:
    """Builds the study pipeline.

    Args:
      config: A checked configuration. Its `protocol` and `test_fold` only name the splits of the
        examples: the study takes the folds of both protocols from the manifest.
      manifest: The recordings.
    """
    prepared = data.build(config, manifest)
    own = identity(config, manifest.digest)
    study = TransferStudy(
        examples=prepared.example_gen.outputs["examples"],
        transformed_examples=prepared.transform.outputs["transformed_examples"],
        manifest_path=manifest.path,
        data_digest=own["data"],
        design=design(config, manifest.domains),
        store=str(config.store_root.absolute()),
        trim_silence=config.audio.trim_silence,
        memory_gib=config.training.memory_gib,
        code_digest=own["code"],
    )
    return data.pipeline_of(config, [*prepared.nodes, study])
