"""TrainedModel -> Engine: tensor in, named outputs out, on torch or OpenVINO."""
