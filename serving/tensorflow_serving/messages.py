"""Messages of TF Serving's configuration files that tensorflow-serving-api does not hold.

The package has `ModelServerConfig` only. The other three are declared here as TF Serving declares
them in ssl_config.proto, monitoring_config.proto and session_bundle_config.proto: names, numbers
and types.
"""

import functools
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

_PACKAGE = "ser.tensorflow_serving"
_INT64 = f".{wrappers_pb2.Int64Value.DESCRIPTOR.full_name}"
_STRING = f".{wrappers_pb2.StringValue.DESCRIPTOR.full_name}"
_Field = descriptor_pb2.FieldDescriptorProto
# Message to fields in the order of their numbers, from 1: name, type, whether repeated.
_MESSAGES: dict[str, tuple[tuple[str, int | str, bool], ...]] = {
    "SSLConfig": (
        ("server_key", _Field.TYPE_STRING, False),
        ("server_cert", _Field.TYPE_STRING, False),
        ("custom_ca", _Field.TYPE_STRING, False),
        ("client_verify", _Field.TYPE_BOOL, False),
    ),
    "PrometheusConfig": (("enable", _Field.TYPE_BOOL, False), ("path", _Field.TYPE_STRING, False)),
    "MonitoringConfig": (("prometheus_config", f".{_PACKAGE}.PrometheusConfig", False),),
    "BatchingParameters": (
        ("max_batch_size", _INT64, False),
        ("batch_timeout_micros", _INT64, False),
        ("max_enqueued_batches", _INT64, False),
        ("num_batch_threads", _INT64, False),
        ("thread_pool_name", _STRING, False),
        ("allowed_batch_sizes", _Field.TYPE_INT64, True),
        ("pad_variable_length_inputs", _Field.TYPE_BOOL, False),
    ),
}


@functools.cache
def message(name: str) -> type[Any]:
    """Returns the class of a message by TF Serving's name for it, such as `SSLConfig`."""
    return message_factory.MessageFactory(_pool()).GetPrototype(
        _pool().FindMessageTypeByName(f"{_PACKAGE}.{name}")
    )


@functools.cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(
        name="ser/tensorflow_serving.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    for name, fields in _MESSAGES.items():
        declared = file.message_type.add(name=name)
        for number, (field, kind, repeated) in enumerate(fields, start=1):
            added = declared.field.add(name=field, number=number)
            added.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            if isinstance(kind, str):
                added.type, added.type_name = _Field.TYPE_MESSAGE, kind
            else:
                added.type = _Field.Type.ValueType(kind)
    pool.AddSerializedFile(file.SerializeToString())
    return pool
