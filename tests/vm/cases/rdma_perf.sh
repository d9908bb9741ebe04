# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# In the guest: smb3d beside ksmbd, in turns, by the same client with the same files, one request at a time and eight,
# past the client's cache. Time, and what the whole guest's processors were busy (client, server and soft-RoCE; the client's
# and soft-RoCE's part is the same for both). In an emulator only the ratios mean anything; they are told, not judged.
. /host/common

busy() { awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 }' /proc/stat; } # hundredths of a second

# run WHO WHAT read|write BLOCK COUNT DEPTH: best of what was seen goes to /tmp/WHO.WHAT ("seconds busy")
run()
{
	before=$(busy)
	seconds=$(scatter speed "$3" /mnt/speed "$4" "$5" "$6") || return 1
	echo "$seconds $(($(busy) - before))" >>"/tmp/$1.$2"
}

round() # WHO
{
	on 10.9.1.1 vers=3.1.1,cache=none || return 1
	run "$1" write1M write 1048576 32 1 && run "$1" read1M read 1048576 32 1 &&
		run "$1" write4K write 4096 200 1 && run "$1" read4K read 4096 200 1 &&
		run "$1" write4Kx8 write 4096 400 8 && run "$1" read4Kx8 read 4096 400 8
	status=$?
	umount /mnt
	return "$status"
}

best() { sort -n "/tmp/$1.$2" | head -n 1; }

tell()
{
	for what in write1M read1M write4K read4K write4Kx8 read4Kx8; do
		echo "$what $(best smb3d $what) $(best ksmbd $what)" | awk '{
			printf "# %-9s smb3d %.3f s busy %.2f s; ksmbd %.3f s busy %.2f s; throughput ratio %.2f, processor ratio %.2f\n",
				$1, $2, $3 / 100, $4, $5 / 100, $4 / $2, $3 / $5 }'
	done
}

t "soft-RoCE" rxe 1
for turn in 1 2 3; do
	t "smb3d serves" smb3d_up && t "smb3d, turn $turn" round smb3d && t "smb3d ends" smb3d_down
	t "ksmbd serves" ksmbd_up && t "ksmbd, turn $turn" round ksmbd && t "ksmbd ends" ksmbd_down
done
tell
