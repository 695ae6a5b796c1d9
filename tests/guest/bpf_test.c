// SPDX-License-Identifier: GPL-2.0-only
/* BPF: classic socket filters, maps, an eBPF program that counts. */
#include <linux/bpf.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include "ktap.h"

static long bpf(int cmd, union bpf_attr *a)
{
	return syscall(SYS_bpf, cmd, a, sizeof(*a));
}

static void test_classic(void)
{
	/* Takes packets whose first byte is 'y'. */
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog p = { ARRAY_SIZE(f), f };
	char buf[16];
	int s[2];

	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
	is(setsockopt(s[0], SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p)), 0,
	   "a classic filter");
	must(write(s[1], "no", 2) == 2 || errno);
	must(write(s[1], "yes", 3) == 3);
	is(recv(s[0], buf, sizeof(buf), MSG_DONTWAIT), 3, "lets one through");
	fails(recv(s[0], buf, sizeof(buf), MSG_DONTWAIT), EAGAIN, "and one not");
}

static int map_create(int type, int key, int value, int entries)
{
	union bpf_attr a = { .map_type = type, .key_size = key,
			     .value_size = value, .max_entries = entries };

	return bpf(BPF_MAP_CREATE, &a);
}

static void test_maps(void)
{
	int hash = map_create(BPF_MAP_TYPE_HASH, 4, 8, 100);
	uint32_t key;
	uint64_t value;
	union bpf_attr a = { };
	int bad = 0;

	ok(hash >= 0, "a hash map");
	a.map_fd = hash;
	a.key = (uintptr_t)&key;
	a.value = (uintptr_t)&value;
	for (key = 0; key < 100; key++) {
		value = key * key;
		bad += bpf(BPF_MAP_UPDATE_ELEM, &a) != 0;
	}
	is(bad, 0, "takes 100 entries");
	key = 100;
	fails(bpf(BPF_MAP_UPDATE_ELEM, &a), E2BIG, "and no more");
	for (key = 0; key < 100; key++)
		bad += bpf(BPF_MAP_LOOKUP_ELEM, &a) != 0 || value != key * key;
	is(bad, 0, "gives them back");
	key = 5;
	a.value = 0;
	is(bpf(BPF_MAP_DELETE_ELEM, &a), 0, "deletes one");
	a.value = (uintptr_t)&value;
	fails(bpf(BPF_MAP_LOOKUP_ELEM, &a), ENOENT, "which is gone");
	close(hash);
}

/* A program that adds one to element 0 of an array for each packet. */
static void test_program(void)
{
	int map = map_create(BPF_MAP_TYPE_ARRAY, 4, 8, 1), prog, s[2];
	struct bpf_insn insns[] = {
		/* *(u32 *)(fp - 4) = 0; r2 = fp - 4; r1 = map */
		{ BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0 },
		{ BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4 },
		{ BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map },
		{ 0, 0, 0, 0, 0 },
		{ BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem },
		{ BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 1 },
		{ BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0, BPF_ADD },
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 100 },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	static char log[65536];
	union bpf_attr a = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)insns, .insn_cnt = ARRAY_SIZE(insns),
		.license = (uintptr_t)"GPL", .log_buf = (uintptr_t)log,
		.log_size = sizeof(log), .log_level = 1,
	};
	uint64_t value = 0;
	uint32_t key = 0;

	prog = bpf(BPF_PROG_LOAD, &a);
	if (!ok(prog >= 0, "the verifier takes a program")) {
		printf("# %s\n", log);
		return;
	}
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
	is(setsockopt(s[0], SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog)), 0,
	   "which a socket runs");
	for (int i = 0; i < 7; i++)
		must(write(s[1], "x", 1) == 1);
	a = (union bpf_attr){ .map_fd = map, .key = (uintptr_t)&key,
			      .value = (uintptr_t)&value };
	must(bpf(BPF_MAP_LOOKUP_ELEM, &a) == 0);
	is(value, 7, "seven times");
	insns[0].off = 8;
	a = (union bpf_attr){
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)insns, .insn_cnt = ARRAY_SIZE(insns),
		.license = (uintptr_t)"GPL",
	};
	fails(bpf(BPF_PROG_LOAD, &a), EACCES,
	      "it refuses one that writes beyond its stack");
}

int main(void)
{
	test_classic();
	if (geteuid()) {
		skip("maps and programs need root");
		return done();
	}
	test_maps();
	test_program();
	return done();
}
