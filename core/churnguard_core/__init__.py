"""The contracts of ChurnGuard: ChurnModel, bundle, gates, results. Depends on msgspec only."""
