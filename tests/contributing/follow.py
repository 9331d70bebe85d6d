"""Does what a page of the documentation says, in a copy of the tree, and checks what it promises.

usage: follow.py PAGE BUILD COMPILER       BUILD holds the installed prefix of tests/install

A fenced block with a path after its language is a new file; a `console` block is commands after `$ ` and lines that
their output must begin with or hold, in order; C++ tests are built over the copy's models and run. Other blocks are for
the reader.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

page, build, compiler = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
source = page.parent
prefix = build / "tests/install/prefix"
copy = build / "tests/contributing" / page.stem
shutil.rmtree(copy, ignore_errors=True)
for folder in ("models", "tests/models"):
    shutil.copytree(source / folder, copy / folder)
shutil.copy(source / "tests/main.cpp", copy / "tests/main.cpp")
environment = {**os.environ, "PATH": f"{prefix / 'bin'}:{os.environ['PATH']}"}


def run(command, **options):
    done = subprocess.run(command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{page.name}: {command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def follow_console(block):
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *promised = step.rstrip("\n").split("\n")
        output = run(["bash", "-c", command])
        at = 0
        for line in promised:
            at = output.find(line, at)
            if at < 0:
                sys.exit(f"{page.name}: `{command}` does not print '{line}' where the page says so, but:\n{output}")
            at += len(line)
        print(f"ran {command}")


tests = []
followed = 0
for info, block in re.findall(r"^```([^\n`]+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
    language, _, path = info.partition(" ")
    if path:
        target = copy / path
        if target.exists():
            sys.exit(f"{page.name}: {path} is in the tree already")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block, encoding="utf-8")
        if language == "cpp":
            tests.append(str(target))
        print(f"wrote {path}")
    elif language == "console":
        follow_console(block)
    else:
        continue
    followed += 1
if not followed:
    sys.exit(f"{page.name}: there is nothing to follow")
if tests:
    run(["cmake", "-G", "Ninja", "-S", str(source / "tests/contributing"), "-B", "build", f"-DTREE={copy}",
         f"-DTESTS={';'.join(tests)}", f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_PREFIX_PATH={prefix}"])
    run(["cmake", "--build", "build"])
    print(run(["build/contribution", "--report_level=short"]))
