"""What a page without a kernel tells its script, read back from its HTML."""

import base64
import json
import re
import zlib


def story_of(html):
    """The story of a page, which is packed where it is large."""
    if plain := re.search(r"^const story = (.*);$", html, re.MULTILINE):
        return json.loads(plain.group(1))
    return json.loads(zlib.decompress(base64.b64decode(packed(html))))


def packed(html):
    """The text of a packed story, if it is packed."""
    found = re.search(r'atob\("([^"]*)"\)', html)
    return found and found.group(1)
