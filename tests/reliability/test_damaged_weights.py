"""Damaged and hostile weight files: an error that says why, and not one weight changed."""

import contextlib
import json
import os
import random
import warnings
from pathlib import Path

import pytest
from reliability.peers import pytorch

from micrograd.nn import MLP, WeightsError
from micrograd.weights import digest

THEME = "Files"


def flipped(content, rng):
    for _ in range(rng.choice([1, 1, 2, 8])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def another_digit(content, rng):
    digits = [i for i, byte in enumerate(content) if chr(byte).isdigit()]
    content[rng.choice(digits)] = rng.choice(b"0123456789")


def cut(content, rng):
    del content[rng.randrange(len(content)) :]


def with_a_hole(content, rng):
    start = rng.randrange(len(content))
    del content[start : start + rng.choice([1, 1, 2, 40])]


def zeroed(content, rng):
    start, n = rng.randrange(len(content)), rng.choice([1, 16, 512])
    content[start : start + n] = bytes(len(content[start : start + n]))


def longer(content, rng):
    at, n = rng.randrange(len(content) + 1), rng.choice([1, 1, 2, 40])
    content[at:at] = bytes(rng.choices(rng.choice([b'0123456789.eE+-"{}[],: \n', range(256)]), k=n))


def repeated(content, rng):
    start, at, n = rng.randrange(len(content)), rng.randrange(len(content)), rng.randrange(1, 100)
    content[at:at] = content[start : start + n]


def swapped(content, rng):
    a, b, c, d = sorted(rng.choices(range(len(content) + 1), k=4))
    content[a:d] = content[c:d] + content[b:c] + content[a:b]


def with_lines_swapped(content, rng):
    lines = content.split(b"\n")
    i, j = rng.choices(range(len(lines)), k=2)
    lines[i], lines[j] = lines[j], lines[i]
    content[:] = b"\n".join(lines)


DAMAGES = [
    flipped, another_digit, cut, with_a_hole, zeroed, longer, repeated, swapped, with_lines_swapped,
]  # fmt: skip


@pytest.mark.slow
def test_a_damaged_file_is_refused_or_holds_the_same_weights(tmp_path, fresh_seed, score, tries):
    n, rng, path = tries(6_000, 300_000), random.Random(fresh_seed), tmp_path / "w.json"
    saved, model = MLP(2, [3, 1], seed=0), MLP(2, [3, 1], seed=1)
    saved.save(path)
    whole, right, own = path.read_bytes(), saved.state_dict(), model.state_dict()
    refused = 0
    for k in range(n):
        content = bytearray(whole)
        DAMAGES[k % len(DAMAGES)](content, rng)
        path.write_bytes(content)
        try:
            model.load(path)
        except WeightsError as error:
            refused += 1
            assert str(error).startswith(f"cannot load {str(path)!r}: "), bytes(content)
            assert model.state_dict() == own, bytes(content)
        else:
            assert model.state_dict() == right, bytes(content)
            model.load_state_dict(own)

    def accepted(torch):
        found = [of_pytorch(torch, path, damage, rng) for damage in DAMAGES * (n // 60)]
        counts = (f"{found.count(way):,} {way}" for way in ("refused", "as saved", "wrong"))
        return f"of {len(found)} files of torch.save {', '.join(counts)}"

    score(
        f"{n:,} damaged weight files",
        "refused with nothing changed, or as saved; 0 wrong ones accepted",
        f"{refused:,} refused, {n - refused:,} as saved, 0 wrong",
        hurt="who loads a model from a disk that fails, or a download that was cut",
        **pytorch(accepted),
    )
    assert refused > n / 2


def of_pytorch(torch, path, damage, rng):
    """What becomes of a file of torch.save that is damaged: refused, as saved or wrong."""
    weights = {name: torch.tensor([0.1, 1.5], dtype=torch.float64) for name in "abcdefg"}
    torch.save(weights, path)
    content = bytearray(path.read_bytes())
    damage(content, rng)
    path.write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is odd in a damaged file
            found = torch.load(path, weights_only=True)
    except Exception:
        return "refused"
    same = isinstance(found, dict) and found.keys() == weights.keys()
    same = same and all(torch.equal(found[name], x) for name, x in weights.items())
    return "as saved" if same else "wrong"


W, B = "layers.0.neurons.0.w.0", "layers.0.neurons.0.b"
GOOD = {W: 1.0, B: 0.0}


def file(weights=GOOD, **parts):
    """A weight file, right but for the weights and the parts given."""
    content = {"format": "micrograd weights", "version": 1, "sha256": "", "weights": weights}
    with contextlib.suppress(AttributeError, OverflowError, TypeError, ValueError):
        content["sha256"] = digest(weights)
    return json.dumps({**content, **parts}).encode()


def without(part):
    return json.dumps({k: v for k, v in json.loads(file()).items() if k != part}).encode()


def with_bias(text):
    """A weight file with this in the place of the last number."""
    return file().replace(b": 0.0", b": " + text)


def no_number(x, name=B):
    return f"weight {name!r} is {x}, not a finite number"


def words_of_python(f, *args):
    """The message of Python's own error."""
    with pytest.raises(ValueError) as error:
        f(*args)
    return str(error.value)


NOT_OURS = "it is not a micrograd weight file"
NO_MAPPING = "weights are a mapping of names to numbers, got "
NOTHING = "Expecting value: line 1 column 1 (char 0)"
HOSTILE = {
    "nan": (with_bias(b"NaN"), "it holds NaN"),
    "infinity": (with_bias(b"Infinity"), "it holds Infinity"),
    "minus infinity": (with_bias(b"-Infinity"), "it holds -Infinity"),
    "nan elsewhere": (file(comment=float("nan")), "it holds NaN"),
    "1e999": (with_bias(b"1e999"), no_number("inf")),
    "-1e999": (with_bias(b"-1e999"), no_number("-inf")),
    "400 digits": (with_bias(b"1" + b"0" * 400), no_number("1" + 17 * "0" + "..." + 19 * "0")),
    "1,000,000 digits": (
        with_bias(b"1" * 10**6),
        words_of_python(int, "1" * 10**6),
    ),
    "true": (with_bias(b"true"), no_number("True")),
    "null": (with_bias(b"null"), no_number("None")),
    "text": (with_bias(b'"0.0"'), no_number("'0.0'")),
    "long text": (
        with_bias(b'"%s"' % (b"x" * 10**6)),
        no_number(f"'{37 * 'x'}...{38 * 'x'}'"),
    ),
    "list": (with_bias(b"[0.0]"), no_number("[0.0]")),
    "long list": (with_bias(b"[1" + b",1" * 10**5 + b"]"), no_number("[1, 1, 1, 1, 1, 1, ...]")),
    "nested list": (with_bias(b"[" * 100 + b"]" * 100), no_number("[[[[[[[...]]]]]]]")),
    "object": (with_bias(b'{"data": 0.0}'), no_number("{'data': 0.0}")),
    "weights in a list": (file([1.0, 0.0]), NO_MAPPING + "list"),
    "weights null": (file(None), NO_MAPPING + "NoneType"),
    "no weights": (without("weights"), NO_MAPPING + "NoneType"),
    "no checksum": (without("sha256"), "its checksum is wrong"),
    "no format": (without("format"), NOT_OURS),
    "no version": (without("version"), "its version is None, not 1"),
    "version 2": (file(version=2), "its version is 2, not 1"),
    "long version": (file(version=[1] * 10**5), "its version is [1, 1, 1, 1, 1, 1, ...], not 1"),
    "one weight off by the least": (with_bias(b"5e-324"), "its checksum is wrong"),
    "minus zero for zero": (with_bias(b"-0.0"), "its checksum is wrong"),
    "checksum of another file": (file(sha256="0" * 64), "its checksum is wrong"),
    "checksum null": (file(sha256=None), "its checksum is wrong"),
    "weight twice": (with_bias(b'0.0, "%s": 0.0' % B.encode()), "it holds a name twice"),
    "weights twice": (file()[:-1] + b', "weights": {}}', "it holds a name twice"),
    "long name": (
        file({"x" * 10**6: None}),
        no_number(None, name=f"{37 * 'x'}...{38 * 'x'}"),
    ),
    "name that does not print": (file({"\ud800\x1b": None}), no_number(None, "\ud800\x1b")),
    "other names": (
        file({"w": 1.0, "b": 0.0}),
        f"weights do not fit: missing {B}, {W}, unexpected b, w",
    ),
    "long other name": (
        file({**GOOD, "x" * 10**6: 1.0}),
        f"weights do not fit: missing none, unexpected {37 * 'x'}...{38 * 'x'}",
    ),
    "other name that does not print": (
        file({**GOOD, "\ud800\x1b": 1.0}),
        r"weights do not fit: missing none, unexpected \ud800\x1b",
    ),
    "nothing": (b"", NOTHING),
    "zeros": (bytes(10**6), NOTHING),
    "null alone": (b"null", NOT_OURS),
    "list alone": (b"[]", NOT_OURS),
    "number alone": (b"1e999", NOT_OURS),
    "half": (file()[:100], "Unterminated string starting at: line 1 column 57 (char 56)"),
    "two files": (file() + b"\n" + file(), f"Extra data: line 2 column 1 (char {len(file()) + 1})"),
    "lists in lists": (b"[" * 10**6, "it is nested too deeply"),
    "objects in objects": (b'{"":' * 10**6, "it is nested too deeply"),
    "lists in lists as a weight": (
        with_bias(b"[" * 10**5 + b"]" * 10**5),
        "it is nested too deeply",
    ),
    "byte order mark": (
        b"\xef\xbb\xbf" + file(),
        "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)",
    ),
    "utf-16": (
        file().decode().encode("utf-16"),
        "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
    ),
    "latin-1": (
        '{"é": 1}'.encode("latin-1"),
        "'utf-8' codec can't decode byte 0xe9 in position 2: invalid continuation byte",
    ),
    "picture": (
        b"\x89PNG\r\n\x1a\n",
        "'utf-8' codec can't decode byte 0x89 in position 0: invalid start byte",
    ),
}


def refusal(model, path):
    """The error of loading a file, when not one weight was changed."""
    before = model.state_dict()
    with pytest.raises((WeightsError, OSError)) as error:
        model.load(path)
    assert model.state_dict() == before
    return error.value


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_the_reason(name, tmp_path, score):
    path, (content, reason) = tmp_path / "w.json", HOSTILE[name]
    path.write_bytes(content)
    error = refusal(MLP(1, [1]), path)
    whole = reason if "do not fit" in reason else f"cannot load {str(path)!r}: {reason}"
    assert (type(error), str(error)) == (WeightsError, whole)
    score(
        f"{len(HOSTILE)} hostile weight files",
        "an exact error for each",
        "{n}",
        theme="Attacks",
        hurt="who loads a model that somebody else has made",
        n=1,
    )


def test_a_path_that_cannot_be_read_is_named(tmp_path):
    loop = tmp_path / "loop"
    with contextlib.suppress(OSError, NotImplementedError):  # not everyone may make links
        os.symlink(loop, loop)
    paths = tmp_path, tmp_path / "none" / "w.json", loop, tmp_path / ("x" * 300), Path(os.devnull)
    for path in paths:
        error = refusal(MLP(1, [1]), path)
        assert isinstance(error, OSError) and error.filename == str(path)


def test_the_file_that_the_hostile_ones_are_made_from_is_loaded(tmp_path):
    model = MLP(1, [1])
    (tmp_path / "w.json").write_bytes(file())
    model.load(tmp_path / "w.json")
    assert model.state_dict() == GOOD
