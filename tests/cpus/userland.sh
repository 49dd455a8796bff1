#!/bin/sh
# Makes an aarch64 userland for qemu-user: Debian's arm64 Python and the real aarch64 wheels.
# No root, no chroot, no binfmt: packages are unpacked, not installed, and qemu looks there first.
# usage: userland.sh FOLDER    (made once; about 75 MB of downloads)
set -eu
root=$1
[ -e "$root/complete" ] && [ -d "$root/site/onnx" ] && exit 0
command -v qemu-aarch64-static >/dev/null || {
    echo "arm64: qemu-aarch64-static is missing: apt-get install qemu-user-static" >&2; exit 3; }
# The machine's own Debian mirror, whatever it is.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages="libc6 libgcc-s1 libstdc++6 zlib1g libexpat1 libssl3 libffi8 libbz2-1.0 liblzma5
    python3.11-minimal libpython3.11-minimal libpython3.11-stdlib"

rm -rf "$root"
mkdir -p "$root/apt/lists/partial" "$root/apt/archives/partial" "$root/apt/conf" "$root/debian"
: > "$root/apt/status"
echo "deb [signed-by=$keyring] $mirror bookworm main" > "$root/apt/sources.list"
apt() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
        -o Dir::Etc="$root/apt/conf" -o Dir::Etc::sourcelist="$root/apt/sources.list" \
        -o Dir::Etc::sourceparts=- -o Dir::State="$root/apt" -o Dir::State::status="$root/apt/status" \
        -o Dir::Cache="$root/apt" -o APT::Sandbox::User="$(id -un)" \
        -o Acquire::Retries=3 -o Acquire::http::Timeout=60 "$@"
}
apt update
(cd "$root/apt/archives" && apt download $packages)
for deb in "$root"/apt/archives/*.deb; do dpkg-deb -x "$deb" "$root/debian"; done
rm -rf "$root/apt"

# qemu shows the host's /proc/cpuinfo, an x86 one, which ONNX Runtime on arm64 does not survive.
# Paths that exist below qemu's -L folder are read there: check.py describes one core in this one.
mkdir -p "$root/debian/proc" "$root/debian/sys/devices/system/cpu"
for name in possible present kernel_max; do echo 0 > "$root/debian/sys/devices/system/cpu/$name"; done

# Wheels are only unpacked, so the machine's own pip serves.
"${PYTHON:-python3}" -m pip install -q --target "$root/site" --no-compile --only-binary=:all: \
    --python-version 3.11 --implementation cp --platform manylinux_2_28_aarch64 \
    --platform manylinux_2_27_aarch64 --platform manylinux_2_17_aarch64 \
    --platform manylinux2014_aarch64 --platform any \
    numpy onnx onnxruntime opencv-python-headless
touch "$root/complete"
