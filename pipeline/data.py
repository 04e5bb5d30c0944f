"""The part of a pipeline that every use of the recordings shares: from a manifest to clips.

CorporaAudit → AuditGate → AudioExampleGen → StatisticsGen → ImportSchemaGen → ExampleValidator →
ManifestStatistics → DataGate → Transform, and Embeddings → EmbeddingsGate where networks hold
trained layers.
"""

import dataclasses
import json

from tfx import v1 as tfx
from tfx.dsl.components.base import base_node

from components.actions import OFF, STOP
from components.audio_example_gen.component import AudioExampleGen
from components.corpora_audit.component import EVERY_FOLD, AuditGate, CorporaAudit
from components.data_gate import strategy
from components.data_gate.artifact import AcceptedData
from components.data_gate.component import DataGate
from components.embeddings.artifact import EMBEDDINGS, NETWORK
from components.embeddings.component import Embeddings
from components.embeddings_gate.artifact import AcceptedEmbeddings
from components.embeddings_gate.component import EmbeddingsGate
from components.manifest_statistics.component import ManifestStatistics
from modules.networks.registry import NetworkSpec
from pipeline import metadata_store
from pipeline.code_digest import code_digest
from pipeline.config import DataConfig
from pipeline.manifest import Manifest
from pipeline.run_folder import PIPELINE_ROOT
from schemas import splits
from schemas.places import is_remote

# Importing it costs what it is for.
_STORAGE_PLUGIN = "schemas.storage_plugin"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataNodes:
    """The nodes, and by name those whose outputs later nodes take."""

    nodes: list[base_node.BaseNode]
    example_gen: AudioExampleGen
    transform: tfx.components.Transform
    embeddings: Embeddings | None
    embeddings_gate: base_node.BaseNode | None

    @property
    def transformed(self) -> tfx.types.BaseChannel:
        """Clips as networks take them."""
        return self.transform.outputs["transformed_examples"]

    @property
    def embedded(self) -> tfx.types.BaseChannel:
        """What the layers that the network holds make of clips."""
        assert self.embeddings is not None
        return self.embeddings.outputs[EMBEDDINGS]

    def guard(self, node: base_node.BaseNode) -> None:
        """Makes a node wait for the last gate that clips have to pass."""
        if self.embeddings_gate is not None:
            node.add_upstream_node(self.embeddings_gate)


