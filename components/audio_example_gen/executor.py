"""The executor of AudioExampleGen: shards on Beam, the account on the driver."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
import tensorflow as tf
from absl import logging
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components import passing
from components.audio_example_gen import account, ingest
from components.audio_example_gen.account import USED, Outcome
from corpora import manifest
from schemas.errors import UserError
from schemas.splits import FOLD_SPLITS
from schemas.utterance import Utterance

MANIFEST_PATH = "manifest_path"
MANIFEST_DIGEST = "manifest_digest"
PROTOCOL = "protocol"
OVER_LENGTH = "over_length"
TRIM_SILENCE = "trim_silence"
INPUT_SAMPLES = "input_samples"
CODE_DIGEST = "code_digest"
EXAMPLES = "examples"
ACCOUNT = "account"

_MOST_REASONS = 5


class Executor(base_beam_executor.BaseBeamExecutor):
    """Decodes every recording of a manifest; see `AudioExampleGen`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the examples and the account.

        Args:
          input_dict: Nothing.
          output_dict: `examples`, one Examples artifact; `account`, one IngestAccount.
          exec_properties: The component's parameters.

        Raises:
          UserError: The manifest cannot be read, an utterance has no fold, or a fold has no
            recording that could be used.
          RuntimeError: Found is not used + skipped + quarantined.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        account_uri = artifact_utils.get_single_instance(output_dict[ACCOUNT]).uri
        protocol = exec_properties[PROTOCOL]
        indexed = manifest.read(exec_properties[MANIFEST_PATH])
        utterances = indexed.utterances
        _check_folds(utterances, protocol, exec_properties[MANIFEST_PATH])

        examples.split_names = artifact_utils.encode_split_names(list(FOLD_SPLITS))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")
        split_uris = {
            split: artifact_utils.get_split_uri([examples], split) for split in FOLD_SPLITS
        }
        parts_uri = f"{account_uri}/parts"
        for uri in (*split_uris.values(), parts_uri):
            tf.io.gfile.makedirs(uri)
        shards = ingest.shards(
            utterances, protocol=protocol, split_uris=split_uris, account_uri=parts_uri
        )
        settings = ingest.Settings(
            over_length=exec_properties[OVER_LENGTH],
            trim_silence=bool(exec_properties[TRIM_SILENCE]),
            labels=indexed.labels,
            input_samples=exec_properties[INPUT_SAMPLES],
        )
        logging.info("Decoding %d recordings in %d shards.", len(utterances), len(shards))
        with self._make_beam_pipeline() as pipeline:
            # Create shuffles what it creates (a manifest's rows, no sound) to all workers.
            _ = (
                pipeline
                | "Shards" >> beam.Create(shards)
                | "Write" >> beam.ParDo(ingest.WriteShard(settings))
            )
        outcomes = [
            outcome for shard in shards for outcome in account.read_lines(shard.account_path)
        ]
        tf.io.gfile.rmtree(parts_uri)
        numbers = account.summarise(outcomes)
        _write(f"{account_uri}/{account.ACCOUNT_CSV}", account.to_csv(outcomes))
        _write(f"{account_uri}/{account.ACCOUNT_JSON}", json.dumps(numbers, indent=2) + "\n")
        account.check(utterances, outcomes)
        _check_splits(utterances, outcomes, protocol)
        passing.mark(output_dict[ACCOUNT], sum(outcome.passing for outcome in outcomes))
        logging.info("Decoded: %s", numbers)


def _check_folds(utterances: Sequence[Utterance], protocol: str, path: str) -> None:
    lacking = [u.utterance_id for u in utterances if not 0 <= u.fold(protocol) < len(FOLD_SPLITS)]
    if lacking:
        raise UserError(
            f"{path}: {len(lacking)} recordings have no fold under the protocol {protocol}"
            f" ({', '.join(lacking[:_MOST_REASONS])}); `ser corpora index` assigns folds"
        )


def _check_splits(
    utterances: Sequence[Utterance], outcomes: Sequence[Outcome], protocol: str
) -> None:
    """Checks that there is an example in every split: TFX fails on empty ones without a word."""
    used = {outcome.utterance_id for outcome in outcomes if outcome.status == USED}
    filled = {u.fold(protocol) for u in utterances if u.utterance_id in used}
    empty = [split for fold, split in enumerate(FOLD_SPLITS) if fold not in filled]
    if not empty:
        return
    reasons = Counter(outcome.reason for outcome in outcomes if outcome.status != USED)
    listed = [f"{reason} ({count})" for reason, count in reasons.most_common(_MOST_REASONS)]
    raise UserError(
        f"{', '.join(empty)}: no recording could be used"
        f" ({len(used)} of {len(utterances)} in all folds were). "
        + (f"Not used: {'; '.join(listed)}" if listed else "The manifest has none in these folds")
    )


def _write(path: str, text: str) -> None:
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(text)
