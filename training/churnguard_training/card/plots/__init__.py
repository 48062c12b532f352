"""The plots of a card as PNG files: the same subject gives the same bytes; titles state the finding.

Importing this package takes seconds (matplotlib), drawing reasons takes more (shap).
"""

from __future__ import annotations

from churnguard_training.card.plots.calibration import draw_calibration
from churnguard_training.card.plots.deciles import draw_deciles
from churnguard_training.card.plots.reasons import draw_reasons

__all__ = ["draw_calibration", "draw_deciles", "draw_reasons"]
