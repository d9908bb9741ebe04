#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The list of shares, as smbclient, rpcclient and impacket ask for it.
. "$(dirname "$0")/lib.sh"

list() { smbclient -g -L "//$HOST" -s "$WORK/client/smb.conf" -p "$PORT" -U tester%secret "$@"; }

rpc() { rpcclient -s "$WORK/client/smb.conf" -p "$PORT" -U tester%secret "$HOST" -c "$1"; }

lists_shares() # what must be there, what must not
{
	local out
	out=$(list "$@") || return 1
	printf '%s\n' "$out"
	grep -qx 'Disk|share|' <<<"$out" && grep -qx 'Disk|second|with a comment' <<<"$out" &&
		grep -q '^IPC|IPC\$|' <<<"$out" && ! grep -q hidden <<<"$out"
}

enumerates()
{
	local out
	out=$(rpc netshareenumall) || return 1
	printf '%s\n' "$out"
	grep -q '^netname: share$' <<<"$out" && grep -q '^netname: second$' <<<"$out"
}

share_info()
{
	local out
	out=$(rpc "netsharegetinfo second") || return 1
	printf '%s\n' "$out"
	grep -q '^netname: second$' <<<"$out" && grep -q 'with a comment' <<<"$out"
}

server_up "" "[second]
	path = $SHARE
	comment = with a comment
[hidden]
	path = $SHARE
	browseable = no"
client_conf
for dialect in SMB2_02 SMB2_10 SMB3_00 SMB3_02 SMB3_11; do
	t "$dialect: smbclient -L" lists_shares -m "$dialect"
done
t "smbclient -L, signed" lists_shares --client-protection=sign
t "rpcclient netshareenumall" enumerates
t "rpcclient netsharegetinfo" share_info
t "rpcclient netsharegetinfo of no share" says 'WERR_NERR_NETNAMENOTFOUND|WERR_INVALID_NAME|0x00000906' rpc "netsharegetinfo none"
SHARE_NAME=hidden t "a share that is not listed serves" smb ls
finish
