"""Draws a recording: python -m striate.plot RECORDING -o FIGURE.svg"""

import argparse
import errno
import sys

from . import figures


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="striate plot", description="Draw what a recording holds.")
    parser.add_argument("recording", help="HDF5 file written by striate")
    parser.add_argument("-o", "--output", required=True, help="figure to write; .svg, .png or .pdf")
    options = parser.parse_args(arguments)
    try:
        figures.save(figures.draw(options.recording), options.output)
    except (OSError, ValueError) as mistake:
        print(f"striate: {getattr(mistake, 'strerror', None) or mistake}", file=sys.stderr)
        return 1 if isinstance(mistake, OSError) and mistake.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO) else 2
    except Exception as damage:  # what a file of another make lacks shows itself anywhere
        print(f"striate: {options.recording}: it cannot be drawn ({type(damage).__name__}: {damage}). Is the file as"
              " `striate` wrote it?", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
