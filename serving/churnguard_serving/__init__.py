"""The predictor: a bundle behind the KServe protocols."""
