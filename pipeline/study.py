"""The study pipeline: the data part of the release, then TransferStudy."""

import dataclasses
from collections import Counter

from tfx import v1 as tfx

from components.transfer_study.artifact import data_digest
from components.transfer_study.component import TransferStudy
from corpora import manifest as manifests
from modules.networks.registry import NetworkSpec
from modules.study.cells import Split
from modules.study.design import CROSS_CORPUS, LEARNING_CURVES, Design
from pipeline import data
from pipeline.code_digest import code_digest
from pipeline.config import StudyConfig
from pipeline.manifest import Manifest
from pipeline.networks import recipe
from pipeline.nodes import node_id
from schemas.errors import UserError


def design(config: StudyConfig, manifest: Manifest, network: NetworkSpec) -> Design:
    """Returns what a configuration asks for, for the recordings of its manifest."""
    own, domains = recipe(config), manifest.domains
    targets = tuple(sorted(config.targets or domains))
    # Clips stay in place in fine-tuning, so that frozen layers' outputs are computed once.
    fine_tune = dataclasses.replace(config.fine_tune.over(own.fine_tune), shift_s=0.0)
    return Design(
        domains=tuple(sorted(domains)),
        targets=targets,
        protocols=config.protocols,
        folds=config.folds,
        seeds=tuple(range(config.seeds)),
        tables=config.tables,
        scenarios=config.scenarios,
        approaches=config.approaches,
        baselines=config.baselines,
        network=network,
        pretrain=config.pretrain.over(own.pretrain),
        scratch=config.scratch.over(own.scratch),
        fine_tune=fine_tune,
        cross_corpus=CROSS_CORPUS in config.beyond,
        clips_per_class=_clips_per_class(config, manifest, targets)
        if LEARNING_CURVES in config.beyond
        else {},
    )


def _clips_per_class(
    config: StudyConfig, manifest: Manifest, targets: tuple[str, ...]
) -> dict[str, tuple[int, ...]]:
    """Returns for each target the numbers of clips that its largest class has in every training."""
    counts = Counter(
        (utterance.domain, utterance.emotion, protocol, utterance.fold(protocol))
        for utterance in manifests.read(manifest.path).utterances
        for protocol in config.protocols
    )

    def largest_class(target: str) -> int:
        return min(
            max(
                sum(counts[target, label, protocol, train] for train in Split.outer(fold).train)
                for label in manifest.labels
            )
            for protocol in config.protocols
            for fold in config.folds
        )

    wanted = sorted(set(config.clips_per_class))
    largest = {target: largest_class(target) for target in targets}
    found = {
        target: tuple(number for number in wanted if number <= largest[target])
        for target in targets
        if wanted[0] <= largest[target]
    }
    if not found:
        raise UserError(
            f"clips_per_class: no target has {wanted[0]} clips of a class in its training folds;"
            f" the most are {max(largest.values())}: set smaller numbers, or leave"
            f" {LEARNING_CURVES} out of beyond"
        )
    return found


def identity(config: StudyConfig, manifest_digest: str, network: NetworkSpec) -> dict[str, str]:
    """Returns what all results in a store have in common: digests of data and code."""
    return {
        "data": data_digest(
            manifest_digest,
            config.audio.model_dump_json(),
            code_digest("example_gen"),
            code_digest("transform"),
            *([code_digest("embeddings")] if network.held else []),
        ),
        "code": code_digest("transfer_study"),
    }


def build(config: StudyConfig, manifest: Manifest, network: NetworkSpec) -> tfx.dsl.Pipeline:
    """Builds the study pipeline.

    Args:
      config: A checked configuration. Its `protocol` and `test_fold` only name the splits of the
        examples: the study takes the folds of both protocols from the manifest.
      manifest: The recordings.
      network: The network that is trained.
    """
    prepared = data.build(config, manifest, network)
    return data.pipeline_of(config, [*prepared.nodes, _study(config, manifest, network, prepared)])


def build_divided(
    config: StudyConfig, manifest: Manifest, network: NetworkSpec
) -> tfx.dsl.Pipeline:
    """Builds the same pipeline with the study's cells divided over nodes that share the store.

    There are `kubeflow.study_tasks` of them, each of which needs none of the others. The last node
    finds what they computed, and makes what belongs to all of it.
    """
    prepared, parts = data.build(config, manifest, network), config.kubeflow.study_tasks
    divided = [
        _study(config, manifest, network, prepared, part=part, parts=parts).with_id(
            node_id(TransferStudy.__name__, str(part))
        )
        for part in range(parts)
    ]
    whole = _study(config, manifest, network, prepared)
    whole.add_upstream_nodes(divided)
    return data.pipeline_of(config, [*prepared.nodes, *divided, whole])


def _study(
    config: StudyConfig,
    manifest: Manifest,
    network: NetworkSpec,
    prepared: data.DataNodes,
    **part: int,
) -> TransferStudy:
    own = identity(config, manifest.digest, network)
    study = TransferStudy(
        examples=prepared.example_gen.outputs["examples"],
        transformed_examples=prepared.embedded if network.held else prepared.transformed,
        manifest_path=manifest.path,
        data_digest=own["data"],
        design=design(config, manifest, network),
        store=str(config.store_root.absolute()),
        trim_silence=config.audio.trim_silence,
        memory_gib=config.training.memory_gib,
        code_digest=own["code"],
        **part,
    )
    prepared.guard(study)
    return study
