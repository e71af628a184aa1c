#!/bin/sh
# Asks ATS for its settings (name, type, default, permitted values) and plugins, in images that are there, and prints the
# tables of src/ats/settings:
#
#   scripts/settings.sh settings IMAGE...   measured.tsv
#   scripts/settings.sh plugins IMAGE...    plugins.tsv
#   scripts/settings.sh check IMAGE...      compares with the committed tables; ends with 1 when they differ
#
# IMAGE is DISTRO/VERSION=IMAGE: the distro and the version that its ATS reports, and the image of the cell. Without any,
# those of this machine that `atsmatrix run` made for the cells below are taken. Needs docker, or DOCKER=podman.
set -eu
docker=${DOCKER:-docker}
here=$(dirname "$0")/../src/ats/settings
