#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Channels of sessions cut at random moments of a load, in network namespaces of their own: nobody may notice.
#
#   CUTS [10000], CUT_SECONDS [25, SIZE=small 12]   what ends it, whichever comes first
#   SEED, WORKERS, CHANNELS, DEPTH                  of tests/failover
#
# All of them: CUT_SECONDS=3600 tests/e2e/cuts.sh
if [ -z "${CUTS_NAMESPACE:-}" ] && [ "$(id -u)" -eq 0 ] && unshare --net true 2>/dev/null; then
	CUTS_NAMESPACE=1 exec unshare --net "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
[ "$PEER" = smb3d ] || skip_all "about smb3d itself"
[ -n "${CUTS_NAMESPACE:-}" ] || skip_all "needs root for network namespaces"

CUTS=${CUTS:-10000}
WORKERS=${WORKERS:-4}
CHANNELS=${CHANNELS:-4}
CUT_SECONDS=${CUT_SECONDS:-$([ "$SIZE" = small ] && echo 12 || echo 25)}
SERVER_NAMESPACE=
HOLDER=

# The server's namespace lives as long as its holder.
make_server_namespace()
{
	unshare --net sleep 7200 &
	HOLDER=$!
	local left=100
	while [ "$(readlink "/proc/$HOLDER/ns/net")" = "$(readlink /proc/self/ns/net)" ]; do
		[ $((left--)) -gt 0 ] || return 1
		sleep 0.1
	done
	SERVER_NAMESPACE=/proc/$HOLDER/ns/net
}

there() { nsenter --net="$SERVER_NAMESPACE" "$@"; }

# A queue, for what comes late. A kernel without is one without.
slow_link() # N
{
	tc qdisc add dev "cut-c$1" root tbf rate 50mbit burst 64k latency 300ms &&
		there tc qdisc add dev "cut-s$1" root tbf rate 50mbit burst 64k latency 300ms || echo "no queue"
}

# Link N of tests/failover/links.h; each fourth is slow.
make_link() # N
{
	ip link add "cut-c$1" address "$(printf 02:77:00:00:%02x:01 "$1")" type veth \
		peer name "cut-s$1" address "$(printf 02:77:00:00:%02x:02 "$1")" || return 1
	ip link set "cut-s$1" netns "$HOLDER" &&
		ip addr add "10.77.$1.1/24" dev "cut-c$1" && ip link set "cut-c$1" up &&
		there ip addr add "10.77.$1.2/24" dev "cut-s$1" && there ip link set "cut-s$1" up &&
		ip neigh replace "10.77.$1.2" lladdr "$(printf 02:77:00:00:%02x:02 "$1")" dev "cut-c$1" nud permanent &&
		there ip neigh replace "10.77.$1.1" lladdr "$(printf 02:77:00:00:%02x:01 "$1")" dev "cut-s$1" \
			nud permanent || return 1
	[ $(($1 % 4)) -ne 3 ] || slow_link "$1"
}

make_links()
{
	local n
	ip link set lo up && make_server_namespace && there ip link set lo up || return 1
	for n in $(seq 0 $((WORKERS * CHANNELS - 1))); do
		make_link "$n" || return 1
	done
}

# Whatever the server still knows of clients that are gone.
nothing_left()
{
	local left=300 said
	while [ $((left--)) -gt 0 ]; do
		said=$("$SMB3D_BIN/smb3ctl" --config "$CONF" status --json) || return 1
		/usr/bin/python3 -c 'import json, sys
said = json.load(sys.stdin)["server"]
sys.exit(any(said[what] for what in ("connections", "sessions", "trees", "opens")))' <<<"$said" && return 0
		sleep 0.1
	done
	printf '%s\n' "$said"
	return 1
}

end_holder()
{
	[ -z "$HOLDER" ] || kill "$HOLDER" 2>/dev/null
	cleanup
}
trap end_holder EXIT

t "namespaces with $((WORKERS * CHANNELS)) links" make_links
[ "$FAILED" -eq 0 ] || finish
# shellcheck disable=SC2034 # lib.sh's
PORT=445 HOST=10.77.0.2 SERVER_ENTER=(nsenter --net="$SERVER_NAMESPACE")
server_up "interfaces = 10.77.0.0/16
	bind interfaces only = no"
export CUTS CUT_SECONDS WORKERS CHANNELS
relay "$SMB3D_BIN/failover" "$SERVER_NAMESPACE" "$PORT" "tester%secret" share "$SHARE"
t "the server keeps nothing of it" nothing_left
finish
