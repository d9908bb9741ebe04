#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A server for tcp_vs_samba (PEER says which): prints "PORT PID SHARE", serves until its input ends.
. "$(dirname "$0")/../e2e/lib.sh"

# Samba as it comes: nothing that costs and that smb3d does not do too
samba_share() { echo "store dos attributes = yes"; }

LOG_LEVEL=0 server_conf "server multi channel support = ${MULTICHANNEL:-no}"
server_users >&2 && server_start >&2 || exit 1
echo "$PORT $SERVER_PID $SHARE"
cat >/dev/null
server_stop >&2
