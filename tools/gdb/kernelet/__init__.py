# SPDX-License-Identifier: GPL-2.0-only
"""gdb commands for a kernelet guest; see the modules."""
