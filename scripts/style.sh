#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make style: everything about the code that can be judged without running it.
# Each check is one test.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=config.sh
. scripts/config.sh
# shellcheck source=cases.sh
. scripts/cases.sh
# shellcheck source=style-text.sh
. scripts/style-text.sh
# shellcheck source=series-states.sh
. scripts/series-states.sh
# shellcheck source=style-series.sh
. scripts/style-series.sh
# shellcheck source=style-build.sh
. scripts/style-build.sh
# shellcheck source=style-clang.sh
. scripts/style-clang.sh
# shellcheck source=style-cocci.sh
. scripts/style-cocci.sh
# shellcheck source=style-docs.sh
. scripts/style-docs.sh

take_lock
load_base
if has_series; then
	sub series.sh
else
	sub tree.sh
fi
need_compiler
need_packages "the style checks" sparse shellcheck codespell python3-docutils \
	"$clang" coccinelle python3-sphinx python3-yaml
# rvgen of the newest kernels is written with it
[[ ! -d $TREE/tools/verification/rvgen ]] ||
	need_packages "the style checks" python3-lark
need_space 500 "the style checks"
setup_ccache
configure
# Debian's tools find Debian's modules, whatever else is first in PATH.
PATH=/usr/bin:$PATH

step "texts"
check "checkpatch, new files" check_new_files
check "checkpatch, hooks" check_hooks
check "monitors are what their models say" check_monitors
check "kernel-doc" check_kernel_doc
check "shellcheck" check_shell
check "python syntax" check_python
check "the tools' own tests" check_tools
check "reStructuredText" check_rst
check "ABI description" check_abi
check "MAINTAINERS covers every file" check_maintainers
if has_series; then
	check "checkpatch, series" check_series_patches
	check "the series speaks for itself" check_series_text
	check "the cover letter names what changes" check_series_scope
	check "the series finds its recipients" check_series_recipients
else
	for name in "checkpatch, series" "the series speaks for itself" \
		"the cover letter names what changes" \
		"the series finds its recipients"; do
		skip "$name" "series/ has no steps for $KERNEL"
	done
fi

step "building the touched pages of the documentation, logs in $docs"
build_docs
check "all touched pages are built" check_pages_built
check "the ABI is in its pages" check_abi_built
check "no new warning of the documentation" check_docs
check "pages that are mentioned exist" check_mentions

step "running $(rules | wc -l) of the kernel's semantic patches, logs in $cocci/logs"
run_coccicheck
check "the semantic patches ran" check_rules_ended
check "coccinelle understands the new files" check_readable
check "coccicheck" check_cocci
if ! command -v ocamlopt >/dev/null; then
	skip "coccicheck, rules in OCaml" "$(ocaml_rules | xargs -n 1 basename |
		paste -sd ' '): the package ocaml is not installed"
fi

step "building with C=1 W=1, log in $KB/lint.log"
lint_build
check "all new files are compiled" check_lint_built
check "sparse" check_sparse
check "gcc W=1" check_gcc

step "building with $clang and W=1, log in $KB/clang.log"
clang_build
check "all new files are compiled by clang" check_clang_built
check "clang W=1" check_clang

step "building without the option, log in $KB/off.log"
off_build
check "objects are made without the option" check_off_built
check "no trace of the feature without the option" check_off_symbols
check "no warning without the option" check_off_warnings
step "done"

report_counts style "$passed" "$failed" "$skipped"
