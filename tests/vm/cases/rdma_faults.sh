# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# In the guest: what breaks, under load. The server must not crash (it is built with ASan), leak, or keep a dead
# client's session, and the file holds what was acknowledged.
. /host/common

load() # SECONDS [OPTION...]
{
	seconds=$1
	shift
	smb3bench //10.6.0.2/share -U tester%secret --op mixed --block 256K --depth 8 --size 16M \
		--time "$seconds" -q "$@" >/tmp/load.log 2>&1 &
	LOAD=$!
}

# Its session is there (with others: SESSIONS in all) and it is at work, however long it took to come.
loaded() # [SESSIONS]
{
	for _ in $(seq 60); do
		kill -0 "$LOAD" || break
		sessions=$(smb3ctl --config /run/smb3d/smb.conf status --json | grep -o '"user": *"tester"' | wc -l)
		if [ "$sessions" -ge "${1:-1}" ]; then
			sleep 2
			kill -0 "$LOAD"
			return
		fi
		sleep 1
	done
	cat /tmp/load.log
	return 1
}

# The load ends, well or not; the server soon has nobody.
nobody()
{
	for _ in $(seq 150); do
		if ! kill -0 "$LOAD" 2>/dev/null && smb3ctl --config /run/smb3d/smb.conf status --json >/tmp/status &&
			! grep -q '"user": *"tester"' /tmp/status; then
			return 0
		fi
		sleep 1
	done
	cat /tmp/load.log /tmp/status
	return 1
}

served() # somebody new, by RDMA
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		smb3bench //10.6.0.2/share -U tester%secret --transport rdma --count 20 --size 1M --block 64K \
			-q --file new >/tmp/new.log 2>&1 && return 0
		sleep 1
	done
	cat /tmp/new.log
	return 1
}

killed() { kill -KILL "$LOAD"; }

link_deleted() { rdma link delete rw1; }
link_added() { rdma link add rw1 type rxe netdev w1; }

# The kernel's client writes until there is no server. For how long it then tries for one is not our affair, and it
# may hang for good where SIGKILL does not reach it: nobody waits for it, and its mount stays. What it was told of is
# there.
acks_begin()
{
	on 10.6.0.2 vers=3.1.1,cache=none || return 1
	scatter acks /mnt/acks write >/tmp/acks 2>&1 &
	ACKS=$!
	for _ in $(seq 60); do
		kill -0 "$ACKS" || return 1
		[ -s /tmp/acks ] && return 0
		sleep 1
	done
	return 1
}

acks_end()
{
	sleep 1 # the last answer may be on its way to the one who counts
	kill -KILL "$ACKS"
	scatter acks /srv/share/acks "$(cat /tmp/acks)"
}

echo 0 >/proc/sys/kernel/hung_task_timeout_secs # see acks_end

t "soft-RoCE on both ends of a wire" rxe_pair
t "smb3d serves" smb3d_up
t "a client by RDMA works" served

load 60 --transport rdma
t "under load" loaded
t "the client is killed" killed
t "nobody is left" nobody
t "others are served" served

load 60 --transport rdma
t "under load" loaded
t "rdma link delete" link_deleted
t "nobody is left" nobody
t "rdma link add" link_added
t "others are served" served

smb3bench //10.6.0.2/share -U tester%secret --op mixed --block 64K --size 4M --file tcp --time 15 -q >/tmp/tcp.log 2>&1 &
TCP=$!
load 15 --transport rdma
t "RDMA and TCP together" wait "$TCP"
t "nobody is left" nobody

t "the kernel's client writes" acks_begin
load 60 --transport rdma
t "and others" loaded 2
t "SIGTERM under load: the server ends, and has nothing left" smb3d_down
t "the file holds what was acknowledged" acks_end

t "a server again" smb3d_up
load 60 --transport rdma
t "under load" loaded
t "the network device goes down" $IP link set w1 down
t "nobody is left" nobody
t "the server ends, and has nothing left" smb3d_down
