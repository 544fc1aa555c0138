"""Tables that are printed as they grow, and written as Markdown."""

from __future__ import annotations


class Report:
    """One table: a title, and lines of named cells."""

    def __init__(self, title: str, note: str = "") -> None:
        self.title, self.note = title, note
        self.lines: list[tuple[str, dict[str, str]]] = []

    def add(self, name: str, cells: dict[str, str]) -> None:
        self.lines.append((name, cells))
        print(f"{self.title}, {name}: " + "; ".join(f"{column} {cell}" for column, cell in cells.items()), flush=True)

    def markdown(self) -> str:
        columns = list(dict.fromkeys(column for _, cells in self.lines for column in cells))
        rows = [["", *columns], ["---", *("--:" for _ in columns)]]
        rows += [[name, *(cells.get(column, "") for column in columns)] for name, cells in self.lines]
        table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
        return f"## {self.title}\n\n" + (f"{self.note}\n\n" if self.note else "") + table
