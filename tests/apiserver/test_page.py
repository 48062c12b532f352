"""The test in docs/cluster.md, run as the page says."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"

(EXAMPLE,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
exec(compile(EXAMPLE, str(PAGE), "exec"))
