"""The release pipeline: from a configuration to a TFX pipeline, as a pure function.

AudioExampleGen → StatisticsGen → ImportSchemaGen → ExampleValidator → Transform → Trainer
(pre-training) → for each domain Trainer (fine-tuning) → AdaptationGate → Evaluator, ParityGate →
Pusher.
"""

import json
from collections.abc import Sequence
from typing import Any

import tensorflow_model_analysis as tfma
from tfx import v1 as tfx
from tfx.dsl.components.base import base_node

from components.adaptation_gate.artifact import MODEL
from components.adaptation_gate.component import AdaptationGate
from components.blessed_model import strategy
from components.parity_gate.artifact import BLESSING
from components.parity_gate.component import ParityGate
from components.pusher.component import Pusher
from modules.metrics import tfma_uar
from modules.metrics.uar import ROUNDING
from modules.networks.approaches import APPROACHES, AUTO
from modules.networks.registry import NetworkSpec
from modules.training.job import TrainerJob
from modules.training.settings import Settings
from pipeline import data
from pipeline.code_digest import code_digest
from pipeline.config import ReleaseConfig
from pipeline.manifest import Manifest
from pipeline.networks import recipe
from pipeline.nodes import node_id
from pipeline.pretrainings import PRETRAIN, WITHOUT, pretrained_name
from schemas import features, signatures, splits
from schemas.labels import LabelSet
from schemas.splits import S1

# What UAR is reported for, beside the overall figure.
SLICES: tuple[tuple[str, ...], ...] = (
    (features.DOMAIN,),
    (features.EMOTION,),
    (features.GENDER,),
    (features.LANGUAGE,),
    (features.DOMAIN, features.EMOTION),
    (features.DOMAIN, features.GENDER),
)


def build(config: ReleaseConfig, manifest: Manifest, network: NetworkSpec) -> tfx.dsl.Pipeline:
    """Builds the release pipeline.

    Args:
      config: A checked configuration.
      manifest: The recordings.
      network: The network that is pre-trained.

    Returns:
      The pipeline; running it is the runner's business.
    """
    prepared = data.build(config, manifest, network)
    nodes: list[base_node.BaseNode] = prepared.nodes
    examples = prepared.example_gen.outputs["examples"]
    own_recipe = recipe(config)

    trainers: dict[str, tfx.components.Trainer] = {}
    # Under S2 the pre-training has not seen the domain: approaches can be compared on any part.
    own_settings = [config.for_domain(domain) for domain in manifest.domains]
    for_choice = any((own.approach, own.scenario) == (AUTO, S1) for own in own_settings)
    for name in dict.fromkeys([PRETRAIN, *(pretrained_name(config, d) for d in manifest.domains)]):
        without = name.removeprefix(WITHOUT) if name != PRETRAIN else None
        trainers[name] = _trainer(
            config,
            manifest,
            network,
            name,
            prepared,
            training=config.pretrain.over(own_recipe.pretrain),
            embedded=bool(network.held),
            settings={
                "stage": "pretrain",
                "without_domain": without,
                "for_choice": for_choice and not without,
                # What no model serves needs no calibration.
                "calibrate": config.trust.calibrate and not without,
            },
        )
    for domain in manifest.domains:
        own = config.for_domain(domain)
        trainers[domain] = _trainer(
            config,
            manifest,
            network,
            domain,
            prepared,
            training=own.fine_tune.over(own_recipe.fine_tune),
            embedded=bool(network.held) and not _unfreezes(config, own.approach),
            settings={
                "stage": "fine_tune",
                "domain": domain,
                "approach": own.approach,
                "scenario": own.scenario,
                "base": pretrained_name(config, domain),
                "calibrate": config.trust.calibrate,
            },
            base_model=trainers[pretrained_name(config, domain)].outputs["model"],
        )
    nodes += trainers.values()

    nodes += _evaluate_and_push(
        config,
        signatures.MULTI_DOMAIN,
        manifest.domains,
        manifest.labels,
        trainers[PRETRAIN],
        examples,
    )
    for domain in manifest.domains:
        # A layer that was unfrozen makes other embeddings than the one that the network came with.
        embedded = bool(network.held) and not _unfreezes(config, config.for_domain(domain).approach)
        gate = AdaptationGate(
            examples=prepared.embedded if embedded else prepared.transformed,
            adapted=trainers[domain].outputs["model"],
            multi_domain=trainers[PRETRAIN].outputs["model"],
            domain=domain,
            test_split=splits.FOLD_SPLITS[config.test_fold],
            embedded=embedded,
            trim_silence=config.audio.trim_silence,
            labels=json.dumps(list(manifest.labels)),
            seed=config.seed,
            code_digest=code_digest("adaptation_gate"),
        ).with_id(node_id("AdaptationGate", domain))
        nodes.append(gate)
        nodes += _evaluate_and_push(config, domain, (domain,), manifest.labels, gate, examples)

    return data.pipeline_of(config, nodes)


