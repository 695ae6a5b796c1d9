// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the host answers int 0x80 at all: exit status 0 if so.
 */
#include <unistd.h>

int main(void)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a" (ret) : "0" (20 /* getpid */) : "memory");
	return (int)ret != getpid();
}
