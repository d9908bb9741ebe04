# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# In the guest: two mounts of one share by the kernel's client, from two network namespaces, with and without leases,
# and oplocks: the same files through both (twins.c, race.c), compared with a model and with the server's disk. /host/env
# has the seed. What the client keeps for a second whatever the server says is turned off: attributes, absent names.
. /host/common
. /host/env

on() # OPTIONS FOLDER [COMMAND...]: mounted by the command
{
	options=$1 folder=$2
	shift 2
	"$@" mount -t cifs -o "ip=10.7.1.1,username=tester,password=secret,noperm,nosharesock,actimeo=0,$options" //10.7.1.1/share "$folder"
}

# One in a namespace of its own, the other here.
both_mount() { on "$1" /near && on "$2" /far nsenter --net=/run/netns/client; }

both_unmount() { umount /near && umount /far && rm -rf /srv/share/*; }

in_time() { ! grep 'did not answer' /out/smb3d.log; }

# mixed TITLE OPTIONS OPTIONS MOUNT MOUNT STEPS
mixed()
{
	label=$1
	t "$label: mount" both_mount "$2" "$3"
	t "$label: a mix of everything" twins "$SEED" "$6" /srv/share "$4" "$5" && sed 's/^/# /' /tmp/out.log
	t "$label: at once" race "$SEED" $(($6 / 4)) /srv/share /near /far && sed 's/^/# /' /tmp/out.log
	t "$label: unmount" both_unmount
}

# A second link to the server, from a namespace of its own.
second_client()
{
	$IP netns add client && $IP link add c2 netns client type veth peer name s2 netns far && $IP -n far addr add 10.7.2.1/24 dev s2 &&
		$IP -n client addr add 10.7.2.2/24 dev c2 && $IP -n far link set s2 up && $IP -n client link set c2 up &&
		$IP -n client route add 10.7.1.0/24 via 10.7.2.1
}

t "a link to a namespace" links 1
t "another, from a second one" second_client
export SERVER_IN="$IP netns exec far"
mkdir -p /near /far
modprobe cifs
echo 0 >/proc/fs/cifs/LookupCacheEnabled
t "smb3d serves" smb3d_up "smb direct = no"
mixed "leases" vers=3.1.1 vers=3.1.1 /near /far "$STEPS"
mixed "leases, and none" vers=3.1.1 vers=3.1.1,nolease /near /far:nolease $((STEPS / 2))
mixed "leases, and oplocks" vers=3.0 vers=2.0 /near /far $((STEPS / 2))
mixed "cache=loose" vers=3.1.1,cache=loose vers=3.1.1,cache=loose /near:loose /far:loose $((STEPS / 2))
t "every break was answered in time" in_time
t "the server ends, and has nothing left" smb3d_down
