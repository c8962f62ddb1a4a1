"""Manifest + split + experiment -> TrainedModel folder."""
