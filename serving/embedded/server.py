"""The embedded server: TF Serving's gRPC interface over a serving folder, in one Python process.

For one machine and for tests. It answers PredictionService.Predict and GetModelMetadata,
ModelService.GetModelStatus and the gRPC health service from `<root>/<model>/<version>/` with the
messages and status codes of TF Serving, so that clients need not know which of the two they talk
to. It is no replacement for TF Serving: no REST, no batching, no configuration file.
"""

import contextlib
import logging
import re
import threading
from collections.abc import Mapping
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.errors import UserError

LOG = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
DEFAULT_SIGNATURE = "serving_default"
WARM_UP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
STOP_GRACE_S = 10.0
# What the health service knows; "" stands for the server as a whole.
HEALTH_SERVICES = (
    "",
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
)

Versions = dict[str, dict[int, Path]]


class ServingError(Exception):
    """A request that cannot be answered: `code` names a `grpc.StatusCode`, such as NOT_FOUND."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def find_versions(root: str | Path) -> Versions:
    """Returns every complete version below `root`: {model: {version: folder}}.

    A version is a folder with an integer name that holds a `saved_model.pb`; anything else (hidden
    folders, folders still being copied, files) is ignored, as TF Serving ignores it.
    """
    found: Versions = {}
    root = Path(root)
    if not root.is_dir():
        return found
    for model in sorted(root.iterdir()):
        if not model.is_dir() or model.name.startswith("."):
            continue
        versions = {
            int(folder.name): folder
            for folder in model.iterdir()
            if re.fullmatch("[0-9]+", folder.name) and (folder / "saved_model.pb").is_file()
        }
        if versions:
            found[model.name] = dict(sorted(versions.items()))
    return found


@dataclass(frozen=True)
class Servable:
    """One loaded version. Immutable: a request that holds it is unaffected by any swap."""

    name: str
    version: int
    meta_graph: Any  # MetaGraphDef, of which the signature definitions are kept
    signatures: Mapping[str, Any] = field(repr=False)  # ConcreteFunctions by name
    keep_alive: Any = field(repr=False)  # the loaded object, which owns variables and tables

    @classmethod
    def load(cls, name: str, version: int, folder: Path) -> "Servable":
        """Loads a SavedModel and sends it its own warm-up requests, as TF Serving does.

        Raises whatever TensorFlow raises on a damaged folder, and ServingError or an
        `tf.errors.OpError` if a warm-up request fails.
        """
        import tensorflow as tf
        from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

        saved_model = saved_model_pb2.SavedModel()
        saved_model.ParseFromString((folder / "saved_model.pb").read_bytes())
        signature_defs = meta_graph_pb2.MetaGraphDef()
        for key, signature in saved_model.meta_graphs[0].signature_def.items():
            if not key.startswith("__saved_model"):
                signature_defs.signature_def[key].CopyFrom(signature)
        loaded = tf.saved_model.load(str(folder))
        servable = cls(name, version, signature_defs, dict(loaded.signatures), loaded)
        for request in _warm_up_requests(folder):
            servable.predict(request)
        return servable

    def predict(self, request):
        """Returns the PredictResponse to a PredictRequest.

        Raises:
          ServingError: unknown signature (FAILED_PRECONDITION, as in TF Serving); missing,
            superfluous or mistyped inputs, unknown outputs (INVALID_ARGUMENT).
          tf.errors.OpError: the graph refuses the values.
        """
        from tensorflow_serving.apis import predict_pb2

        key = request.model_spec.signature_name or DEFAULT_SIGNATURE
        if key not in self.signatures:
            raise ServingError("FAILED_PRECONDITION", f'Serving signature key "{key}" not found.')
        definition = self.meta_graph.signature_def[key]
        aliases = _requested_outputs(definition, request.output_filter)
        outputs = self.signatures[key](**_input_tensors(definition, request.inputs))
        response = predict_pb2.PredictResponse()
        self.describe(response.model_spec)
        response.model_spec.signature_name = key
        for alias in aliases:
            response.outputs[alias].CopyFrom(_tensor_proto(outputs[alias]))
        return response

    def describe(self, model_spec) -> None:
        """Writes name and version into a ModelSpec."""
        model_spec.name = self.name
        model_spec.version.value = self.version


def _warm_up_requests(folder: Path) -> list:
    """Returns the PredictRequests stored with a model, an empty list if there are none."""
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    if not (folder / WARM_UP_FILE).is_file():
        return []
    records = tf.data.TFRecordDataset(str(folder / WARM_UP_FILE)).as_numpy_iterator()
    logs = [prediction_log_pb2.PredictionLog.FromString(record) for record in records]
    return [log.predict_log.request for log in logs if log.HasField("predict_log")]


def _names(names) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _input_tensors(definition, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the tensors of a request by input name, checked against a SignatureDef."""
    import tensorflow as tf

    expected, sent = set(definition.inputs), set(inputs)
    if len(sent) != len(expected):
        raise ServingError(
            "INVALID_ARGUMENT",
            f"input size does not match signature: {len(sent)}!={len(expected)} "
            f"len({_names(sent)}) != len({_names(expected)}). "
            f"Sent extra: {_names(sent - expected)}. "
            f"Missing but required: {_names(expected - sent)}.",
        )
    tensors = {}
    for name in sorted(sent):
        if name not in expected:
            raise ServingError(
                "INVALID_ARGUMENT",
                f"input tensor alias not found in signature: {name}. "
                f"Inputs expected to be in the set {_names(expected)}.",
            )
        proto, info = inputs[name], definition.inputs[name]
        if proto.dtype != info.dtype:
            raise ServingError(
                "INVALID_ARGUMENT",
                f"Expects input {name} to be {tf.as_dtype(info.dtype).name} "
                f"but {_dtype_name(proto.dtype)} is provided",
            )
        tensor = _parse_tensor(name, proto)
        shape = tf.TensorShape(info.tensor_shape)
        if not shape.is_compatible_with(tensor.shape):
            raise ServingError(
                "INVALID_ARGUMENT",
                f"Expects input {name} to have shape {shape} but {tensor.shape} is provided",
            )
        tensors[name] = tensor
    return tensors


