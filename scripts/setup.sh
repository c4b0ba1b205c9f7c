#!/usr/bin/env bash
# Installs what building and running platewatch needs, and with --tests what its tests need besides.
# Debian 12 and 13, Ubuntu 22.04 and 24.04; x86-64 and arm64. Safe to run again: then it takes a second.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
tests=no
[ "${1:-}" = --tests ] && tests=yes

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }

command -v apt-get >/dev/null || die "this needs Debian or Ubuntu (no apt-get here)"
arch=$(uname -m)
case "$arch" in x86_64 | aarch64) ;; *) die "$arch is not supported, only x86_64 and aarch64" ;; esac
sudo=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "run this as root, or install sudo"
    sudo=sudo
fi

updated=no
# apt_install PACKAGE... : installs those that are missing, and says which.
apt_install() {
    local missing=() package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing Debian packages: ${missing[*]}"
    if [ $updated = no ]; then
        $sudo apt-get update -qq >/dev/null || die "apt-get update failed: is the package mirror reachable?"
        updated=yes
    fi
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        die "apt-get could not install: ${missing[*]}"
}

# The minimal OpenCV modules, not libopencv-dev (689 MB); clang generates their bindings.
apt_install build-essential ca-certificates curl python3 clang \
    libssl-dev libopencv-core-dev libopencv-imgproc-dev libopencv-imgcodecs-dev libopencv-videoio-dev
clang_major=$(clang -dumpversion | cut -d. -f1)
apt_install "libclang1-$clang_major"
python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
if [ $tests = yes ]; then
    # tpm2-tools brings the libraries with which systemd-creds speaks to a TPM.
    apt_install mosquitto mosquitto-clients ffmpeg faketime gpsd gpsd-clients systemd swtpm tpm2-tools
fi

if ! command -v cargo >/dev/null; then
    if [ -f "$HOME/.cargo/env" ]; then
        # shellcheck disable=SC1091
        . "$HOME/.cargo/env"
    else
        die "no Rust toolchain: install it with rustup (https://rustup.rs), then run this again"
    fi
fi

# The per-module OpenCV packages bring no pkg-config file: tell the build where things are.
multiarch=$(gcc -print-multiarch)
config="$root/.cargo/config.toml"
wanted="# Written by scripts/setup.sh for this machine; not in git.
[env]
OPENCV_LINK_LIBS = \"opencv_imgproc,opencv_imgcodecs,opencv_videoio,opencv_core\"
OPENCV_LINK_PATHS = \"/usr/lib/$multiarch\"
OPENCV_INCLUDE_PATHS = \"/usr/include/$multiarch/opencv4,/usr/include/opencv4\""
if [ "$(cat "$config" 2>/dev/null)" != "$wanted" ]; then
    say "writing .cargo/config.toml (where OpenCV is)"
    mkdir -p "$root/.cargo"
    printf '%s\n' "$wanted" >"$config"
fi

# ONNX Runtime: the library out of the Python wheel, pinned by hash. Nothing of Python is installed.
library="$root/.onnxruntime/libonnxruntime.so"
stamp="$root/.onnxruntime/version"
pinned=$(sha256sum "$root/scripts/onnxruntime.txt" | cut -c1-16)
if [ ! -s "$library" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$pinned" ]; then
    say "fetching ONNX Runtime 1.31.0 for $arch (24 MB, hash pinned)"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
        --only-binary :all: --implementation cp --python-version 311 --abi cp311 \
        --platform "manylinux_2_28_$arch" -d "$work" -r "$root/scripts/onnxruntime.txt" ||
        die "pip could not fetch ONNX Runtime: is the Python package index reachable?"
    mkdir -p "$root/.onnxruntime"
    python3 - "$work" "$root/.onnxruntime" <<'PY'
import pathlib, sys, zipfile
work, target = map(pathlib.Path, sys.argv[1:])
wheel = zipfile.ZipFile(next(work.glob("*.whl")))
for name in wheel.namelist():
    base = name.rsplit("/", 1)[-1]
    if base.startswith("libonnxruntime.so"):
        base = "libonnxruntime.so"
    elif base not in ("LICENSE", "ThirdPartyNotices.txt"):
        continue
    part = target / (base + ".part")
    part.write_bytes(wheel.read(name))
    part.rename(target / base)
PY
    [ -s "$library" ] || die "the ONNX Runtime wheel held no library"
    printf '%s\n' "$pinned" >"$stamp"
fi
say "ready"
