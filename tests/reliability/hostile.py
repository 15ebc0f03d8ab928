"""Words that act somewhere: in a page, a drawing, a program, a terminal, a table, a format."""

ACT = "window.hacked=1"
SCRIPT = f"<script>{ACT}</script>"

TEXTS = [
    # pages
    SCRIPT, f"</script>{SCRIPT}", f"</style>{SCRIPT}", f"</title>{SCRIPT}", f"</textarea>{SCRIPT}",
    f"<img src=x onerror={ACT}>", f'"><img src=x onerror={ACT}>', f"'><img src=x onerror={ACT}>",
    f"<svg onload={ACT}>", f"<svg><a href='javascript:{ACT}'><text>x</text></a></svg>",
    f"<iframe srcdoc='{SCRIPT}'>", f"<details open ontoggle={ACT}>", f"javascript:{ACT}",
    f'" onmouseover="{ACT}" x="', "<!--", "-->", "]]>", "<![CDATA[", "&lt;b&gt;", "&#60;b&#62;",
    "<base href=//elsewhere.invalid>", "<link rel=stylesheet href=//elsewhere.invalid/x.css>",
    "<meta http-equiv=refresh content=0>", "<b", "__proto__", "constructor", "toString",
    # templates, formats, markdown, mathematics
    f"${{{ACT}}}", f"`;{ACT}//", "{{7*7}}", "{% raw %}", "{0.__class__}", "%s %n %x", "%(x)s",
    f"[x](javascript:{ACT})", f"![x](x\" onerror=\"{ACT})",
    r"$\href{javascript:window.hacked=1}{x}$",
    r"$\frac{$", "~~x~~ **y** `z`", "# x",
    # programs
    "'''); raise SystemExit #", '"""); raise SystemExit #', "\\", "\\\\", '\\"', "'", '"',
    "\\N{BEL}",
    "*/ #error stop", "/* x", "// x\\", "??/", '"); system("exit 1"); ("',
    "x; import os; os._exit(1)",
    "#{1}", "$(exit 1)", "`exit 1`", "; exit 1", "| exit 1", "--help", "-o/dev/null",
    # drawings
    "<b>x</b>", "<TABLE><TR><TD>x</TD></TR></TABLE>", "<<TABLE>>", "{|}", "a|<p> b", "{ a | { b",
    "\\N \\G \\l",
    '"]; evil [label="', "a:b:n", "x -> y", "graph", "strict digraph",
    # what does not print
    "a\nb", "a\r\nb", "a\tb", "\0", "a\0b", "\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "\x9b31m",
    "\x08\x08\x08",
    "\x7f", "\u2028", "\u2029", "\u202eevil", "\u2066\u2067\u2069", "\u200b", "\u200d", "\ufeff",
    "\u00a0",
    "\ud800", "\udfff x", "\ufffe", "\U000e0041", "\U0010ffff",
    # scripts, sizes
    "שלום", "مرحبا", "a\u0301" * 30, "e" + "\u0301" * 100, "数", "🙂" * 30, "𝒳" * 30, "x" * 10_000,
    " lead and  trail ", "=1+1", "@SUM(A1)", "-1", "+1",
]  # fmt: skip


def prints(text):
    """Whether all letters of a text are seen as themselves, where lines may end."""
    return all(line.isprintable() for line in text.split("\n"))
