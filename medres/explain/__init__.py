"""Classifier + Volume -> Heatmap, and the tests that a heatmap has passed."""
