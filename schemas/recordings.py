"""Which files may be recordings, by their names."""

# What may hold sound. The content decides in the end; this only tells recordings from the
# transcripts, licences and thumbnails that lie beside them.
_SOUND = "wav flac aif aiff aifc au snd caf ogg oga opus mp3 m4a aac wma w64 rf64"
_VIDEO = "avi mp4 mov mkv webm mpg mpeg flv wmv 3gp"
AUDIO_SUFFIXES = frozenset(f".{suffix}" for suffix in f"{_SOUND} {_VIDEO}".split())
