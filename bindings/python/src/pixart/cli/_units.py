"""How numbers are printed."""


def megabytes(count: float) -> str:
    return f"{count / 2**20:,.0f} MiB"
