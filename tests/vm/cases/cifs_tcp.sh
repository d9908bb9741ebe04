# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# In the guest: the kernel's client at three dialects, with a source tree. /host/env says where the server is.
. /host/env
modprobe cifs

t()
{
	title=$1
	shift
	began=$(cut -d. -f1 /proc/uptime)
	if "$@" >/tmp/out 2>&1; then
		echo "ok - $title ($(($(cut -d. -f1 /proc/uptime) - began)) s)"
	else
		echo "not ok - $title"
		tail -n 12 /tmp/out | sed 's/^/# /'
		dmesg | tail -n 8 | sed 's/^/# /'
	fi
}

on() { mount -t cifs -o "ip=$SERVER,port=$PORT,username=tester,password=secret,vers=$1,noperm" "//$SERVER/share" /mnt; }

unpack() { mkdir /mnt/tree && tar -xf "$1" -C /mnt/tree; }

counts() { [ "$(find /mnt/tree -type f | wc -l)" -eq "$1" ]; }

same() { diff -r /srv/tree /mnt/tree; }

remount() { umount /mnt && on "$1"; }

delete() { rm -rf /mnt/tree && [ -z "$(ls -A /mnt)" ]; }

for vers in $DIALECTS; do
	case " $FULL " in *" $vers "*) tar=/host/full.tar ;; *) tar=/host/part.tar ;; esac
	rm -rf /srv/tree
	mkdir /srv/tree
	tar -xf "$tar" -C /srv/tree
	files=$(find /srv/tree -type f | wc -l)
	t "vers=$vers: mount" on "$vers"
	t "vers=$vers: the dialect is spoken" grep -q "Dialect $(printf '0x%x' "$(case $vers in 2.1) echo 528 ;; 3.0) echo 768 ;; 3.1.1) echo 785 ;; esac)")" /proc/fs/cifs/DebugData
	t "vers=$vers: unpack $files files" unpack "$tar"
	t "vers=$vers: sync" sync
	t "vers=$vers: find them all" counts "$files"
	t "vers=$vers: remount" remount "$vers"
	t "vers=$vers: diff -r after the remount" same
	t "vers=$vers: df" df /mnt
	t "vers=$vers: delete" delete
	t "vers=$vers: unmount" umount /mnt
done
