"""EmbeddingsGate: stops a run whose clips sound unlike those accepted last."""
