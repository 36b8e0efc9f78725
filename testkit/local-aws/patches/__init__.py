"""What makes the emulator behave as AWS does.

Each patch is one function under one name: it restores one behaviour of AWS that ministack lacks. Its comment says which.
EMULATOR_WITHOUT=<name>[,<name>...] leaves patches out (`all` leaves out every one); test/local-aws shows with it that each is still needed,
so that one which a later ministack makes superfluous is noticed and goes.
"""

from collections.abc import Callable

PATCHES: dict[str, Callable[[], None]] = {}


def patch(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Adds a function to the table. The functions run in the order of the source. Each wraps the result of the earlier ones."""

    def enter(apply: Callable[[], None]) -> Callable[[], None]:
        if name in PATCHES:
            raise ValueError(f"two patches are called {name}")
        PATCHES[name] = apply
        return apply

    return enter


def apply_all(without: str) -> None:
    left_out = {name.strip() for name in without.split(",") if name.strip()}
    unknown = left_out - PATCHES.keys() - {"all"}
    if unknown:
        raise SystemExit(f"EMULATOR_WITHOUT names no patch: {', '.join(sorted(unknown))}. Known: {', '.join(PATCHES)}")
    for name, apply in PATCHES.items():
        if name not in left_out and "all" not in left_out:
            apply()
