#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Our client's multichannel over several links, in network namespaces of their own: it finds the best interfaces of
# smb3d, and of Samba, and keeps its session on them while links go and come back. Nobody sees an error.
if [ -z "${OWN_NAMESPACE:-}" ] && [ "$(id -u)" -eq 0 ] && unshare --net true 2>/dev/null; then
	OWN_NAMESPACE=1 exec unshare --net "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
[ -n "${OWN_NAMESPACE:-}" ] || skip_all "needs root for network namespaces"
[ "$SIZE" = full ] || skip_all "tests/unit/tools/client has the sanitizers' share"

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
}

there() { nsenter --net="/proc/$HOLDER/ns/net" "$@"; }

make_links()
{
	local n
	ip link set lo up && make_server_namespace && there ip link set lo up || return 1
	for n in 0 1 2; do
		ip link add "mc-c$n" type veth peer name "mc-s$n" && ip link set "mc-s$n" netns "$HOLDER" &&
			ip addr add "10.78.$n.1/24" dev "mc-c$n" && ip link set "mc-c$n" up &&
			there ip addr add "10.78.$n.2/24" dev "mc-s$n" && there ip link set "mc-s$n" up || return 1
	done
}

end_all()
{
	[ -z "$HOLDER" ] || kill "$HOLDER" 2>/dev/null
	# shellcheck disable=SC2086 # several
	[ -z "${LOADS:-}" ] || kill $LOADS 2>/dev/null
	cleanup
}
trap end_all EXIT

t "namespaces with three links" make_links
[ "$FAILED" -eq 0 ] || finish
# shellcheck disable=SC2034 # lib.sh's
PORT=445 HOST=10.78.0.2 SERVER_ENTER=(nsenter --net="/proc/$HOLDER/ns/net")
# where the client begins it is slow; the other two are as good as each other
server_up 'interfaces = "10.78.0.2;speed=1000000000" "10.78.1.2;speed=10000000000" "10.78.2.2;speed=10000000000"
	bind interfaces only = no'

bench() # OPTION...
{
	timeout --foreground 120 "$SMB3D_BIN/smb3bench" "//$HOST:$PORT/share" -U tester%secret --json --quiet "$@"
}

# json FILE FIELD WANTED [at-least]: of the result of a run.
json()
{
	/usr/bin/python3 - "$@" <<'PY'
import json, sys
said = json.load(open(sys.argv[1], encoding="utf-8"))
got, wanted = said[sys.argv[2]], int(sys.argv[3])
if not (got >= wanted if len(sys.argv) > 4 else got == wanted):
	print(said)
	sys.exit(1)
PY
}

# Connections to the server's address on link N.
connected() { ss -Htn state established dst "10.78.$1.2" | wc -l; }

# wait_connected N WANTED...: until there are WANTED of them on link N.
wait_connected()
{
	local left=600
	while [ "$(connected "$1")" -ne "$2" ]; do
		[ $((left--)) -gt 0 ] || { ss -tn; return 1; }
		sleep 0.1
	done
}

channels_are() # WANTED OPTION...
{
	bench --op mixed --block 64K --size 4M --count 400 "${@:2}" >"$WORK/result" &&
		json "$WORK/result" channels "$1" && json "$WORK/result" lost 0
}

t "auto: one channel over each of the best interfaces" channels_are 2 --channels auto
t "four channels over them" channels_are 4 --channels 4
t "four channels, signed" channels_are 4 --channels 4 --sign

# Two loads that find what is wrong: what is read is not what was written, and names that are there, or not.
load() # OPTION...: in the background; kills end it in order
{
	"$SMB3D_BIN/smb3bench" "//$HOST:$PORT/share" -U tester%secret --json --quiet --time 200 \
		--channels auto --silence 1500 "$@" &
	LOADS="${LOADS:-} $!"
}

begin_loads()
{
	load --op verify --file verified >"$WORK/verify" 2>&1
	load --op metadata --depth 4 --file named >"$WORK/metadata"
	wait_connected 1 2 && wait_connected 2 2
}

link_goes_and_comes()
{
	there ip link set "mc-s$1" down && wait_connected "$1" 0 && loads_live &&
		there ip link set "mc-s$1" up && wait_connected "$1" 2 && loads_live
}

# Without both of the better ones the slow one, where it began, serves.
both_go()
{
	there ip link set mc-s1 down && there ip link set mc-s2 down && wait_connected 1 0 && wait_connected 2 0 &&
		loads_live && there ip link set mc-s1 up && there ip link set mc-s2 up &&
		wait_connected 1 2 && wait_connected 2 2 && loads_live
}

loads_live()
{
	local pid
	for pid in $LOADS; do
		kill -0 "$pid" || { cat "$WORK/verify" "$WORK/metadata"; return 1; }
	done
}

# A load that is interrupted has done all it began; that it was is all that verify may say.
end_loads()
{
	local pid ended=
	for pid in $LOADS; do
		kill -TERM "$pid" && { wait "$pid"; ended="$ended $?"; }
	done
	LOADS=
	cat "$WORK/verify" "$WORK/metadata"
	[ "$ended" = " 1 0" ] && grep -qx "smb3bench: interrupted" "$WORK/verify" &&
		json "$WORK/metadata" lost 1 at-least && json "$WORK/metadata" channels 2
}

t "two loads use the best links" begin_loads
t "a link goes and comes back" link_goes_and_comes 1
t "both of the best links go and come back" both_go
t "neither load saw an error" end_loads
t "the folder is as empty as before" eval '[ -z "$(ls "$SHARE" | grep -v verified)" ]'

if [ "$PEER" = smb3d ] && command -v smbd >/dev/null; then
	t "smb3d ends cleanly" server_stop
	# in namespaces of its own: what is left of these goes when the kernel finds the time
	unset OWN_NAMESPACE
	export PEER=samba TEST_LOGS=$LOGS/samba
	relay bash -c '"$0" | sed -uE "s/^(not )?ok [0-9]+ - /\1ok - /"' "$0"
fi
finish
