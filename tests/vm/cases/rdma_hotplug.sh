# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# In the guest: soft-RoCE devices, ports and addresses that come and go under smb3d while the kernel's client is at work.
# `smb3ctl status` has to tell the truth all along.
. /host/common

status() { smb3ctl --config /run/smb3d/smb.conf status; }

# says TEXT: the status does so, within a minute
says()
{
	for _ in $(seq 60); do
		status >/tmp/status 2>&1
		grep -q -- "$1" /tmp/status && return 0
		sleep 1
	done
	cat /tmp/status
	tail -n 5 /out/smb3d.log
	return 1
}

logged()
{
	for _ in $(seq 60); do
		grep -q -- "$1" /out/smb3d.log && return 0
		sleep 1
	done
	tail -n 8 /out/smb3d.log
	return 1
}

link_add() { rdma link add rxe1 type rxe netdev d1; }

# The driver waits until nobody has the device open: so a delete that comes back says that it was given back.
link_delete()
{
	rdma link delete rxe1 &
	job=$!
	for _ in $(seq 60); do
		kill -0 "$job" 2>/dev/null || { wait "$job"; return; }
		sleep 1
	done
	echo "rdma link delete hangs"
	cat "/proc/$job/stack"
	return 1
}

netdev()
{
	modprobe rdma_rxe && modprobe rdma_ucm && modprobe ib_uverbs || return 1
	$IP link add d1 type dummy && $IP link set d1 mtu 9000 up && $IP addr add 10.9.1.1/24 dev d1
}

write_back()
{
	dd if=/dev/urandom of=/tmp/data bs=1M count=4 2>/dev/null
	cp /tmp/data /mnt/data && cmp /tmp/data /srv/share/data
}

load() # in the background, until it is told to stop or its mount fails
{
	while [ -e /tmp/load ]; do
		dd if=/dev/zero of=/mnt/load bs=1M count=8 conv=fsync 2>/dev/null || sleep 1
	done
}

# Not before who writes has given up: the kernel's client may crash when its file system goes under its files.
let_go()
{
	umount -f /mnt 2>/dev/null
	for _ in $(seq 60); do
		kill -0 "$LOADER" 2>/dev/null || break
		sleep 1
	done
	umount -f -l /mnt 2>/dev/null
}

t "a network interface without an RDMA device" netdev
t "smb3d starts without one" smb3d_up "smb direct = auto"
t "and says so" says "SMB Direct: not in use: no RDMA device can be used: serving TCP only"
t "rdma link add" link_add
t "it is listened on" says "SMB Direct: not in use: listens on [1-9]"
t "mount" on 10.9.1.1 vers=3.1.1
t "write and compare" write_back
t "RDMA is in use" says "SMB Direct: in use: 1 of 1 channels; since the start 1 channels, 4"
t "by rxe1" says " rdma  rxe1 .* open "
cat /tmp/status
t "unmount" umount /mnt
t "what was is still told" says "not in use: listens on [1-9].*since the start 1 channels, 4"

touch /tmp/load
t "mount" on 10.9.1.1 vers=3.1.1,echo_interval=5
load &
LOADER=$!
sleep 2
t "rdma link delete under load" link_delete
rm /tmp/load
t "nothing is listened on" says "SMB Direct: not in use: no RDMA device can be used"
t "it was given back" logged "rxe1: given back"
t "no session hangs on it" says " 0 connections, 0 sessions"
let_go
t "rdma link add again" link_add
t "it is listened on again" says "SMB Direct: not in use: listens on [1-9]"
t "mount again" on 10.9.1.1 vers=3.1.1
t "write and compare again" write_back
t "unmount again" umount /mnt

t "an address more" "$IP" addr add 10.9.2.1/24 dev d1
t "it is listened on too" logged "SMB Direct listens on 10.9.2.1:445, rxe1 (RoCE)"
t "mount by it" on 10.9.2.1 vers=3.1.1
t "unmount it" umount /mnt

# Not before both ends are done with each other: what the connection manager sends while the interface is down puts
# its queue pair in an error (see below).
t "its connection ends" says " 0 connections, 0 sessions"
sleep 2
t "the interface goes down" "$IP" link set d1 down
t "no port is active" says "no port is active: set its network interface up"
t "the interface comes up" "$IP" link set d1 up
t "it is listened on once more" says "SMB Direct: not in use: listens on [1-9]"
t "rdma link delete while idle" link_delete
t "rdma link add once more" link_add
t "it is listened on for the last time" says "SMB Direct: not in use: listens on [1-9]"

# Last of all: the connection manager's own queue pair of soft-RoCE (`rdma res show qp`: GSI) ends in an error when it
# sends while the interface is down, and nothing connects over the device any more.
touch /tmp/load
t "mount" on 10.9.1.1 vers=3.1.1,echo_interval=5
load &
LOADER=$!
sleep 2
t "the interface goes down under load" "$IP" link set d1 down
t "its connections end" says " 0 connections, 0 sessions"
rm /tmp/load
let_go
t "the interface comes up again" "$IP" link set d1 up
t "it is listened on after that" says "SMB Direct: not in use: listens on [1-9]"
t "the server ends, and has nothing left" smb3d_down
