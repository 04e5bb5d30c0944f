"""How served models are called and asked: names, signatures, inputs, outputs, limits."""

# The model that was pre-trained on all domains, beside one model per domain.
MULTI_DOMAIN = "multi-domain"

# TensorFlow Serving's own name of what is asked where a request names no signature.
SIGNATURE_EXAMPLES = "serving_default"
SIGNATURE_AUDIO = "serve_audio"
SIGNATURE_WAVEFORM = "serve_waveform"
# TensorFlow Serving's Classify, with its names of inputs and outputs.
SIGNATURE_CLASSIFY = "classify"
CLASSIFY_INPUTS = "inputs"  # string [batch], serialized tf.Examples
CLASSIFY_CLASSES = "classes"  # string [batch, labels]
CLASSIFY_SCORES = "scores"  # float32 [batch, labels]
# Of models for known speakers.
SIGNATURE_EMBEDDING = "embed_waveform"
SIGNATURE_SPEAKER = "serve_waveform_of_speaker"
# What TensorFlow Serving calls them where a client asks for a model's metadata.
METADATA_FIELD = "signature_def"

INPUT_EXAMPLES = "examples"  # string [batch], serialized tf.Examples
INPUT_AUDIO = "audio"  # string [batch], whole wav files
INPUT_WAVEFORM = "waveform"  # float32 [batch, samples]
INPUT_NUM_SAMPLES = "num_samples"  # int32 [batch]
INPUT_RATE_HZ = "rate_hz"  # int32 [batch]
INPUT_SPEAKER_MEAN = "speaker_mean"  # float32 [batch, channels], of enrolment clips' embeddings
INPUT_SPEAKER_CLIPS = "speaker_clips"  # int32 [batch], their number
INPUT_SPEAKER_ENCODER = "speaker_encoder"  # string [batch], the encoder that made them

# Length of a recording, and of what the answer is of: overlapping windows, of which the network
# hears each alone.
OUTPUT_DURATION = "duration_s"  # float32 [batch]
OUTPUT_HEARD = "heard_s"  # float32 [batch]
OUTPUT_WINDOWS = "windows"  # int32 [batch]
OUTPUT_WINDOW = "window_s"  # float32 [batch], the length of a whole one
OUTPUT_EMBEDDING = "embedding"  # float32 [batch, channels]
OUTPUT_ENCODER = "encoder"  # string [batch], SHA-256 of the encoder that made it
OUTPUT_PROBABILITIES = "probabilities"  # float32 [batch, labels]
# What the probabilities were calibrated with, which raised them to its inverse: 1 where they are
# the network's own.
OUTPUT_TEMPERATURE = "temperature"  # float32 [batch]
OUTPUT_LABELS = "labels"  # string [batch, labels]
OUTPUT_EMOTION = "emotion"  # string [batch]
# The emotion, or `DECISION_UNSURE` where the answer is not to be relied on.
OUTPUT_DECISION = "decision"  # string [batch]
DECISION_UNSURE = "unsure"
# Why an answer is not to be relied on, string [batch]; empty where it is.
OUTPUT_UNSURE = "unsure"
UNSURE_SILENCE = "silence"
UNSURE_TOO_SHORT = "too_short"
UNSURE_CLIPPING = "clipping"
UNSURE_NO_SPEECH = "no_speech"
UNSURE_UNLIKE_TRAINING = "unlike_training"
# In the order in which they are looked at.
UNSURE_REASONS = (
    UNSURE_SILENCE,
    UNSURE_TOO_SHORT,
    UNSURE_CLIPPING,
    UNSURE_NO_SPEECH,
    UNSURE_UNLIKE_TRAINING,
)

# Below a SavedModel's folder, where TF Serving looks for requests to warm up with.
WARM_UP_FILE = "assets.extra/tf_serving_warmup_requests"

# TensorFlow Serving's own ports.
GRPC_PORT = 8500
REST_PORT = 8501
# Of one gRPC message, request or answer.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
