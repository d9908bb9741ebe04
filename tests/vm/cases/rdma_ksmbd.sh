# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# In the guest: the recipe itself, proven by the kernel's own server. What fails here is not smb3d's fault.
. /host/common

copy()
{
	dd if=/dev/urandom of=/tmp/source bs=1M count=16 && dd if=/tmp/source of=/mnt/file bs=1M conv=fsync &&
		cmp /tmp/source /srv/share/file && umount /mnt && on "$1" vers=3.1.1 && cmp /tmp/source /mnt/file
}

by_rdma() { [ "$(counter rdma_sends)" -lt 2000 ]; }

t "soft-RoCE on a device of its own" rxe 1
t "soft-RoCE on both ends of a wire" rxe_pair
t "ksmbd serves" ksmbd_up
t "ksmbd: mount over RDMA" on 10.9.1.1 vers=3.1.1
t "ksmbd: 16 MiB there and back" copy 10.9.1.1
t "ksmbd: they did not go by send and receive" by_rdma
t "ksmbd: unmount" umount /mnt
if t "ksmbd: mount over the wire" on 10.6.0.2 vers=3.1.1; then
	t "ksmbd: 16 MiB over the wire" copy 10.6.0.2
	t "ksmbd: unmount" umount /mnt
fi
t "no client's thread is left" no_cifsd
t "ksmbd ends" ksmbd_down
rm -f /srv/share/file
