/* SPDX-License-Identifier: GPL-2.0-only */
#include <asm/posix_types_64.h>
