"""Volume -> ModelInput: the one path to the network."""
