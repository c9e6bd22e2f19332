/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What EL2 tells about itself.
 */
#ifndef HYP_STATUS_H
#define HYP_STATUS_H

#include <redoubt_port.h>

/** status_geometry() - The geometry in use, as RD_GEO_* of <redoubt/abi.h>. */
u64 status_geometry(void);

#endif /* HYP_STATUS_H */
