"""HTTP: our doors in front of KServe's."""
