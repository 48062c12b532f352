"""From a data source to a judged, calibrated, explained bundle."""
