#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# smbtorture, the test suite of Samba's own developers, against the list of torture.expected.
#   SUITES="smb2.read smb2.rw"   only these
#   TORTURE=all                  also the tests that are not expected to pass: do some, by now?
. "$(dirname "$0")/lib.sh"
EXPECTED=${EXPECTED:-$TOP/tests/e2e/torture.expected}
export SMBTORTURE=${SMBTORTURE:-smbtorture}
SUITES=${SUITES:-$(grep -v '^#' "$EXPECTED" | cut -f1 | awk '!seen[$0]++')}
command -v "$SMBTORTURE" >/dev/null || skip_all "no $SMBTORTURE (tools/dev setup)"

# smb2.twrp wants a previous version, with a file, a stream and a folder in it
make_version()
{
	local then=$WORK/volume/.snapshots/@GMT-2015.10.31-19.40.30 dir
	for dir in "$WORK/volume" "$then"; do
		mkdir -p "$dir/subdir" && echo content | tee "$dir/foo" >"$dir/subdir/hardlink" || return 1
	done
	setfattr -n user.DosStream.bar:\$DATA -v 'baz\000' "$then/foo"
	chmod -R a+rwX "$WORK/volume"
	! is_root || chown -R tester "$WORK/volume"
}

mkdir -m 0 "$WORK/noperm"
mkdir "$WORK/volume"
# bug14788 asks on a share whose folder tester may not enter; ACCESSBASED on one that hides
server_up "server signing = auto" "[noperm]
	path = $WORK/noperm
	read only = no
[hideunread]
	path = $SHARE
	read only = no
	hide unreadable = yes
[versions]
	path = $WORK/volume
	read only = no
	shadow:mountpoint = $WORK/volume
	shadow:snapdir = .snapshots"
make_version
client_conf
for suite in $SUITES; do
	rm -rf "${SHARE:?}"/*
	relay /usr/bin/python3 "$TOP/tests/e2e/torture_cases.py" "$HOST" "$PORT" "$WORK/client/smb.conf" \
		"$LOGS/raw" "$EXPECTED" "$suite"
	server_alive && accepts && continue
	result "not ok" "the server outlives $suite"
	server_kill
	server_start || break
done
finish
