"""The adaptation pipeline: from a configuration and a base to a TFX pipeline, as a pure function.

The data pipeline, then DomainAdaptation, which takes the base by import, ParityGate and Pusher.
"""

import json

from tfx import v1 as tfx

from components.domain_adaptation.artifact import BLESSING, MODEL
from components.domain_adaptation.component import DomainAdaptation
from components.parity_gate import artifact as parity_gate
from components.parity_gate.component import ParityGate
from components.pusher.component import Pusher
from modules.adaptation.plan import Plan
from modules.networks.registry import NetworkSpec
from modules.training.job import TrainerJob
from pipeline import data
from pipeline.base_release import BaseRelease
from pipeline.code_digest import code_digest
from pipeline.config import AdaptationConfig
from pipeline.manifest import Manifest
from pipeline.networks import recipe
from pipeline.protocols import Protocol
from schemas.splits import FOLD_SPLITS, S2


def build(
    config: AdaptationConfig,
    manifest: Manifest,
    network: NetworkSpec,
    *,
    base: BaseRelease,
    protocol: Protocol,
) -> tfx.dsl.Pipeline:
    """Builds the adaptation pipeline.

    Args:
      config: A checked configuration, with the base's network and audio.
      manifest: The recordings, of one domain.
      network: The base's network, with an output for each of the manifest's labels.
      base: The release that is adapted.
      protocol: How clips are tested.
    """
    folded = config.model_copy(update={"protocol": protocol.folds})
    prepared = data.build(folded, manifest, network)
    [domain] = manifest.domains
    imported = tfx.dsl.Importer(
        source_uri=str(base.model),
        artifact_type=tfx.types.standard_artifacts.Model,
        custom_properties={"record_digest": base.record_digest},
    ).with_id("BaseModel")
    nodes = [*prepared.nodes, imported]
    base_examples = {}
    if base.examples is not None:
        clips = tfx.dsl.Importer(
            source_uri=str(base.examples), artifact_type=tfx.types.standard_artifacts.Examples
        ).with_id("BaseExamples")
        nodes.append(clips)
        base_examples["base_examples"] = clips.outputs["result"]
    adaptation = DomainAdaptation(
        examples=prepared.embedded if network.held else prepared.transformed,
        base=imported.outputs["result"],
        plan=json.dumps(_plan(config, manifest, network, base, protocol, domain).to_json()),
        manifest_path=manifest.path,
        manifest_digest=manifest.digest,
        base_digest=base.record_digest,
        base_split=base.test_split,
        code_digest=code_digest("domain_adaptation"),
        **base_examples,
    )
    prepared.guard(adaptation)
    parity = ParityGate(
        examples=prepared.example_gen.outputs["examples"],
        model=adaptation.outputs[MODEL],
        asked_splits=json.dumps(list(FOLD_SPLITS)),
        domains=json.dumps([domain]),
        name=domain,
        code_digest=code_digest("parity_gate"),
    )
    pusher = Pusher(
        model=adaptation.outputs[MODEL],
        model_blessing=adaptation.outputs[BLESSING],
        infra_blessing=parity.outputs[parity_gate.BLESSING],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(
                base_directory=str(config.serving_root.absolute() / domain)
            )
        ),
    )
    return data.pipeline_of(config, [*nodes, adaptation, parity, pusher])


def _plan(
    config: AdaptationConfig,
    manifest: Manifest,
    network: NetworkSpec,
    base: BaseRelease,
    protocol: Protocol,
    domain: str,
) -> Plan:
    own_recipe = recipe(config)
    job = TrainerJob(
        name=domain,
        stage="fine_tune",
        network=network,
        labels=manifest.labels,
        settings=config.fine_tune.over(own_recipe.fine_tune),
        # Of early stopping, which there is none of.
        inner_fraction=0.15,
        protocol=protocol.folds,
        trim_silence=config.audio.trim_silence,
        seed=config.seed,
        embedded=bool(network.held),
        candidates=config.candidates,
        memory_gib=config.training.memory_gib,
        calibrate=config.trust.calibrate,
        false_alarms=config.trust.false_alarms,
        domain=domain,
        scenario=S2,
        base=f"{base.config.name}/{base.record.name} {base.record_digest}",
        approach=config.approach,
    )
    return Plan(
        job=job,
        scratch=config.scratch.over(own_recipe.scratch),
        by_speaker=protocol.by_speaker,
        own_folds=protocol.each_speaker,
        inner_parts=config.inner_parts,
        repeats=config.repeats,
        sizes=config.learning_curve.sizes,
        draws=config.learning_curve.draws,
        least_steps=config.least_steps,
        min_uar=config.gate.min_uar,
    )