def build(config: DataConfig, manifest: Manifest, network: NetworkSpec) -> DataNodes:
    """Builds the nodes from the manifest to the transformed examples.

    Args:
      config: Names the protocol, the test fold, which no analyzer sees, and the preprocessing.
      manifest: The recordings.
      network: The network that clips are made for.
    """
    example_gen = AudioExampleGen(
        manifest_path=manifest.path,
        manifest_digest=manifest.digest,
        protocol=config.protocol,
        over_length=config.audio.over_length,
        trim_silence=config.audio.trim_silence,
        input_samples=config.input_samples,
        code_digest=code_digest("example_gen"),
    )
    audit = _audit(config, manifest)
    if audit:
        # It takes nothing from the gate, and must not run before it.
        example_gen.add_upstream_node(audit[-1])
    examples = example_gen.outputs["examples"]
    statistics = tfx.components.StatisticsGen(examples=examples)
    schema = tfx.components.ImportSchemaGen(schema_file=manifest.schema_path)
    validator = tfx.components.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    manifest_statistics = ManifestStatistics(
        account=example_gen.outputs["account"],
        manifest_path=manifest.path,
        manifest_digest=manifest.digest,
        protocol=config.protocol,
        test_fold=config.test_fold,
        code_digest=code_digest("manifest_statistics"),
    )
    last_accepted = _last_accepted(AcceptedData, DataGate.__name__, manifest_statistics).with_id(
        "LastAcceptedData"
    )
    gate = DataGate(
        anomalies=validator.outputs["anomalies"],
        statistics=manifest_statistics.outputs["statistics"],
        reference=last_accepted.outputs[strategy.REFERENCE],
        decision=last_accepted.outputs[strategy.DECISION],
        settings=json.dumps(
            config.validation.model_dump(
                include={"anomalies": True, "drift": True, "skew": True},
                exclude={"drift": {"embedding"}},
            )
            | {"protocol": config.protocol},
            sort_keys=True,
        ),
        accept_drift=config.validation.accept_drift,
        code_digest=code_digest("data_gate"),
    )
    transform = tfx.components.Transform(
        examples=examples,
        schema=schema.outputs["schema"],
        preprocessing_fn="modules.audio.preprocessing.preprocessing_fn",
        splits_config=tfx.proto.SplitsConfig(
            analyze=[splits.FOLD_SPLITS[fold] for fold in config.train_folds],
            transform=list(splits.FOLD_SPLITS),
        ),
        # Statistics of waveforms cost minutes and tell nothing.
        disable_statistics=True,
        custom_config={
            "standardisation": config.audio.standardisation,
            "trim_silence": config.audio.trim_silence,
            "input_samples": config.input_samples,
            "domains": list(manifest.domains),
            "code_digest": code_digest("transform"),
        },
    )
    transform.add_upstream_node(gate)
    embeddings = embeddings_gate = None
    embedding_nodes: list[base_node.BaseNode] = []
    if network.held:
        embeddings = Embeddings(
            transformed_examples=transform.outputs["transformed_examples"],
            network=network,
            code_digest=code_digest("embeddings"),
        )
        last_embeddings = _last_accepted(
            AcceptedEmbeddings, EmbeddingsGate.__name__, manifest_statistics
        ).with_id("LastAcceptedEmbeddings")
        embeddings_gate = EmbeddingsGate(
            embeddings=embeddings.outputs[EMBEDDINGS],
            statistics=manifest_statistics.outputs["statistics"],
            reference=last_embeddings.outputs[strategy.REFERENCE],
            decision=last_embeddings.outputs[strategy.DECISION],
            network=embeddings.exec_properties[NETWORK],
            preprocessing=config.audio.model_dump_json(),
            action=config.validation.drift.action,
            threshold=config.validation.drift.embedding,
            accept_drift=config.validation.accept_drift,
            code_digest=code_digest("embeddings_gate"),
        )
        embedding_nodes = [embeddings, last_embeddings, embeddings_gate]
    return DataNodes(
        nodes=[
            *audit,
            example_gen,
            statistics,
            schema,
            validator,
            manifest_statistics,
            last_accepted,
            gate,
            transform,
            *embedding_nodes,
        ],
        example_gen=example_gen,
        transform=transform,
        embeddings=embeddings,
        embeddings_gate=embeddings_gate,
    )


def _last_accepted(
    accepted_type: type[tfx.dsl.Artifact], gate: str, manifest_statistics: base_node.BaseNode
) -> tfx.dsl.Resolver:
    """Returns a resolver of what a gate accepted last, and of a decision about these recordings."""
    accepted = tfx.dsl.Channel(type=accepted_type, producer_component_id=gate)
    return tfx.dsl.Resolver(
        strategy_class=strategy.LastAcceptedStrategy,
        **{
            strategy.REFERENCE: accepted,
            strategy.DECISION: accepted,
            strategy.CANDIDATE: manifest_statistics.outputs["statistics"],
        },
    )


def _audit(config: DataConfig, manifest: Manifest) -> list[base_node.BaseNode]:
    """Returns the audit and its gate; nothing where the configuration has it off."""
    if config.validation.audit == OFF:
        return []
    audit = CorporaAudit(
        manifest_path=manifest.path,
        manifest_digest=f"{manifest.digest} {manifest.details_digest}",
        protocol=config.protocol,
        test_fold=EVERY_FOLD if config.audited_fold is None else config.audited_fold,
        code_digest=code_digest("corpora_audit"),
    )
    gate = AuditGate(
        audit=audit.outputs["audit"],
        stop=config.validation.audit == STOP,
        tolerated=",".join(config.tolerated_findings),
        code_digest=code_digest("corpora_audit"),
    )
    return [audit, gate]


def _plugins(config: DataConfig) -> tuple[str, ...]:
    """Returns what makes Beam's workers know storage services, where some are used."""
    # Of those of recordings, the function that reads them takes care.
    used = any(map(is_remote, (config.output, config.manifest)))
    return (_STORAGE_PLUGIN,) if used else ()


def pipeline_of(config: DataConfig, nodes: list[base_node.BaseNode]) -> tfx.dsl.Pipeline:
    """Puts nodes into a pipeline with the configuration's folders and Beam flags."""
    return tfx.dsl.Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(config.output.absolute() / PIPELINE_ROOT),
        components=nodes,
        enable_cache=True,
        metadata_connection_config=metadata_store.connection(
            config.metadata, config.output.absolute()
        ),
        beam_pipeline_args=config.beam.flags(plugins=_plugins(config)),
    )
