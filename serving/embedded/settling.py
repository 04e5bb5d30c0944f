"""What suits a process that serves models and does nothing else."""

import contextlib
import ctypes
import gc

# glibc's `mallopt` of it; other allocators have none.
_M_ARENA_MAX = -8
_ARENAS = 2


def settle(*, threads: int = 1, soon: bool = False) -> None:
    """Imports TensorFlow and settles threads and memory, before anything else in the process does.

    Requests are answered side by side, by as many threads as the server has; each of them keeping
    memory of its own costs more than their waiting for each other.

    Args:
      threads: Number of threads of one operation of a model. With one, none waits for threads that
        are at another request, and most requests are answered; more answer a long one sooner.
      soon: Whether models are asked now rather than often: TensorFlow spends longer on optimising
        their graphs than a few requests save.
    """
    # What importing makes stays: looking through it for garbage takes a fifth of the import, and
    # again at exit.
    gc.disable()
    try:
        import tensorflow as tf
    finally:
        gc.freeze()
        gc.enable()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
    # Too late where something did use TensorFlow before: it answers all the same.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    if soon:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
