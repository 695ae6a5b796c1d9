/* SPDX-License-Identifier: GPL-2.0-only */
/* Disks of a guest, as --disk and "kernelet disk" name them. */
#ifndef DISKS_H
#define DISKS_H

#include "util.h"

#define MAX_DISKS	26	/* HOST_MAX_DISKS */

/**
 * disk_word() - the kernel's option for a disk
 * @n:		its number
 * @text:	FILE[:WORD[,WORD]...], or fd:N[:WORD...]
 *
 * What the words are is left to the kernel, which says so before it starts.
 * Return: a new string.
 */
char *disk_word(unsigned int n, const char *text);

/**
 * disk_path() - a disk's file
 * @text:	as for disk_word()
 * @rest:	result: what follows it in @text
 *
 * Return: a new string.
 */
char *disk_path(const char *text, const char **rest);

/**
 * disk_files() - what a disk lies in on the host
 * @text:	as for disk_word()
 * @files:	its file, and that of cow=, are added
 */
void disk_files(const char *text, struct words *files);

/**
 * disks_counted() - what a guest has done with its disks
 * @guest:	its name
 *
 * Return: lines KEY=VALUE, a new string: read and written, bytes of all disks; or
 * an empty one when its kernel does not say.
 */
char *disks_counted(const char *guest);

#endif /* DISKS_H */
