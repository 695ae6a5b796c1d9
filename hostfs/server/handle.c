// SPDX-License-Identifier: GPL-2.0-only
/*
 * File handles: index and generation in a table of open descriptors.
 *
 * A handle belongs to the nodeid that was opened and is good for no other.
 * Closing one that another thread is using closes it when that is done.
 */
#include "server.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_HANDLES (1 << 20)

struct entry {
	struct handle *h;
	uint32_t generation;
	uint32_t next_free;
};

/**
 * struct handle_table - all handles
 * @lock:	protects everything here, and reference counts
 * @e:		entries, of which @n were ever used, for @room
 * @free:	1 + an unused one, which leads to the next; 0 when there is none
 * @given:	handles whose files the guest has, too
 */
struct handle_table {
	pthread_mutex_t lock;
	struct entry *e;
	uint32_t n, room;
	uint32_t free;
	uint32_t given;
};

int handle_start(struct server *srv)
{
	srv->handles = calloc(1, sizeof(*srv->handles));
	if (!srv->handles)
		return ENOMEM;
	return pthread_mutex_init(&srv->handles->lock, NULL);
}

static void put_locked(struct handle *h)
{
	if (--h->refs)
		return;
	close(h->fd);
	free(h->dir);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

/* An unused entry, or -1. */
static int64_t new_entry(struct handle_table *t)
{
	uint32_t i = t->free;

	if (i) {
		t->free = t->e[i - 1].next_free;
		return i - 1;
	}
	if (t->n == MAX_HANDLES)
		return -1;
	if (t->n == t->room) {
		uint32_t room = t->room ? t->room * 2 : 256;
		struct entry *e = realloc(t->e, room * sizeof(*e));

		if (!e)
			return -1;
		t->e = e;
		t->room = room;
	}
	t->e[t->n] = (struct entry){ .generation = 1 };
	return t->n++;
}

int handle_open(struct server *srv, int fd, bool dir, fuse_ino_t node, uint64_t *fh)
{
	struct handle_table *t = srv->handles;
	struct handle *h = calloc(1, sizeof(*h));
	int64_t i = -1;

	if (h && dir)
		h->dir = calloc(1, sizeof(*h->dir));
	if (h && (h->dir || !dir)) {
		h->fd = fd;
		h->refs = 1;
		h->node = node;
		pthread_mutex_init(&h->lock, NULL);
		pthread_mutex_lock(&t->lock);
		i = new_entry(t);
		if (i >= 0) {
			t->e[i].h = h;
			*fh = (uint64_t)t->e[i].generation << 32 | i;
		}
		pthread_mutex_unlock(&t->lock);
	}
	if (i >= 0)
		return 0;
	if (h)
		free(h->dir);
	free(h);
	close(fd);
	return ENFILE;
}

static struct entry *find(struct handle_table *t, uint64_t fh, fuse_ino_t node)
{
	uint32_t i = fh;

	if (i >= t->n || t->e[i].generation != fh >> 32 || !t->e[i].h || t->e[i].h->node != node)
		return NULL;
	return &t->e[i];
}

struct handle *handle_get(struct server *srv, uint64_t fh, fuse_ino_t node)
{
	struct handle_table *t = srv->handles;
	struct handle *h = NULL;
	struct entry *e;

	pthread_mutex_lock(&t->lock);
	e = find(t, fh, node);
	if (e) {
		h = e->h;
		h->refs++;
	}
	pthread_mutex_unlock(&t->lock);
	return h;
}

void handle_put(struct server *srv, struct handle *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&srv->handles->lock);
	put_locked(h);
	pthread_mutex_unlock(&srv->handles->lock);
}

static void close_entry(struct handle_table *t, struct entry *e)
{
	t->given -= e->h->given;
	put_locked(e->h);
	e->h = NULL;
	e->generation++;
	e->next_free = t->free;
	t->free = e - t->e + 1;
}

void handle_close(struct server *srv, uint64_t fh, fuse_ino_t node)
{
	struct handle_table *t = srv->handles;
	struct entry *e;

	pthread_mutex_lock(&t->lock);
	e = find(t, fh, node);
	if (e)
		close_entry(t, e);
	pthread_mutex_unlock(&t->lock);
}

void handle_give(struct server *srv, uint64_t fh, fuse_ino_t node)
{
	struct handle_table *t = srv->handles;
	struct entry *e;

	pthread_mutex_lock(&t->lock);
	e = find(t, fh, node);
	if (e && t->given < HOSTFS_FILES && ring_give(srv, fh, e->h->fd)) {
		e->h->given = true;
		t->given++;
	}
	pthread_mutex_unlock(&t->lock);
}

void handle_reset(struct server *srv)
{
	struct handle_table *t = srv->handles;
	uint32_t i;

	pthread_mutex_lock(&t->lock);
	for (i = 0; i < t->n; i++)
		if (t->e[i].h)
			close_entry(t, &t->e[i]);
	pthread_mutex_unlock(&t->lock);
}
