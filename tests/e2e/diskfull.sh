#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A file system that fills up: the error is the protocol's, and every acknowledged byte is there.
. "$(dirname "$0")/lib.sh"
is_root || skip_all "needs root to mount a small file system"
mkdir -p "$WORK/mnt"
mount -t tmpfs -o size=24m,mode=777 smb3d-e2e "$WORK/mnt" 2>/dev/null || skip_all "no tmpfs may be mounted here"

full() # says DISK_FULL, and leaves the client connected
{
	head -c 40000000 /dev/urandom >"$WORK/big"
	SHARE_NAME=full says 'DISK_FULL' smb "put $WORK/big big; ls"
}

room_again()
{
	SHARE_NAME=full smb "del big; put $0 small" && cmp "$0" "$WORK/mnt/small"
}

others_go_on() { smb "put $0 other; get other $WORK/back" && cmp "$0" "$WORK/back"; }

server_up "" "[full]
	path = $WORK/mnt
	read only = no"
t "what is acknowledged is there" /usr/bin/python3 "$TOP/tests/e2e/diskfull_case.py" "$HOST" "$PORT" "$WORK/mnt"
t "a put that does not fit says DISK_FULL" full
t "another share never notices" others_go_on
t "there is room again after a delete" room_again
SHARE_NAME=full t "the free space is told" says "[0-9]+ blocks of size [0-9]+. [1-9][0-9]* blocks available" smb ls
finish
