"""The KServe protocols: bodies to instances, predictions to bodies."""
