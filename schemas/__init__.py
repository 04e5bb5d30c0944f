"""Curated TFDV schemas."""
