# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# In the guest: sessions of the kernel's client with four TCP channels, to one address and over interfaces of
# different speeds. The server is in a network namespace; a pair of veth for each link. Links go down and come up under
# load: no error, no wrong byte, and the channels are used again.
. /host/common

on() # ADDRESS OPTIONS
{
	mount -t cifs -o "ip=$1,username=tester,password=secret,vers=3.1.1,noperm,hard,multichannel,echo_interval=1,$2" "//$1/share" /mnt
}

# bound TOTAL SERVER-INTERFACE COUNT...: the client says that its session has so many channels, all well, and the
# server over which of its interfaces they go.
bound()
{
	cat /proc/fs/cifs/DebugData >/tmp/debug
	smb3ctl --config /run/smb3d/smb.conf status >/tmp/status
	[ "$(sed -n '/Sessions:/,/Shares:/p' /tmp/debug | grep -c 'Channel: [0-9]')" -eq $(($1 - 1)) ] || return 1
	[ "$(grep -c 'TCP status: 1' /tmp/debug)" -eq "$1" ] || return 1
	! grep -q DISCONNECTED /tmp/debug || return 1
	shift
	while [ $# -gt 0 ]; do
		[ "$(grep -c " tcp   $1 .* open " /tmp/status)" -ge "$2" ] || return 1
		shift 2
	done
}

is_bound() { within 120 bound "$@" || { cat /tmp/debug /tmp/status; return 1; }; }

speeds_told()
{
	smb3ctl --config /run/smb3d/smb.conf interfaces >/tmp/interfaces
	cat /tmp/interfaces
	grep -q '10\.7\.1\.1 .* 10G RSS .*yes' /tmp/interfaces && grep -q '10\.7\.2\.1 .* 30G RSS .*yes' /tmp/interfaces
}

bytes_of() { cat "/sys/class/net/$1/statistics/tx_bytes"; }

more_than() { [ "$(bytes_of "$1")" -gt "$2" ]; }

# The link has carried a megabyte since.
carries() { within 180 more_than "$1" $(($(bytes_of "$1") + 1048576)); }

cut_and_mend() # LINK CHANNELS-WHEN-MENDED...
{
	link=$1
	shift
	t "link $link goes down" "$IP" link set "$link" down
	t "the load goes on" goes_on
	t "link $link comes up" "$IP" link set "$link" up
	t "it carries the load again" carries "$link"
	t "the channels are bound" is_bound "$@"
}

two_links() { $IP link set c2 "$1" && $IP link set c4 "$1"; }

t "four links to a namespace" links 4
export SERVER_IN="$IP netns exec far"
modprobe cifs

t "smb3d serves: one address" smb3d_up "smb direct = no" 'interfaces = "10.7.1.1;speed=10000000000,capability=RSS"'
t "mount" on 10.7.1.1 max_channels=4
t "write" scatter write /mnt 32 1
t "four channels over one interface" is_bound 4 s1 4
t "each has carried something" shared_out 4 tcp bytes_in
t "the server has the files" scatter check /srv/share 32 1
t "unmount" umount /mnt
t "the server ends, and has nothing left" smb3d_down

t "smb3d serves: two interfaces, one of three times the speed" smb3d_up "smb direct = no" \
	'interfaces = "10.7.1.1;speed=10000000000,capability=RSS" "10.7.2.1;speed=30000000000,capability=RSS"'
t "the speeds are told" speeds_told
t "mount over the slow one" on 10.7.1.1 max_channels=4
t "three of the four channels are over the fast one" is_bound 4 s1 1 s2 3
t "read back" scatter check /mnt 32 1
t "unmount" umount /mnt
t "the server ends, and has nothing left" smb3d_down

t "smb3d serves: four interfaces" smb3d_up "smb direct = no" 'interfaces = "10.7.1.1;speed=10000000000" "10.7.2.1;speed=40000000000" "10.7.3.1;speed=10000000000" "10.7.4.1;speed=25000000000"'
t "mount" on 10.7.1.1 max_channels=4
t "a channel over each" is_bound 4 s1 1 s2 1 s3 1 s4 1
load_begins
t "a load" goes_on
cut_and_mend c3 4 s1 1 s2 1 s3 1 s4 1
cut_and_mend c1 4 s1 1 s2 1 s3 1 s4 1
t "links c2 and c4 go down" two_links down
t "the load goes on" goes_on
t "they come up" two_links up
t "c2 carries the load again" carries c2
t "c4 carries the load again" carries c4
t "the channels are bound" is_bound 4 s1 1 s2 1 s3 1 s4 1
t "the load ends without an error" load_ends
tail -n 1 /tmp/out.log
t "unmount" umount /mnt
t "the server ends, and has nothing left" smb3d_down