def _parse_tensor(name: str, proto):
    import tensorflow as tf

    # TensorFlow would write the whole tensor to the log before refusing an impossible shape.
    known = not proto.tensor_shape.unknown_rank
    if known and all(dimension.size >= 0 for dimension in proto.tensor_shape.dim):
        with contextlib.suppress(tf.errors.OpError):
            return tf.io.parse_tensor(proto.SerializeToString(), proto.dtype)
    raise ServingError("INVALID_ARGUMENT", f"tensor parsing error: {name}")


def _dtype_name(number: int) -> str:
    import tensorflow as tf

    try:
        return tf.as_dtype(number).name
    except TypeError:
        return "invalid"


def _requested_outputs(definition, output_filter) -> list[str]:
    """Returns the outputs a request asks for: all if it names none."""
    available = set(definition.outputs)
    for alias in output_filter:
        if alias not in available:
            raise ServingError(
                "INVALID_ARGUMENT",
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_names(available)}.",
            )
        if list(output_filter).count(alias) > 1:
            raise ServingError("INVALID_ARGUMENT", f"duplicate output tensor alias: {alias}")
    return list(output_filter) or sorted(available)


def _tensor_proto(tensor):
    """Returns a TensorProto with its values in typed fields, which many clients read directly.

    `tf.make_tensor_proto` would put floats into `tensor_content`; TF Serving does not.
    """
    import tensorflow as tf
    from tensorflow.core.framework import tensor_pb2

    values = {tf.float32: "float_val", tf.string: "string_val"}.get(tensor.dtype)
    if values is None:
        return tf.make_tensor_proto(tensor.numpy())
    proto = tensor_pb2.TensorProto(
        dtype=tensor.dtype.as_datatype_enum, tensor_shape=tensor.shape.as_proto()
    )
    getattr(proto, values).extend(tensor.numpy().ravel().tolist())
    return proto


