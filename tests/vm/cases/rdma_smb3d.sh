# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# In the guest: the kernel's client against smb3d, by RDMA. What it writes is looked at through the server's own
# folder too, and after a remount, when the client's cache has nothing of it. /host/env says how much.
. /host/common
. /host/env

sends_few() # BEFORE BYTES: by send and receive they would have taken a message for each 1,300 bytes
{
	now=$(counter rdma_sends)
	echo "$((now - $1)) sends for $2 bytes"
	[ $((now - $1)) -lt $(($2 / 2600)) ]
}

status_says()
{
	smb3ctl --config /run/smb3d/smb.conf status >/tmp/status
	cat /tmp/status
	grep -q "$1" /tmp/status
}

bulk() # VERS MIB SEED OPTIONS
{
	label="vers=$1${4:+,$4}"
	before=$(counter rdma_sends)
	t "$label: mount" on 10.9.1.1 "vers=$1${4:+,$4}" || return
	t "$label: write $2 MiB in pieces" scatter write /mnt "$2" "$3"
	t "$label: smb3ctl says that RDMA is in use" status_says 'SMB Direct: in use'
	t "$label: the server has them" scatter check /srv/share "$2" "$3"
	umount /mnt
	t "$label: mount again" on 10.9.1.1 "vers=$1${4:+,$4}" || return
	t "$label: read them back" scatter check /mnt "$2" "$3"
	case $4 in
	*sign*) ;;
	*) t "$label: they went by RDMA read and write" sends_few "$before" $(($2 * 2 * 1048576)) ;;
	esac
	rm -f /mnt/scatter.*
	t "$label: unmount" umount /mnt
}

tree()
{
	mkdir /tmp/tree /mnt/tree && tar -xf /host/tree.tar -C /tmp/tree && tar -xf /host/tree.tar -C /mnt/tree &&
		umount /mnt && on 10.9.1.1 vers=3.1.1 && diff -r /tmp/tree /mnt/tree
}

cycles() # COUNT
{
	i=0
	while [ $((i += 1)) -le "$1" ]; do
		on 10.9.1.1 vers=3.1.1 && echo "$i" >/mnt/cycle && [ "$(cat /srv/share/cycle)" = "$i" ] && umount /mnt ||
			{ echo "at cycle $i"; return 1; }
	done
}

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$SMB3D/status"; } # KiB

idle() # COUNT: so many connections that do nothing more; what each takes of the server, with its device's queues
{
	before=$(rss)
	i=0
	while [ $((i += 1)) -le "$1" ]; do
		mkdir -p "/tmp/idle.$i" && on 10.9.1.1 vers=3.1.1,nosharesock "/tmp/idle.$i" || return 1
	done
	each=$((($(rss) - before) / $1))
	echo "each takes $each KiB" | tee /tmp/idle.each
	smb3ctl --config /run/smb3d/smb.conf status >/tmp/status
	while [ $((i -= 1)) -ge 1 ]; do
		umount "/tmp/idle.$i" || return 1
	done
	[ "$each" -le 512 ]
}

t "soft-RoCE" rxe 1
t "smb3d serves" smb3d_up
bulk 3.1.1 "$MIB" 1
bulk 3.0 "$((MIB / 8))" 2
bulk 3.1.1 "$((MIB / 32))" 3 sign
t "mount" on 10.9.1.1 vers=3.1.1
t "unpack a tree, remount, diff -r" tree
t "unmount" umount /mnt
t "mount and unmount, $CYCLES times" cycles "$CYCLES"
t "$IDLE idle connections take at most 512 KiB each" idle "$IDLE"
sed 's/^/# /' /tmp/idle.each
t "no client's thread is left" no_cifsd
t "the server ends, and has nothing left" smb3d_down
