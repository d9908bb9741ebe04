# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the guest's scripts share: a kernel and an initrd, kept in build/vm under names made of what they were
# made from, so a change of a package or of a script here makes them anew; and a boot.
# No root, no KVM needed: a nested KVM may start and then hang, so it is used only when asked for.
#   ACCEL=tcg|kvm   [tcg]
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

VM=$TOP/build/vm
HERE=$TOP/tests/vm
ACCEL=${ACCEL:-tcg,thread=multi}
command -v qemu-system-x86_64 >/dev/null || skip_all "no qemu-system-x86_64"
command -v busybox >/dev/null || skip_all "no busybox"

digest() { sha256sum | cut -c1-16; }

fetch() { flock "$TOP/build" "$HERE/fetch" "$VM"; }

# prepare FLAVOUR: what mkinitrd is told (cifs: Debian's own modules; rxe: with SMB Direct and RDMA).
prepare()
{
	local flavour=$1 key modules=
	mkdir -p "$TOP/build"
	fetch || return 1
	if [ "$flavour" = rxe ]; then
		key=$({ cat "$VM/release" "$VM/fetched" "$HERE/build-modules" "$HERE"/patches/*.patch; gcc --version; } | digest)
		modules=$VM/modules-$key
		[ -d "$modules" ] || { rm -rf "$VM"/modules-* && "$HERE/build-modules" "$VM" "$modules"; } || return 1
	fi
	key=$({ cat "$VM/release" "$VM/fetched" "$HERE/mkinitrd" "$HERE/init"; busybox | head -n 1; echo "$modules"; } | digest)
	INITRD=$VM/initrd-$flavour-$key.gz
	[ -s "$INITRD" ] || { rm -f "$VM/initrd-$flavour"-*.gz && "$HERE/mkinitrd" "$VM" "$INITRD" "$flavour" "$modules"; }
}

# pack OUT FILE...: the programs and the libraries they name, as a tar that the guest unpacks at /.
pack()
{
	local out=$1 tree=$WORK/pack
	shift
	rm -rf "$tree"
	mkdir -p "$tree/usr/bin"
	cp -L "$@" "$tree/usr/bin/" || return 1
	"$HERE/libraries" "$tree" /
	tar -cf "$out" -C "$tree" .
}

# boot NAME [QEMU-OPTION...]: the guest runs $WORK/host/cases/*.sh; its console, without carriage returns.
boot()
{
	local name=$1
	shift
	mkdir -p "$LOGS/$name"
	timeout --foreground "${GUEST_SECONDS:-1500}" qemu-system-x86_64 -M q35 -accel "$ACCEL" -cpu max -smp 2 \
		-m "${GUEST_MIB:-1536}" -nodefaults -no-reboot -display none -serial stdio \
		-kernel "$VM/root/boot/vmlinuz-$(cat "$VM/release")" -initrd "$INITRD" \
		-append "console=ttyS0 quiet panic=-1 oops=panic loglevel=1 mitigations=off nokaslr" \
		-virtfs "local,path=$WORK/host,mount_tag=host,security_model=none,readonly=on" \
		-virtfs "local,path=$LOGS/$name,mount_tag=out,security_model=none" "$@" </dev/null |
		sed -u 's/\r//g' | tee "$LOGS/$name/console.log"
	grep -q '^guest: the end' "$LOGS/$name/console.log"
}

# Is it the client that crashed? The first crash tells, by the module that its instruction pointer is in, or by
# whose file system it was that left something behind.
client_crashed() { grep -m 1 -E 'RIP: 0010:.*\[cifs\]| cifs_kill_sb\+.*\[cifs\]' "$LOGS/$1/console.log"; }

# group NAME CASE TAR: a guest of its own for cases/CASE.sh, with what TAR has; once more where the kernel's own
# client crashed.
group()
{
	local name=$1 crash
	rm -rf "$WORK/host/cases"
	mkdir -p "$WORK/host/cases"
	cp "$HERE/cases/$2.sh" "$WORK/host/cases/"
	ln -f "$3" "$WORK/host/root.tar"
	boot "$name" >"$WORK/console"
	local status=$?
	if crash=$(client_crashed "$name"); then
		echo "# $name: the kernel's own client crashed (${crash#*RIP: }): once more in a new guest"
		mv "$LOGS/$name" "$LOGS/$name.crashed"
		boot "$name" >"$WORK/console"
		status=$?
	fi
	cat "$WORK/console"
	return "$status"
}
