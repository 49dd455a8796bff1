"""What PyInstaller cannot see by itself: the shipped model, and modules imported by name."""

from PyInstaller.utils.hooks import collect_data_files, copy_metadata

from edgefeat import _HOMES

hiddenimports = sorted(set(_HOMES.values()))
datas = collect_data_files("edgefeat", includes=["_models/*", "_samples/*"])
datas += copy_metadata("edgefeat")  # says which versions of other packages are needed
