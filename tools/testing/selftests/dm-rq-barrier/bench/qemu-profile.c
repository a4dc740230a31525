// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU that counts instructions by address: where does the time go,
 * if each instruction takes the same?
 *
 *	-plugin qemu-profile.so,out=FILE
 *
 * At the end a line "ADDRESS INSTRUCTIONS" is written to FILE for each block of
 * code that was executed; the address is that of its first instruction.  A block
 * ends at a jump, so it hardly ever reaches into another function.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu-plugin-api.h"

#define BUCKETS		65536

struct block {
	struct block *next;
	uint64_t address;
	uint64_t instructions;
};

int qemu_plugin_version = PLUGIN_API;

static struct block *blocks[BUCKETS];
static const char *out;

static struct block *find_block(uint64_t address)
{
	struct block **bucket = &blocks[(address ^ address >> 16) % BUCKETS];
	struct block *block;

	for (block = *bucket; block; block = block->next) {
		if (block->address == address)
			return block;
	}

	block = calloc(1, sizeof(*block));
	if (!block)
		abort();
	block->address = address;
	block->next = *bucket;
	*bucket = block;
	return block;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	struct block *block = find_block(qemu_plugin_tb_vaddr(tb));

	qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64,
						 &block->instructions,
						 qemu_plugin_tb_n_insns(tb));
}

static void ended(uint64_t id, void *data)
{
	FILE *file = fopen(out, "w");
	struct block *block;
	int i;

	if (!file)
		return;
	for (i = 0; i < BUCKETS; i++) {
		for (block = blocks[i]; block; block = block->next)
			fprintf(file, "%llx %llu\n",
				(unsigned long long)block->address,
				(unsigned long long)block->instructions);
	}
	fclose(file);
}

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc,
			char **argv)
{
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	out = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
