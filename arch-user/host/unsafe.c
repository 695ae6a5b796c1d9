// SPDX-License-Identifier: GPL-2.0-only
/*
 * unsafe=WORD[,WORD...]: defences left out, in control builds only.
 *
 * An attack test proves little when the attack could not have worked anyway.
 * So each is also run against a kernel whose one defence is off, and has to be
 * seen to succeed there.  This file is not part of an ordinary build.
 */
#include <linux/bits.h>
#include <asm/unsafe.h>
#include "state.h"

/* "call-N": host system call N is allowed, whatever its arguments are. */
#define CALL_PREFIX	"call-"

static const struct {
	const char *word;
	enum host_defence defence;
} words[] = {
	{ "confine", HOST_DEFENCE_CONFINE },
	{ "arch", HOST_DEFENCE_ARCH },
	{ "end", HOST_DEFENCE_END },
	{ "rights", HOST_DEFENCE_RIGHTS },
	{ "descriptors", HOST_DEFENCE_DESCRIPTORS },
	{ "seals", HOST_DEFENCE_SEALS },
};

/* Against guest programs: UNSAFE_*. */
static const struct {
	const char *word;
	u32 bit;
} guest_words[] = {
	{ "guest-filter", UNSAFE_GUEST_FILTER },
	{ "thread-order", UNSAFE_THREAD_ORDER },
	{ "pdeathsig", UNSAFE_PDEATHSIG },
	{ "recycle-thread", UNSAFE_RECYCLE_THREAD },
	{ "recycle-clear", UNSAFE_RECYCLE_CLEAR },
	{ "kick-tid", UNSAFE_KICK_TID },
	{ "park-limit", UNSAFE_PARK_LIMIT },
	{ "frame-check", UNSAFE_FRAME_CHECK },
	{ "run-on", UNSAFE_RUN_ON },
	{ "lost-pidfd", UNSAFE_LOST_PIDFD },
	{ "still", UNSAFE_STILL },
	{ "hold", UNSAFE_HOLD },
};

static bool take_guest_word(const char *word)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(guest_words); i++) {
		if (host_same(word, guest_words[i].word)) {
			host->boot.unsafe |= guest_words[i].bit;
			return true;
		}
	}
	return false;
}

static bool take_call(const char *word)
{
	u64 nr;

	if (!host_starts(word, CALL_PREFIX) ||
	    !host_number(word + host_strlen(CALL_PREFIX), &nr) ||
	    host->unsafe_calls == HOST_UNSAFE_CALLS)
		return false;
	host->unsafe_call[host->unsafe_calls++] = nr;
	return true;
}

static bool take_word(const char *word)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (host_same(word, words[i].word)) {
			host->unsafe |= BIT_ULL(words[i].defence);
			return true;
		}
	}
	return take_guest_word(word) || take_call(word);
}

/**
 * host_unsafe_option() - parse unsafe=
 * @option:	the whole word, for the message
 * @value:	names of defences, by commas
 * @n:		unused
 */
void host_unsafe_option(const char *option, const char *value, unsigned int n)
{
	char word[32];

	while (*value) {
		size_t len = 0;

		while (*value && *value != ',' && len < sizeof(word) - 1)
			word[len++] = *value++;
		word[len] = 0;
		if (!take_word(word))
			host_usage_error(option, "no such defence", "see host/unsafe.c");
		if (*value == ',')
			value++;
	}
}