def _trainer(
    config: ReleaseConfig,
    manifest: Manifest,
    network: NetworkSpec,
    name: str,
    prepared: data.DataNodes,
    *,
    training: Settings,
    embedded: bool,
    settings: dict[str, Any],
    **inputs: Any,
) -> tfx.components.Trainer:
    train_splits = [splits.FOLD_SPLITS[fold] for fold in config.train_folds]
    trainer = tfx.components.Trainer(
        run_fn="modules.training.trainer.run_fn",
        examples=prepared.embedded if embedded else prepared.transformed,
        transform_graph=prepared.transform.outputs["transform_graph"],
        train_args=tfx.proto.TrainArgs(splits=train_splits),
        # Empty means a split named `eval`. The trainer takes its inner split from the train files.
        eval_args=tfx.proto.EvalArgs(splits=train_splits),
        custom_config=TrainerJob(
            name=name,
            network=network,
            labels=manifest.labels,
            settings=training,
            inner_fraction=config.inner_fraction,
            protocol=config.protocol,
            dev_domains=manifest.dev_domains if config.protocol == splits.PARTITION else (),
            trim_silence=config.audio.trim_silence,
            seed=config.seed,
            embedded=embedded,
            known_speakers=config.known_speakers,
            false_alarms=config.trust.false_alarms,
            candidates=config.candidates,
            memory_gib=config.training.memory_gib,
            code_digest=code_digest("trainer"),
            **settings,
        ).to_json(),
        **inputs,
    ).with_id(node_id("Trainer", name))
    prepared.guard(trainer)
    return trainer


def _unfreezes(config: ReleaseConfig, approach: str) -> bool:
    """Returns whether an approach, or one that `auto` may choose, tunes layers that are held."""
    names = config.candidates if approach == AUTO else (approach,)
    return any(APPROACHES[name].unfrozen for name in names)


def _evaluate_and_push(
    config: ReleaseConfig,
    model: str,
    served_domains: Sequence[str],
    labels: LabelSet,
    producer: base_node.BaseNode,
    examples: tfx.types.BaseChannel,
) -> list[base_node.BaseNode]:
    """Returns the nodes that decide whether what a node made is pushed, and push it."""
    evaluator_id = node_id("Evaluator", model)
    previous = tfx.dsl.Resolver(
        strategy_class=strategy.PreviousBlessedModelStrategy,
        **{
            strategy.MODEL: tfx.dsl.Channel(
                type=tfx.types.standard_artifacts.Model, producer_component_id=producer.id
            ),
            strategy.MODEL_BLESSING: tfx.dsl.Channel(
                type=tfx.types.standard_artifacts.ModelBlessing, producer_component_id=evaluator_id
            ),
            strategy.CANDIDATE: producer.outputs[MODEL],
        },
    ).with_id(node_id("PreviousBlessedModel", model))
    evaluator = tfx.components.Evaluator(
        examples=examples,
        model=producer.outputs[MODEL],
        baseline_model=previous.outputs[strategy.MODEL],
        eval_config=eval_config(config, served_domains, labels),
        example_splits=[splits.FOLD_SPLITS[config.test_fold]],
    ).with_id(evaluator_id)
    parity = ParityGate(
        examples=examples,
        model=producer.outputs[MODEL],
        asked_splits=json.dumps([splits.FOLD_SPLITS[config.test_fold]]),
        domains=json.dumps(list(served_domains)),
        name=model,
        code_digest=code_digest("parity_gate"),
    ).with_id(node_id("ParityGate", model))
    pusher = Pusher(
        model=producer.outputs[MODEL],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=parity.outputs[BLESSING],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(
                base_directory=str(config.serving_root.absolute() / model)
            )
        ),
    ).with_id(node_id("Pusher", model))
    return [previous, evaluator, parity, pusher]


def eval_config(
    config: ReleaseConfig, served_domains: Sequence[str], labels: LabelSet
) -> tfma.EvalConfig:
    """Returns what TFMA measures, in which slices, and the thresholds of the gate.

    Args:
      config: Names the thresholds.
      served_domains: The domains whose UAR the model answers for.
      labels: What the model's outputs stand for.
    """
    thresholds = []
    for domain in served_domains:
        gate = config.for_domain(domain).gate
        thresholds.append(
            tfma.PerSliceMetricThreshold(
                slicing_specs=[tfma.SlicingSpec(feature_values={features.DOMAIN: domain})],
                threshold=tfma.MetricThreshold(
                    value_threshold=tfma.GenericValueThreshold(
                        lower_bound={"value": gate.min_uar - ROUNDING}
                    ),
                    # Applied only where there is a blessed predecessor.
                    change_threshold=tfma.GenericChangeThreshold(
                        absolute={"value": -gate.max_drop - ROUNDING},
                        direction=tfma.MetricDirection.HIGHER_IS_BETTER,
                    ),
                ),
            )
        )
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                model_type="tf_generic",
                signature_name=signatures.SIGNATURE_EXAMPLES,
                label_key=features.LABEL,
                prediction_key=signatures.OUTPUT_PROBABILITIES,
            )
        ],
        slicing_specs=[
            tfma.SlicingSpec(),
            *(tfma.SlicingSpec(feature_keys=list(keys)) for keys in SLICES),
        ],
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[
                    tfma.MetricConfig(class_name="ExampleCount"),
                    tfma.MetricConfig(
                        class_name="SparseCategoricalAccuracy",
                        config=json.dumps({"name": "accuracy"}),
                    ),
                    tfma.MetricConfig(class_name="MultiClassConfusionMatrixPlot"),
                    tfma.MetricConfig(
                        class_name="UnweightedAverageRecall",
                        module="modules.metrics.tfma_uar",
                        config=json.dumps(
                            {
                                "name": tfma_uar.UAR,
                                "labels": list(labels),
                                "code_digest": code_digest("evaluator"),
                            }
                        ),
                        per_slice_thresholds=thresholds,
                    ),
                    tfma.MetricConfig(
                        class_name="AnswerTrust",
                        module="modules.metrics.tfma_trust",
                        config=json.dumps({"code_digest": code_digest("evaluator_trust")}),
                    ),
                ]
            )
        ],
    )
