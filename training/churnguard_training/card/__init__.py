"""The model card: what a retention manager reads before a model may speak about customers.

``subject`` says what a card is about, ``drivers`` finds in which direction features push, ``sections`` puts each
topic into words, ``plots`` draws. Only ``plots`` imports matplotlib and shap, and only when something is drawn.
"""

from __future__ import annotations

from churnguard_training.card.documents import card_documents

__all__ = ["card_documents"]
