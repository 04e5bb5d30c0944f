"""One loaded version of a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

# Of TensorFlow's own calls of functions; no public name leads there.
from tensorflow.python.eager import cancellation
from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

from schemas.signatures import SIGNATURE_EXAMPLES, WARM_UP_FILE
from serving.embedded.errors import ServingError
from serving.embedded.limits import Limits, check_request
from serving.embedded.tensors import input_tensors, requested_outputs, write_tensor
from serving.embedded.workers import Interest


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a request asks of a signature.

    Attributes:
      signature: Name of the signature.
      inputs: Its tensors by name.
      outputs: Names of the outputs that are wanted.
    """

    signature: str
    inputs: Mapping[str, tf.Tensor]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Servable:
    """One loaded version. Immutable: a request that holds it is unaffected by any swap.

    Attributes:
      name: Name of the model.
      version: Its version.
      signature_defs: Definitions of its signatures by name.
      signatures: Their functions by name.
      keep_alive: The loaded object, which owns variables and tables.
    """

    name: str
    version: int
    signature_defs: Mapping[str, meta_graph_pb2.SignatureDef]
    signatures: Mapping[str, Any] = field(repr=False)
    keep_alive: Any = field(repr=False)

    @classmethod
    def load(cls, name: str, version: int, folder: Path, *, warm_up: bool = True) -> "Servable":
        """Loads a SavedModel and, as TF Serving does, sends it its own warm-up requests.

        Raises whatever TensorFlow raises on a damaged folder, and ServingError or a
        `tf.errors.OpError` if a warm-up request fails.
        """
        saved_model = saved_model_pb2.SavedModel()
        saved_model.ParseFromString((folder / "saved_model.pb").read_bytes())
        signature_defs = {}
        for key, definition in saved_model.meta_graphs[0].signature_def.items():
            if not key.startswith("__saved_model"):
                # A copy, because a part of a message keeps all of it in memory, graph included.
                signature_defs[key] = meta_graph_pb2.SignatureDef()
                signature_defs[key].CopyFrom(definition)
        loaded = tf.saved_model.load(str(folder))
        servable = cls(name, version, signature_defs, dict(loaded.signatures), loaded)
        for request in _warm_up_requests(folder) if warm_up else ():
            servable.predict(request)
        return servable

    def predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        """Returns the answer to a request, whatever it asks for; see `call_of`.

        Raises:
          ServingError, tf.errors.OpError: As `call_of` and `outputs_of`.
        """
        call = self.call_of(request)
        return self.response(call, self.outputs_of(call.signature, call.inputs))

    def call_of(
        self, request: predict_pb2.PredictRequest, *, limits: Limits | None = None
    ) -> "Call":
        """Returns what a request asks of a signature.

        Args:
          request: What is asked.
          limits: Most that it may ask for; no limits by default.

        Raises:
          ServingError: Unknown signature (FAILED_PRECONDITION, as in TF Serving); missing,
            superfluous or mistyped inputs, unknown outputs (INVALID_ARGUMENT); more than the limits
            (RESOURCE_EXHAUSTED).
        """
        key = request.model_spec.signature_name or SIGNATURE_EXAMPLES
        if key not in self.signatures:
            raise ServingError("FAILED_PRECONDITION", f'Serving signature key "{key}" not found.')
        definition = self.signature_defs[key]
        aliases = requested_outputs(definition, request.output_filter)
        inputs = input_tensors(definition, request.inputs)
        if limits is not None:
            check_request(limits, inputs)
        return Call(signature=key, inputs=inputs, outputs=tuple(aliases))

    def outputs_of(
        self,
        signature: str,
        inputs: Mapping[str, tf.Tensor],
        *,
        interest: Interest | None = None,
    ) -> dict[str, tf.Tensor]:
        """Returns all outputs of a signature, by name.

        Args:
          signature: Its name.
          inputs: Its inputs.
          interest: Whether anybody still waits for them: if not, loops over clips and over parts of
            their sound end. Always by default.

        Raises:
          tf.errors.OpError: The graph refuses the values, or nobody waits (CancelledError).
        """
        function = self.signatures[signature]
        if interest is None:
            return function(**inputs)
        manager = cancellation.CancellationManager()
        with interest.ends(manager.start_cancel):
            return manager.get_cancelable_function(function)(**inputs)

    def response(
        self, call: "Call", outputs: Mapping[str, tf.Tensor]
    ) -> predict_pb2.PredictResponse:
        """Returns the outputs that a request asked for."""
        response = predict_pb2.PredictResponse()
        self.describe(response.model_spec)
        response.model_spec.signature_name = call.signature
        for alias in call.outputs:
            write_tensor(outputs[alias], response.outputs[alias])
        return response

    def describe(self, model_spec: model_pb2.ModelSpec) -> None:
        """Writes name and version into a ModelSpec."""
        model_spec.name = self.name
        model_spec.version.value = self.version


def _warm_up_requests(folder: Path) -> list[predict_pb2.PredictRequest]:
    """Returns the requests stored with a model, an empty list if there are none."""
    if not (folder / WARM_UP_FILE).is_file():
        return []
    records = tf.data.TFRecordDataset(str(folder / WARM_UP_FILE)).as_numpy_iterator()
    logs = [prediction_log_pb2.PredictionLog.FromString(record) for record in records]
    return [log.predict_log.request for log in logs if log.HasField("predict_log")]
