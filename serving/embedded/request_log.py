"""A sample of requests with their answers, kept in files that other programs read."""

import logging
import random
import threading
import time
from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

LOG = logging.getLogger(__name__)

SUFFIX = ".tfrecord.gz"
_FILE_BYTES = 64 * 2**20


class RequestLog:
    """Writes a share of requests as TF Serving's PredictionLog, in GZIP TFRecords.

    What is kept holds the speech of clients: nobody but the owner may read the files.

    Args:
      folder: Where the files are; made if it is not there.
      rate: Share of the requests that are kept, from 0 to 1.
      limit_bytes: Most that all files may take; from then on nothing is kept.
    """

    def __init__(self, folder: Path, *, rate: float, limit_bytes: int):
        self._folder, self._rate, self._limit_bytes = folder, rate, limit_bytes
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._taken_bytes = sum(file.stat().st_size for file in folder.glob(f"*{SUFFIX}"))
        self._random = random.Random()
        self._lock = threading.Lock()
        self._writer: tf.io.TFRecordWriter | None = None
        self._file_bytes = 0
        self._full = False

    def keep(
        self, request: predict_pb2.PredictRequest, response: predict_pb2.PredictResponse
    ) -> None:
        """Keeps a request with its answer, or not, by chance.

        A disk that is full or gone costs the record, never the answer.
        """
        if self._random.random() >= self._rate:
            return
        entry = prediction_log_pb2.PredictionLog()
        entry.log_metadata.model_spec.CopyFrom(response.model_spec)
        entry.log_metadata.sampling_config.sampling_rate = self._rate
        entry.log_metadata.timestamp_secs = int(time.time())
        entry.predict_log.request.CopyFrom(request)
        entry.predict_log.response.CopyFrom(response)
        record = entry.SerializeToString()
        with self._lock:
            try:
                self._write(record)
            except (OSError, tf.errors.OpError) as error:
                self._end(f"cannot write to {self._folder}: {error}")

    def close(self) -> None:
        """Writes what is still in memory."""
        with self._lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def _write(self, record: bytes) -> None:
        if self._full:
            return
        if self._taken_bytes + len(record) > self._limit_bytes:
            self._end(f"{self._folder} holds {self._taken_bytes:,} bytes, which are enough")
            return
        if self._writer is not None and self._file_bytes >= _FILE_BYTES:
            self._writer.close()
            self._writer = None
        if self._writer is None:
            path = self._folder / f"requests-{time.time_ns()}{SUFFIX}"
            path.touch(mode=0o600)
            self._writer = tf.io.TFRecordWriter(str(path), options="GZIP")
            self._file_bytes = 0
        self._writer.write(record)
        # Compressed they take less: the limit is never passed.
        self._file_bytes += len(record)
        self._taken_bytes += len(record)

    def _end(self, reason: str) -> None:
        self._full = True
        LOG.warning("requests are no longer kept: %s", reason)
