#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A share whose folder vanishes under its clients, and comes back.
. "$(dirname "$0")/lib.sh"

mkdir -p "$WORK/gone"
chmod 777 "$WORK/gone"

# A client that is connected while its folder is moved away: it gets errors, not a hang, and the other share serves.
vanishes()
{
	mkfifo "$WORK/commands"
	SHARE_NAME=gone CLIENT_TIMEOUT=60 smb_from "$WORK/commands" >"$WORK/said" 2>&1 &
	local client=$!
	exec 7>"$WORK/commands"
	echo "put $0 before" >&7
	wait_for "$WORK/said" 'before'
	rm -rf "$WORK/gone"
	echo "put $0 after" >&7
	echo "ls" >&7
	echo "echo done 1" >&7
	echo "quit" >&7
	exec 7>&-
	wait "$client"
	cat "$WORK/said"
	grep -qE 'NT_STATUS_[A-Z_]+' "$WORK/said"
}

smb_from()
{
	timeout --foreground 60 smbclient "//$HOST/$SHARE_NAME" -s "$WORK/client/smb.conf" -p "$PORT" \
		-U tester%secret <"$1"
}

wait_for() # FILE TEXT
{
	local left=100
	while [ $((left--)) -gt 0 ] && ! grep -q "$2" "$1"; do sleep 0.1; done
}

others_go_on() { smb "put $0 other; get other $WORK/back" && cmp "$0" "$WORK/back"; }

comes_back()
{
	mkdir "$WORK/gone" && chmod 777 "$WORK/gone"
	SHARE_NAME=gone smb "put $0 again; ls" && cmp "$0" "$WORK/gone/again"
}

server_up "" "[gone]
	path = $WORK/gone
	read only = no"
client_conf
t "a connected client gets errors" vanishes
t "another share never notices" others_go_on
SHARE_NAME=gone t "a new client is refused" says 'NT_STATUS_[A-Z_]+' smb ls
t "the folder comes back, and so does the share" comes_back
finish
