# shellcheck shell=dash
# SPDX-License-Identifier: Apache-2.0
# In the guest: our own client against smb3d over soft-RoCE, and the conformance suite of the transports over it.
. /host/common
. /host/env

verify() { smb3bench //10.9.1.1/share -U tester%secret --transport rdma --op verify --count "$ROUNDS" --time 0 -q "$@"; }

t "soft-RoCE" rxe 1
t "smb3d serves" smb3d_up
t "own client: 1 B to 8 MiB with 0, 1, 2 and 5 descriptors, with and without invalidation" verify --seed 1
t "own client: the same at 3.0" verify --seed 2 --dialect 3.0
t "own client: the same, signed" verify --seed 3 --sign
t "the server ends, and has nothing left" smb3d_down
t "the conformance suite of the transports" env SMB3D_RDMA_ADDRESS=10.9.1.1 conformance 'rdma-device: *'
