/* SPDX-License-Identifier: MIT */
/*
 * A sum that tells damaged bytes from whole ones.  Against accidents, not
 * against anybody who wants to fool it.  Context: any.
 */
#ifndef UZ_STORE_SUM_H
#define UZ_STORE_SUM_H

#include <stddef.h>
#include <stdint.h>

/* Of the LEN bytes at BUF; all its bits are good.  SEED: another sum. */
uint64_t sum_bytes(const void *buf, size_t len, uint64_t seed);

#endif
