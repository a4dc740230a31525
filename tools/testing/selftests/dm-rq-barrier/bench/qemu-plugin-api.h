/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What qemu-profile.c uses of QEMU, as its documentation has it ("QEMU TCG
 * Plugins").  Debian has no header for that.
 */

#ifndef DM_RQ_BENCH_QEMU_PLUGIN_API_H
#define DM_RQ_BENCH_QEMU_PLUGIN_API_H

#include <stddef.h>
#include <stdint.h>

#define PLUGIN_API	1
#define INLINE_ADD_U64	0

struct qemu_plugin_tb;
struct qemu_info;

void
qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
				      void (*fn)(uint64_t id,
						 struct qemu_plugin_tb *tb));
void
qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op,
					 void *counter, uint64_t add);
void
qemu_plugin_register_atexit_cb(uint64_t id, void (*fn)(uint64_t id, void *data),
			       void *data);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);

extern int qemu_plugin_version;
int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc,
			char **argv);

#endif
