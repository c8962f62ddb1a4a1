"""Networks by name, weights that prove what they loaded, and the TrainedModel folder that carries itself."""
