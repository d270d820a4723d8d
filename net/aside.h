/* A job beside the caller's thread. aside.c gives it a thread; aside_none.c stands in its
 * place in a build without threads (-DWEIR_THREADS=OFF).
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_NET_ASIDE_H
#define WEIR_NET_ASIDE_H

/*
 * Runs job(of) in a detached thread that takes no signals, and does not wait for it; what
 * it returns is dropped. Without threads: runs it here, before it returns. 0, or errno:
 * there is no thread for it, and it is not run.
 */
int weir_aside_run(void *(*job)(void *of), void *of);

#endif
