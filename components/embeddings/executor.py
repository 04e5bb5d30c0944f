"""The executor of Embeddings."""

import json
import os
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import tensorflow as tf
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.embeddings.artifact import EMBEDDINGS, NETWORK, TRANSFORMED_EXAMPLES
from modules.networks.registry import NetworkSpec
from schemas import features

CODE_DIGEST = "code_digest"

_COMPRESSION = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)


class Executor(base_beam_executor.BaseBeamExecutor):
    """Turns every file of transformed examples into one of embeddings; see `Embeddings`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the embeddings of all splits.

        Args:
          input_dict: `transformed_examples`, one Examples artifact.
          output_dict: `embeddings`, one Examples artifact.
          exec_properties: The component's parameters.

        Raises:
          UserError: The encoder is not in the store.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict[TRANSFORMED_EXAMPLES])
        output = artifact_utils.get_single_instance(output_dict[EMBEDDINGS])
        output.split_names = examples.split_names
        examples_utils.set_payload_format(output, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(output, "tfrecords_gzip")
        tasks = []
        for split in artifact_utils.decode_split_names(examples.split_names):
            folder = artifact_utils.get_split_uri([output], split)
            tf.io.gfile.makedirs(folder)
            source = artifact_utils.get_split_uri([examples], split)
            for file in sorted(tf.io.gfile.glob(os.path.join(source, "*"))):
                tasks.append((file, os.path.join(folder, os.path.basename(file))))
        network = NetworkSpec.from_json(json.loads(exec_properties[NETWORK]))
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Files" >> beam.Create(tasks)
                | "Spread" >> beam.Reshuffle()
                | "Embed" >> beam.ParDo(EmbedFile(network))
            )


class EmbedFile(beam.DoFn):
    """Embeds the clips of one file.

    Whichever worker runs it, and however often, it writes the same bytes to the same file.

    Args:
      network: The network whose held layers are computed.
    """

    def __init__(self, network: NetworkSpec):
        self._network = network

    def setup(self) -> None:
        """Called by Beam once per worker."""
        from modules.networks.held import Held

        self._held = Held(self._network)
        self._waveform = tf.io.FixedLenFeature([self._network.input_samples], tf.float32)

    def process(self, task: tuple[str, str]) -> Iterator[None]:
        """Reads the first file of the task, and writes the second."""
        source, target = task
        temporary = f"{target}.part"
        with tf.io.TFRecordWriter(temporary, _COMPRESSION) as writer:
            for record in tf.data.TFRecordDataset(source, compression_type="GZIP"):
                writer.write(self._embedded(record.numpy()))
        tf.io.gfile.rename(temporary, target, overwrite=True)
        return iter(())

    def _embedded(self, record: bytes) -> bytes:
        # Parsed by TensorFlow: a protocol buffer hands out samples one by one.
        parsed = tf.io.parse_single_example(record, {features.WAVEFORM: self._waveform})
        embedding = self._held.of(parsed[features.WAVEFORM].numpy()).ravel()
        example = tf.train.Example.FromString(record)
        values = example.features.feature
        del values[features.WAVEFORM]
        values[features.EMBEDDING].float_list.value.extend(embedding.tolist())
        return example.SerializeToString(deterministic=True)
