"""From objects as the API server holds them to what the operator sees in them."""
