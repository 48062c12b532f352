"""From a drawing to the bytes of a PNG, without pyplot and whatever the user's matplotlibrc says."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Callable
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

# Okabe and Ito's palette: told apart with any kind of colour vision.
BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREY: Final = "#666666"

DOTS_PER_INCH: Final = 110

_STYLE: Final[dict[Any, Any]] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    # A column may be called $x$.
    "text.parse_math": False,
}


def draw_png(draw: Callable[[Figure], None], *, width: float, height: float) -> bytes:
    """Draw on a figure of this size (in inches) and encode it."""
    with mpl.rc_context(), warnings.catch_warnings():
        # Names in scripts that the font lacks are drawn as boxes; the card's text has them in full.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from", category=UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        encoded = io.BytesIO()
        # Without its version in the file, the same picture has the same bytes.
        figure.savefig(encoded, format="png", metadata={"Software": None})
    return encoded.getvalue()


def title(axes: Axes, text: str, *, width: int) -> None:
    """A finding, over the plot and flush left, in lines of at most this many letters."""
    axes.set_title(textwrap.fill(text, width), loc="left", fontsize=12, fontweight="bold", pad=12)


def percent_axis(axis: Axis) -> None:
    """Ticks in percent."""
    axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=" %"))
