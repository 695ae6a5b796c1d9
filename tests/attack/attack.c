// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks of guest code on its stub.  Arguments name some of them; without, all
 * that disturb nobody are made.  A point is "ok" when the defence held and the
 * guest is well afterwards.
 */
#include "attack.h"

static const struct attack attacks[] = {
	{ "map-ram", attack_map_ram, "host mmap() of guest RAM from the stub's text" },
	{ "calls", attack_calls, "other host calls from the stub's text" },
	{ "timed-wait", attack_timed_wait, "a thread that sleeps and would wake by itself" },
	{ "entries", attack_entries, "int 0x80, sysenter, x32, vsyscall, 32-bit code" },
	{ "unmap", attack_unmap, "guest calls on the stub's own pages" },
	{ "order", attack_order, "diverting a thread before it has its filter" },
	{ "forged-frame", attack_forged_frame, "a context in another process's area" },
	{ "wild-frames", attack_wild_frames, "contexts and events anywhere, of any kind" },
	{ "siblings-frame", attack_siblings_frame, "garbage in a parked sibling's frame" },
	{ "scribble", attack_scribble, "garbage in a running thread's hand-off page" },
	{ "rseq", attack_rseq, "critical sections over the stub's text" },
	{ "kick-tid", attack_kick_tid, "another thread's id for the kick" },
	{ "run-on", attack_run_on, "a forged sleep, and computing on" },
	{ "first-park", attack_first_park, "a new thread's turn written all the time" },
	{ "wake-storm", attack_wake_storm, "wake-ups of the kernel in a loop" },
	{ "stub-loop", attack_stub_loop, "a loop in the stub's own text" },
	{ "leftovers", attack_leftovers, "what an earlier program left in an area" },
	{ "registers", attack_registers, "what an earlier program left in registers" },
	{ "never-parked", attack_never_parked, "a thread that outlives its program" },
	{ "freed", attack_freed, "reading memory after the program's end" },
	{ "unmapped", attack_unmapped, "reading memory that has been unmapped" },
	{ "forks", attack_forks, "more processes than the host gives" },
	{ "threads", attack_threads, "more threads than the host gives" },
	{ "maps", attack_maps, "more mappings than the host gives" },
	{ "outlive", attack_outlive, "children that do not want to end" },
};

static bool chosen(const char *name, char **argv)
{
	if (!argv[1])
		return true;
	for (argv++; *argv; argv++)
		if (!strcmp(*argv, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	need_guest();
	must(syscall_site(0) && futex_site());
	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++) {
		const struct attack *a = &attacks[i];
		uint64_t start = now_ns(CLOCK_MONOTONIC);

		if (!chosen(a->name, argv))
			continue;
		ok(a->held(), "%s: %s", a->name, a->what);
		ok(guest_lives(), "%s: the guest lives", a->name);
		printf("# %s took %lu ms\n", a->name,
		       (unsigned long)(now_ns(CLOCK_MONOTONIC) - start) / 1000000);
	}
	return done();
}