def _fingerprint(folder: Path) -> tuple:
    """Returns what changes while a folder is still being copied: names, sizes and times."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)


class ModelStore:
    """The loaded models below a serving folder.

    Readers take one reference per request from an immutable mapping; `refresh` replaces the whole
    mapping once new versions are loaded and warm. Hence requests are never blocked by a load of
    another version and never see half a swap.

    Args:
      root: serving folder with `<model>/<version>/saved_model.pb`.
      preload: load each model's latest version in `refresh`; otherwise at its first request.
    """

    def __init__(self, root: str | Path, *, preload: bool = True):
        self.root = Path(root)
        self._preload = preload
        self._load_lock = threading.RLock()  # held while loading, never while answering
        self._loaded: Mapping[str, Mapping[int, Servable]] = {}
        self._failures: dict[tuple[str, int], tuple[tuple, str]] = {}

    def loaded(self) -> dict[str, list[int]]:
        """Returns the loaded versions by model."""
        return {name: sorted(versions) for name, versions in self._loaded.items()}

    def failures(self) -> dict[tuple[str, int], str]:
        """Returns why versions could not be loaded, by (model, version)."""
        return {key: message for key, (_, message) in dict(self._failures).items()}

    def ready(self) -> bool:
        """Returns whether at least one model can be asked."""
        return bool(self._loaded if self._preload else find_versions(self.root))

    def refresh(self) -> None:
        """Looks at the folder once: loads the newest version of each model, drops what is gone.

        A version that cannot be loaded leaves the one before it in service and is tried again only
        once its files have changed (it may still be being copied).
        """
        with self._load_lock:
            on_disk = find_versions(self.root)
            self._failures = {
                key: failure
                for key, failure in self._failures.items()
                if key[1] in on_disk.get(key[0], {})
            }
            for name, versions in on_disk.items():
                known = self._loaded.get(name, {})
                if self._preload or known:
                    self._load_latest(name, versions)
            self._loaded = {
                name: {version: s for version, s in loaded.items() if version in on_disk[name]}
                for name, loaded in self._loaded.items()
                if name in on_disk
            }

    def get(self, name: str, version: int | None) -> Servable:
        """Returns the servable for a request: the latest version unless one is named.

        A version that lies on disk without being loaded is loaded first. Raises ServingError
        (NOT_FOUND) for a model or version that does not exist or cannot be loaded.
        """
        servable = self._lookup(name, version)
        if servable is None:
            with self._load_lock:
                servable = self._lookup(name, version)
                if servable is None:
                    self._load_on_demand(name, version)
                    servable = self._lookup(name, version)
        if servable is None:
            wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise ServingError("NOT_FOUND", f"Servable not found for request: {wanted}")
        return servable

    def _lookup(self, name: str, version: int | None) -> Servable | None:
        versions = self._loaded.get(name)
        if not versions:
            return None
        return versions.get(max(versions) if version is None else version)

    def _load_on_demand(self, name: str, version: int | None) -> None:
        versions = find_versions(self.root).get(name, {})
        # The latest comes first even if an older one is wanted: it is what other requests mean.
        self._load_latest(name, versions)
        if version in versions and version not in self._loaded.get(name, {}):
            servable = self._try_load(name, version, versions[version])
            if servable is not None:
                self._publish(name, {**self._loaded.get(name, {}), version: servable})

    def _load_latest(self, name: str, versions: Mapping[int, Path]) -> None:
        """Puts the highest version that loads into service in place of the one before it."""
        known = self._loaded.get(name, {})
        for version in sorted(versions, reverse=True):
            if version in known:
                return
            servable = self._try_load(name, version, versions[version])
            if servable is not None:
                self._publish(name, {version: servable})
                return

    def _publish(self, name: str, versions: Mapping[int, Servable]) -> None:
        self._loaded = {**self._loaded, name: versions}

    def _try_load(self, name: str, version: int, folder: Path) -> Servable | None:
        key, files = (name, version), _fingerprint(folder)
        if key in self._failures and self._failures[key][0] == files:
            return None
        try:
            servable = Servable.load(name, version, folder)
        except Exception as error:  # whatever is wrong with one folder, the others are served
            self._failures[key] = (files, str(error))
            LOG.warning("cannot load %s: %s", folder, error)
            return None
        self._failures.pop(key, None)
        LOG.info("serving %s version %d", name, version)
        return servable


def _version_of(model_spec) -> int | None:
    return model_spec.version.value if model_spec.HasField("version") else None


def _answer(context, method, request):
    """Calls `method(request)` and turns its exceptions into gRPC status codes."""
    import grpc
    import tensorflow as tf

    try:
        return method(request)
    except ServingError as error:
        context.abort(grpc.StatusCode[error.code], str(error))
    except tf.errors.OpError as error:
        # TensorFlow numbers its codes as gRPC does.
        codes = {code.value[0]: code for code in grpc.StatusCode}
        context.abort(codes.get(error.error_code, grpc.StatusCode.INTERNAL), error.message)
    except Exception as error:
        LOG.exception("request failed")
        context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")


def _prediction_servicer(store: ModelStore):
    from tensorflow_serving.apis import get_model_metadata_pb2, prediction_service_pb2_grpc

    def predict(request):
        if not request.HasField("model_spec"):
            raise ServingError("INVALID_ARGUMENT", "Missing ModelSpec")
        servable = store.get(request.model_spec.name, _version_of(request.model_spec))
        return servable.predict(request)

    def get_model_metadata(request):
        if not request.HasField("model_spec"):
            raise ServingError("INVALID_ARGUMENT", "Missing ModelSpec")
        if not request.metadata_field:
            raise ServingError(
                "INVALID_ARGUMENT",
                "GetModelMetadataRequest must specify at least one metadata_field",
            )
        for name in request.metadata_field:
            if name != "signature_def":
                raise ServingError("INVALID_ARGUMENT", f"Metadata field {name} is not supported")
        servable = store.get(request.model_spec.name, _version_of(request.model_spec))
        signature_map = get_model_metadata_pb2.SignatureDefMap()
        for key, definition in servable.meta_graph.signature_def.items():
            signature_map.signature_def[key].CopyFrom(definition)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        servable.describe(response.model_spec)
        response.metadata["signature_def"].Pack(signature_map)
        return response

    class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            return _answer(context, predict, request)

        def GetModelMetadata(self, request, context):
            return _answer(context, get_model_metadata, request)

    return Servicer()


def _model_servicer(store: ModelStore):
    from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

    states = get_model_status_pb2.ModelVersionStatus
    unknown = 2  # tensorflow.error.Code of a version that could not be loaded

    def status(request):
        if not request.HasField("model_spec"):
            raise ServingError("INVALID_ARGUMENT", "Missing ModelSpec")
        name, wanted = request.model_spec.name, _version_of(request.model_spec)
        on_disk = find_versions(store.root).get(name, {})
        loaded, failures = store.loaded().get(name, []), store.failures()
        response = get_model_status_pb2.GetModelStatusResponse()
        for version in sorted({*on_disk, *loaded} if wanted is None else {wanted}):
            failure = failures.get((name, version))
            if version in loaded:
                entry = response.model_version_status.add(version=version, state=states.AVAILABLE)
            elif failure is not None:
                entry = response.model_version_status.add(version=version, state=states.END)
                entry.status.error_code = unknown
                entry.status.error_message = failure
            elif version in on_disk:  # loaded at the first request that asks for it
                response.model_version_status.add(version=version, state=states.START)
        if not response.model_version_status:
            raise ServingError(
                "NOT_FOUND",
                f"Could not find any versions of model {name}"
                if wanted is None
                else f"Could not find version {wanted} of model {name}",
            )
        return response

    class Servicer(model_service_pb2_grpc.ModelServiceServicer):
        def GetModelStatus(self, request, context):
            return _answer(context, status, request)

    return Servicer()


class Server:
    """The embedded server over a serving folder; a context manager.

        with Server("out/serving") as server:
            client = Client(server.address)

    Args:
      root: serving folder with `<model>/<version>/saved_model.pb`; may still be empty.
      port: TCP port; 0 takes a free one, see `port` after `start`.
      host: address to bind to; only this machine by default.
      max_workers: requests answered at a time; others wait.
      poll_s: seconds between two looks at the folder; None: only `refresh` looks.
      preload: load all models at start; otherwise each at its first request.

    Raises:
      UserError: by `start`, if the folder does not exist or the port is taken.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        max_workers: int = 4,
        poll_s: float | None = 2.0,
        preload: bool = True,
    ):
        self.root, self.port, self.host = Path(root), port, host
        self.store = ModelStore(root, preload=preload)
        self._max_workers, self._poll_s = max_workers, poll_s
        self._stopped = threading.Event()
        self._poller: threading.Thread | None = None
        self._grpc: Any = None
        self._health: Any = None

    @property
    def address(self) -> str:
        """The address for clients, host:port."""
        return f"{self.host}:{self.port}"

    def start(self) -> "Server":
        """Binds the port, loads the models and answers requests from then on."""
        import grpc
        from grpc_health.v1 import health, health_pb2_grpc
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        if not self.root.is_dir():
            raise UserError(
                f"{self.root}: no such serving folder; a pipeline run pushes models into one "
                "(`ser run`), and --root names another"
            )
        self._grpc = grpc.server(
            futures.ThreadPoolExecutor(self._max_workers, thread_name_prefix="predict"),
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),  # a taken port is an error, not a shared port
            ],
        )
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            _prediction_servicer(self.store), self._grpc
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            _model_servicer(self.store), self._grpc
        )
        try:
            bound = self._grpc.add_insecure_port(f"{self.host}:{self.port}")
        except RuntimeError:
            bound = 0
        if not bound:
            raise UserError(
                f"{self.host}:{self.port}: cannot listen there; is another server using the port? "
                "--port 0 takes a free one"
            )
        self.port = bound
        self.refresh()
        self._grpc.start()
        if self._poll_s is not None:
            self._poller = threading.Thread(target=self._poll, name="poll", daemon=True)
            self._poller.start()
        return self

    def refresh(self) -> None:
        """Looks at the folder now, without waiting for the next poll."""
        from grpc_health.v1 import health_pb2

        self.store.refresh()
        ready = self.store.ready()
        status = health_pb2.HealthCheckResponse.ServingStatus
        for service in HEALTH_SERVICES:
            self._health.set(service, status.SERVING if ready else status.NOT_SERVING)

    def wait(self) -> None:
        """Blocks until `stop` is called (or KeyboardInterrupt)."""
        self._stopped.wait()

    def stop(self) -> None:
        """Refuses new requests, finishes those in flight, and frees the port."""
        self._stopped.set()
        if self._poller is not None:
            self._poller.join()
        if self._health is not None:
            self._health.enter_graceful_shutdown()
        if self._grpc is not None:
            self._grpc.stop(STOP_GRACE_S).wait()

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    def _poll(self) -> None:
        while not self._stopped.wait(self._poll_s):
            try:
                self.refresh()
            except Exception:  # a folder that vanishes mid-look must not end the polling
                LOG.exception("cannot read %s", self.root)
