"""What people call the device they sign in with: its browser and its system, out of what the browser says of itself.

Browsers name their ancestors too, so the order decides: Edge says Chrome, Chrome says Safari, Android says Linux.
"""

from __future__ import annotations

BROWSERS = (
    ("Line/", "LINE"), ("SamsungBrowser/", "Samsung Internet"), ("Edg", "Edge"), ("OPR/", "Opera"),
    ("FxiOS/", "Firefox"), ("Firefox/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
LONGEST = 40


def device_name(agent: str | None) -> str:
    """``Chrome · Android``; of what is not known the first word, e.g. ``curl/8.4``; of nothing ``?``."""
    said = agent or ""
    found = [next((name for sign, name in table if sign in said), "") for table in (BROWSERS, SYSTEMS)]
    words = said.split()
    return " · ".join(filter(None, found)) or (words[0][:LONGEST] if words else "?")
