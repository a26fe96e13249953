#!/usr/bin/env python3
"""Every #include "folder/..." must point down. The table is the architecture."""
import pathlib, re, sys

MAY_USE = {
    "base": set(),
    "alloc": {"base"},
    "engine": {"base", "alloc"},
    "proto": {"base", "alloc"},
    "realtime": {"base", "alloc", "engine", "proto"},
    "tools": {"base", "alloc", "engine", "proto", "realtime"},
    "bench": {"base", "alloc", "engine", "proto", "realtime"},
}

root = pathlib.Path(sys.argv[1])
bad = []
for folder, below in MAY_USE.items():
    for path in sorted((root / folder).rglob("*.[hc]*")):
        for line, text in enumerate(path.read_text().splitlines(), 1):
            used = re.match(r'#include "(\w+)/', text)
            if used and used[1] not in below | {folder}:
                bad.append(f"{path.relative_to(root)}:{line}: {folder} may not use {used[1]}")
print("\n".join(bad))
sys.exit(bool(bad))
