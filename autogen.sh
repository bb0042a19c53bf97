#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Make ./configure from configure.ac.  Needs autoconf, automake, libtool and
# pkg-config; a release tarball has configure already.
set -e
cd "$(dirname "$0")"
exec autoreconf -fi "$@"
