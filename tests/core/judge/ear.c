// SPDX-License-Identifier: GPL-2.0-only
/* The listener of the traced port; see port/redoubt_port.h. */
#include "redoubt_port.h"

_Thread_local struct judge_ear judge_ear;
