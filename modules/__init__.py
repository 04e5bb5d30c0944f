"""The science: audio, network, transfer learning, metrics, export. Importable without TFX."""
