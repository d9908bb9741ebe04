# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# In the guest: sessions of the kernel's client with four channels of SMB Direct, over four soft-RoCE devices and over one
# address that has RSS, too. A device goes under load: no error, no wrong byte.
. /host/common

status() { smb3ctl --config /run/smb3d/smb.conf status; }

# bound DEVICE COUNT...: so many channels at least are open on it
bound()
{
	status >/tmp/status
	while [ $# -gt 0 ]; do
		[ "$(grep -c " rdma  $1 .* open " /tmp/status)" -ge "$2" ] || return 1
		shift 2
	done
}

# Two at least of the other three: what the client does with the one that it has lost is its own affair.
others_bound()
{
	status >/tmp/status
	[ "$(grep -c ' rdma  rxe[124] .* open ' /tmp/status)" -ge 2 ] && ! grep -q ' rdma  rxe3 .* open ' /tmp/status
}

others_are_bound() { within 120 others_bound || { cat /tmp/status; return 1; }; }

is_bound() { within 120 bound "$@" || { cat /proc/fs/cifs/DebugData /tmp/status; return 1; }; }

devices()
{
	for n in 1 2 3 4; do
		rxe $n || return 1
	done
}

link_delete() { rdma link delete rxe3; }

t "four soft-RoCE devices" devices
modprobe cifs
t "smb3d serves" smb3d_up
t "mount" on 10.9.1.1 vers=3.1.1,hard,echo_interval=5,multichannel,max_channels=4
t "write" scatter write /mnt 32 1
t "a channel over each device" is_bound rxe1 1 rxe2 1 rxe3 1 rxe4 1
t "each has carried something" shared_out 4 rdma bytes_pulled
t "the server has the files" scatter check /srv/share 32 1
load_begins
t "a load" goes_on
t "rdma link delete of one" link_delete
t "the load goes on" goes_on
t "over the others" others_are_bound
t "the load ends without an error" load_ends
t "unmount" umount /mnt
t "the server ends, and has nothing left" smb3d_down

t "smb3d serves: one address, with RSS" smb3d_up 'interfaces = "10.9.1.1;speed=10000000000,capability=RSS,RDMA"'
t "mount" on 10.9.1.1 vers=3.1.1,multichannel,max_channels=4
t "four channels over one device" is_bound rxe1 4
t "write" scatter write /mnt 32 2
t "each has carried something" shared_out 4 rdma bytes_pulled
t "the server has the files" scatter check /srv/share 32 2
t "unmount" umount /mnt
t "mount again" on 10.9.1.1 vers=3.1.1,multichannel,max_channels=4
t "read back" scatter check /mnt 32 2
t "unmount" umount /mnt
t "no client's thread is left" no_cifsd
t "the server ends, and has nothing left" smb3d_down
