"""The objects that the operator makes, each from a builder; names, labels and owners are deterministic."""
