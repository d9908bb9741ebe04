#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What smbtorture 4.22 has beyond 4.17, against the list of torture-4.22.expected: as torture.sh. It comes from
# bookworm-backports, beside Debian 12's own (tools/packages-backports).
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ROOT=$TOP/build/backports/root
LIBRARIES=$ROOT/usr/lib/$(uname -m)-linux-gnu
export EXPECTED=$TOP/tests/e2e/torture-4.22.expected
export SMBTORTURE=$ROOT/usr/bin/smbtorture SMBTORTURE_LIBRARIES=$LIBRARIES:$LIBRARIES/samba 
export LISTED_ONLY=yes
# the sanitizers' builds: what is about several clients
[ "${SIZE:-}" != small ] || SUITES=${SUITES:-smb2.compound_async smb2.dirlease smb2.lease}
. "$(dirname "$0")/torture.sh"
