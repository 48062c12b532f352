"""The ChurnModel object: types, rules, parser, and the generators of its CRD and reference page."""
