"""Opens recordings with h5py and xarray, as a user would: named axes, units, values, also after a kill.

usage: open_recording.py DIRECTORY    with the files of test_recording_for_python.cpp
"""

import sys
from pathlib import Path

import h5py
import numpy as np
import xarray as xr


def check_h5py(path, complete):
    with h5py.File(path) as file:
        assert file.attrs["complete"] == complete
        assert file.attrs["seed"] == 20240229
        assert file.attrs["tolerances"].tolist() == [1e-6, 1e-9]
        assert file.attrs["warnings"].tolist() == ["none", "größer"]
        assert file.attrs["command"] == "striate run tilt.toml"
        v = file["V"]
        assert v.shape == (200, 3, 3, 4), v.shape
        assert [scale[0].name for scale in v.dims] == ["/time", "/y", "/x", "/theta"]
        assert v.attrs["units"] == "mV" and np.isnan(v.attrs["_FillValue"])
        assert np.array_equal(v[:, 1, 2, 3], np.arange(200.0))
        assert file["mode"].dtype == np.uint8 and file["mode"][:].sum() == 100
        assert file["circuit"].asstr()[()] == "dV/dt = -V/τ : mV"
        assert file["status"].asstr()[:].tolist() == ["done", "failed"]


def check_xarray(path, engine):
    with xr.open_dataset(path, engine=engine) as data:
        assert data["V"].dims == ("time", "y", "x", "theta"), data["V"].dims
        assert data["V"].attrs["units"] == "mV"
        assert data["V"].attrs["long_name"] == "membrane potential"
        assert data["time"].attrs["units"] == "ms"
        assert "y" not in data.coords  # an axis without coordinates stays one
        chosen = data["V"].sel(theta=90).sel(time=50.0)
        assert chosen.shape == (3, 3) and (chosen == 100).all()
        assert data["rate"].dtype == np.float32
        assert np.allclose(data["rate"].sel(theta=135), 4 * np.arange(200.0), rtol=0, atol=0)
        assert data["tuning"].dims == ("condition", "theta")
        assert float(data["tuning"].sel(condition="surround", theta=45)) == 6
        assert np.isnan(data["missing"]).all()
        assert data["counts"].dtype == np.int64 and data["counts"].values.tolist() == [10, 20]
        assert data["status"].dims == ("condition",) and data["status"].values.tolist() == ["done", "failed"]
        assert data.attrs["seed"] == 20240229
    with xr.open_dataset(path, engine=engine, group="analysis") as analysis:
        assert analysis["peak"].dims == ("condition",)
        assert analysis["peak"].values.tolist() == [45, 90]


directory = Path(sys.argv[1])
for name, complete in (("complete.h5", 1), ("killed.h5", 0)):
    check_h5py(directory / name, complete)
    for engine in ("h5netcdf", "netcdf4"):
        check_xarray(directory / name, engine)
print("recordings opened with h5py", h5py.__version__, "and xarray", xr.__version__)
