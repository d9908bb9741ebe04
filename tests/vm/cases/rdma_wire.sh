# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# In the guest: what our traffic looks like on a wire, taken down for tshark on the host to judge.
. /host/common

capture()
{
	tcpdump -i w0 -s 0 -B 65536 -Z root -w /tmp/wire.pcap udp port 4791 2>/tmp/tcpdump.log &
	TCPDUMP=$!
	for _ in $(seq 30); do
		grep -q 'listening on' /tmp/tcpdump.log 2>/dev/null && return 0
		kill -0 "$TCPDUMP" || return 1
		sleep 1
	done
	return 1
}

talk() # OPTIONS
{
	on 10.6.0.2 "$1" && dd if=/dev/urandom of=/tmp/some bs=64k count=24 && cp /tmp/some /mnt/some &&
		echo small >/mnt/small && umount /mnt && on 10.6.0.2 "$1" && cmp /tmp/some /mnt/some &&
		ls -l /mnt && rm /mnt/some && umount /mnt
}

captured()
{
	sleep 2
	kill "$TCPDUMP" && wait "$TCPDUMP"
	cat /tmp/tcpdump.log
	grep -q '^0 packets dropped by kernel' /tmp/tcpdump.log && cp /tmp/wire.pcap /out/
}

t "soft-RoCE on both ends of a wire" rxe_pair
t "smb3d serves" smb3d_up
t "capture" capture
t "the kernel's client at 3.1.1" talk vers=3.1.1
t "the kernel's client at 3.0" talk vers=3.0
t "the kernel's client, signed" talk vers=3.1.1,sign
t "captured all" captured
t "the server ends, and has nothing left" smb3d_down
