"""Predictions, heatmaps and evaluations -> pages, pictures, plots and tables: every page is drawn here."""
