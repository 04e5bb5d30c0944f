"""For tests: a small encoder with random weights."""

import numpy as np

from modules.networks.encoders.encoder import Encoder


def random_encoder(
    seed: int = 0,
    width: int = 16,
    heads: int = 2,
    bands: int = 8,
    blocks: int = 3,
    positions: int = 60,
) -> Encoder:
    """Returns an encoder whose activations stay finite and differ between inputs."""
    random = np.random.default_rng(seed)

    def kernel(*shape: int) -> np.ndarray:
        # By the number of inputs, so that outputs are about as large as they.
        return random.normal(0.0, np.prod(shape[:-1]) ** -0.5, shape).astype(np.float32)

    def vector(size: int, mean: float = 0.0) -> np.ndarray:
        return random.normal(mean, 0.1, size).astype(np.float32)

    arrays = {
        "stem/conv1_kernel": kernel(3, bands, width),
        "stem/conv1_bias": vector(width),
        "stem/conv2_kernel": kernel(3, width, width),
        "stem/conv2_bias": vector(width),
        "stem/positions": random.normal(0.0, 0.5, (positions, width)).astype(np.float32),
    }
    for number in range(1, blocks + 1):
        block = {
            "attention_norm_scale": vector(width, 1.0),
            "attention_norm_offset": vector(width),
            "query_kernel": kernel(width, width),
            "query_bias": vector(width),
            "key_kernel": kernel(width, width),
            "value_kernel": kernel(width, width),
            "value_bias": vector(width),
            "output_kernel": kernel(width, width),
            "output_bias": vector(width),
            "dense_norm_scale": vector(width, 1.0),
            "dense_norm_offset": vector(width),
            "expand_kernel": kernel(width, 4 * width),
            "expand_bias": vector(4 * width),
            "contract_kernel": kernel(4 * width, width),
            "contract_bias": vector(width),
        }
        arrays.update({f"block{number}/{name}": array for name, array in block.items()})
    return Encoder(
        name="random", heads=heads, source="numpy's random numbers", licence="none", arrays=arrays
    )
