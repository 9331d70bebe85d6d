"""Sections of docs/validation.md that commands of their own write."""

from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "validation.md"


def write_section(command, lines):
    """Replaces the lines between the markers of a command; appends them where the page has none."""
    start, end = f"<!-- written by {command} -->\n", f"<!-- end of what {command} writes -->"
    text = PAGE.read_text()
    if start not in text:
        text = text.rstrip("\n") + f"\n\n{start}{end}\n"
    before, rest = text.split(start)
    PAGE.write_text(before + start + "\n".join(lines) + "\n" + end + rest.split(end, 1)[1])
