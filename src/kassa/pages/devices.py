"""What a browser and its system are called by people, from what the browser says of itself (RFC 9110, 10.1.5)."""

# Most browsers name others, too, which they want to be taken for: the first that is named is the one.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "FxiOS/": "Firefox",
    "Firefox/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def device(program: str) -> str:
    """`Firefox, Windows`; what is no known browser as it calls itself."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in program), program)
    system = next((name for mark, name in _SYSTEMS.items() if mark in program), "")
    return f"{browser}, {system}" if system and browser != program else browser
