"""Holds every #include to the direction of the rooms, and shows that a violation would be caught.

usage: check_includes.py ROOT

A room includes itself and the rooms listed for it, and only the listed rooms know the libraries of OWNERS.
"""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".")

MAY_INCLUDE = {
    "base": set(),
    "io": {"base"},
    "circuit": {"base"},
    "models": {"base", "circuit"},
    "integrators": {"base", "circuit"},
    "sim": {"base", "circuit", "io", "models", "integrators"},
    "cli": {"base", "circuit", "io", "models", "integrators", "sim"},
}
# Integrators see a circuit only through its System, and share the tableaus of its discretised forms.
ONLY_THESE = {
    ("integrators", "circuit"): {"circuit/system.hpp", "circuit/shape.hpp", "circuit/unit.hpp", "circuit/tableau.hpp", "circuit/borrowed_memory.hpp",
                                 "circuit/kernels/normals.hpp", "circuit/kernels/table.hpp",
                                 # of the grid engine, which steps the circuit's own map
                                 "circuit/circuit.hpp", "circuit/discretise.hpp", "circuit/grid_map.hpp", "circuit/noise.hpp",
                                 # of sensitivities through delays, which are states of a further circuit
                                 "circuit/compile.hpp", "circuit/tangents.hpp"}
}
OWNERS = {
    r"(cvode|cvodes|arkode|kinsol|ida|idas|nvector|sundials|sunmatrix|sunlinsol|sunnonlinsol)/": {"integrators"},
    r"(hdf5|hdf5_hl|H5\w*)\.h": {"io"},
    r"png\.h": {"io"},
    r"toml\+\+": {"io"},
    r"CLI/": {"cli"},
    r"mpi\.h": set(),
    r"Random123/": {"base"},
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
LEAVES = {"tests", "fuzz", "bench", "examples", "validation", "python"}


def violations(path, text):
    """What is wrong with the includes of `text`, the file at `path` (relative to the root)."""
    room = path.parts[0]
    found = []
    for bracket, header in INCLUDE.findall(text):
        first = header.split("/")[0]
        if bracket == '"':
            target = first if first in MAY_INCLUDE or first in LEAVES else room
            if ".." in Path(header).parts:
                found.append(f"{path}: {header} climbs out of its folder")
            if target != room and target not in MAY_INCLUDE[room]:
                found.append(f"{path}: {room} may not include {header}")
            allowed = ONLY_THESE.get((room, target))
            if allowed is not None and header not in allowed:
                found.append(f"{path}: {room} sees only {sorted(allowed)} of {target}, not {header}")
        else:
            if first in MAY_INCLUDE and "/" in header:
                found.append(f"{path}: <{header}> of our own is included with quotes")
            for library, owners in OWNERS.items():
                if re.match(library, header) and room not in owners:
                    found.append(f"{path}: {room} may not know <{header}>")
    return found


class Rooms(unittest.TestCase):
    def test_every_include_goes_down(self):
        found, files = [], 0
        for room in MAY_INCLUDE:
            for path in sorted((ROOT / room).rglob("*")):
                if path.suffix in (".cpp", ".hpp"):
                    files += 1
                    found += violations(path.relative_to(ROOT), path.read_text(encoding="utf-8"))
        self.assertGreater(files, 50, "the scan did not find the sources")
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_every_folder_of_sources_is_a_room_or_a_leaf(self):
        folders = {path.relative_to(ROOT).parts[0] for path in ROOT.glob("*/*.[ch]pp")}
        self.assertLessEqual(folders, set(MAY_INCLUDE) | LEAVES)

    def test_a_violation_is_caught(self):
        for room, line in (
            ("base", '#include "io/toml.hpp"'),
            ("io", '#include "circuit/circuit.hpp"'),
            ("circuit", '#include "models/library.hpp"'),
            ("circuit", "#include <cvodes/cvodes.h>"),
            ("circuit", "#  include <hdf5.h>"),
            ("models", '#include "integrators/integrator.hpp"'),
            ("integrators", '#include "models/library.hpp"'),
            ("integrators", '#include "io/hdf5.hpp"'),
            ("sim", '#include "cli/main.hpp"'),
            ("sim", "#include <toml++/toml.h>"),
            ("io", '#include "../circuit/circuit.hpp"'),
            ("cli", '#include "tests/main.hpp"'),
            ("cli", "#include <sim/experiment.hpp>"),
        ):
            with self.subTest(room=room, line=line):
                self.assertEqual(len(violations(Path(room) / "x.cpp", f"#pragma once\n{line}\n")), 1)
        self.assertEqual(len(violations(Path("integrators/x.cpp"), '#include "circuit/expr.hpp"\n')), 1)

    def test_what_is_allowed_passes(self):
        text = '#include <vector>\n#include "circuit/system.hpp"\n#include "base/error.hpp"\n#include <cvodes/cvodes.h>\n'
        self.assertEqual(violations(Path("integrators/cvode.hpp"), text), [])


if __name__ == "__main__":
    unittest.main()
