// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disks that come and go while the guest runs: descriptors from the launcher.
 */
#include "../../tools/disk_abi.h"
#include "state.h"
#include "syscall.h"

_Static_assert(DISK_ABI_LAYERS == HOST_DISK_LAYERS, "layers of a disk");
_Static_assert(DISK_ABI_LAYERS <= HOST_MESSAGE_FDS, "descriptors of a message");
_Static_assert(DISK_ABI_SERIAL == HOST_SERIAL_SIZE, "serial number of a disk");

/**
 * host_disk_socket_option() - disk_socket=
 * @word:	the whole option
 * @value:	what follows the "="
 * @n:		unused
 */
void host_disk_socket_option(const char *word, const char *value, unsigned int n)
{
	if (!host_starts(value, "fd:"))
		host_usage_error(word, "not a socket", "say disk_socket=fd:5");
	host->disk_socket = host_inherited_fd(word, value + 3);
}

int host_disk_socket(void)
{
	return host->disk_socket;
}

static int free_number(void)
{
	int i;

	for (i = 0; i < HOST_MAX_DISKS; i++)
		if (!host->boot.disk[i].layers)
			return i;
	return -HOST_ENOSPC;
}

static int add(const struct disk_message *m, const int *fd, unsigned int n)
{
	int number = m->number == ~0U ? free_number() : m->number, i;
	struct host_disk *d;

	if (number < 0)
		return number;
	if (number >= HOST_MAX_DISKS || !n || n != m->layers || !m->block || !m->align)
		return -HOST_EINVAL;
	d = &host->boot.disk[number];
	if (d->layers)
		return -HOST_EEXIST;
	*d = (struct host_disk) {
		.layers = n,
		.size = m->size[0],
		.block = m->block,
		.align = m->align,
		.readonly = m->flags & DISK_RO,
		.direct = m->flags & DISK_DIRECT,
		.sync = m->flags & DISK_SYNC,
		.discard = m->flags & DISK_DISCARD,
		.quick = m->flags & DISK_QUICK,
		.iops = m->iops,
		.bps = m->bps,
	};
	memcpy(d->serial, m->serial, HOST_SERIAL_SIZE - 1);
	for (i = 0; i < n; i++)
		d->layer[i] = (struct host_disk_layer) {
			.fd = fd[i], .lock_fd = -1, .file = -1, .size = m->size[i], .overlay = m->overlay >> i & 1,
		};
	return number;
}

int host_disk_receive(enum host_disk_change *change, unsigned int *number)
{
	struct disk_message m;
	int fd[DISK_ABI_LAYERS], ret = -HOST_EINVAL;
	int n = host_receive(host->disk_socket, &m, sizeof(m), fd, DISK_ABI_LAYERS, false);

	if (n < 0)
		return n == -HOST_EINVAL ? -HOST_EINTR : n;
	host->disk_tag = m.tag;
	*number = m.number;
	if (m.version == DISK_ABI_VERSION && m.what == DISK_ADD) {
		*change = HOST_DISK_ADDED;
		ret = add(&m, fd, n);
		if (ret >= 0) {
			*number = ret;
			return 0;
		}
	} else if (m.version == DISK_ABI_VERSION && (m.what == DISK_REMOVE || m.what == DISK_LOOK)) {
		*change = m.what == DISK_REMOVE ? HOST_DISK_TO_REMOVE : HOST_DISK_LOOK;
		ret = m.number < HOST_MAX_DISKS && host->boot.disk[m.number].layers ?
		      0 : -HOST_ENODEV;
	}
	host_close_all(fd, n);
	if (!ret)
		return 0;
	host_disk_answer(ret, *number, NULL);
	return -HOST_EINTR;
}

void host_disk_answer(int error, unsigned int number, const struct host_disk_counts *counts)
{
	struct disk_answer a = { .error = error, .number = number, .tag = host->disk_tag };

	if (counts) {
		a.size = host->boot.disk[number].size;
		a.reads = counts->reads;
		a.writes = counts->writes;
		a.read = counts->read;
		a.written = counts->written;
	}
	host_write(host->disk_socket, &a, sizeof(a));
}

/* #syscalls: close */
void host_disk_forget(unsigned int number)
{
	struct host_disk *d = &host->boot.disk[number];
	unsigned int i;

	for (i = 0; i < d->layers; i++) {
		sys1(__NR_close, d->layer[i].fd);
		if (d->layer[i].lock_fd >= 0)
			sys1(__NR_close, d->layer[i].lock_fd);
	}
	d->layers = 0;
}
