/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that are being made, and programs that make them: what is ended early leaves none. */
#ifndef IMAGE_NEW_H
#define IMAGE_NEW_H

/**
 * image_new() - make a file that goes when this program ends, or is ended
 * @path:	where nothing is yet, no link either; the program ends if there is
 *
 * Return: a descriptor.
 */
int image_new(const char *path);

/**
 * image_stays() - a file of image_new() is complete
 */
void image_stays(const char *path);

/**
 * image_child() - run a program, which does not outlive this one
 * @words:	its name and arguments
 *
 * Return: its status as of wait(2); an exit with 127 when it cannot be run.
 */
int image_child(const char *const *words);

#endif /* IMAGE_NEW_H */
