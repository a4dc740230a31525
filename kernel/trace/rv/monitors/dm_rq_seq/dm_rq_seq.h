/*
 * Automatically generated C representation of dm_rq_seq automaton
 * For further information about this format, see kernel documentation:
 *   Documentation/trace/rv/deterministic_automata.rst
 */

enum states_dm_rq_seq {
	off_dm_rq_seq = 0,
	barrier_dm_rq_seq,
	closed_dm_rq_seq,
	dissolving_dm_rq_seq,
	doubt_dm_rq_seq,
	draining_dm_rq_seq,
	dry_dm_rq_seq,
	open_dm_rq_seq,
	owed_dm_rq_seq,
	post_again_dm_rq_seq,
	post_failed_dm_rq_seq,
	post_flush_dm_rq_seq,
	post_flushed_dm_rq_seq,
	pre_again_dm_rq_seq,
	pre_flush_dm_rq_seq,
	pre_flushed_dm_rq_seq,
	released_dm_rq_seq,
	written_dm_rq_seq,
	state_max_dm_rq_seq
};

#define INVALID_STATE state_max_dm_rq_seq

enum events_dm_rq_seq {
	drain_dm_rq_seq = 0,
	drained_dm_rq_seq,
	gate_close_dm_rq_seq,
	gate_off_dm_rq_seq,
	gate_open_dm_rq_seq,
	hold_dm_rq_seq,
	io_dm_rq_seq,
	io_end_dm_rq_seq,
	io_last_dm_rq_seq,
	io_owed_dm_rq_seq,
	io_perhaps_dm_rq_seq,
	mode_off_dm_rq_seq,
	mode_on_dm_rq_seq,
	release_dm_rq_seq,
	requeue_dm_rq_seq,
	round_end_dm_rq_seq,
	round_error_dm_rq_seq,
	round_start_dm_rq_seq,
	stray_round_dm_rq_seq,
	event_max_dm_rq_seq
};

struct automaton_dm_rq_seq {
	char *state_names[state_max_dm_rq_seq];
	char *event_names[event_max_dm_rq_seq];
	unsigned char function[state_max_dm_rq_seq][event_max_dm_rq_seq];
	unsigned char initial_state;
	bool final_states[state_max_dm_rq_seq];
};

static const struct automaton_dm_rq_seq automaton_dm_rq_seq = {
	.state_names = {
		"off",
		"barrier",
		"closed",
		"dissolving",
		"doubt",
		"draining",
		"dry",
		"open",
		"owed",
		"post_again",
		"post_failed",
		"post_flush",
		"post_flushed",
		"pre_again",
		"pre_flush",
		"pre_flushed",
		"released",
		"written"
	},
	.event_names = {
		"drain",
		"drained",
		"gate_close",
		"gate_off",
		"gate_open",
		"hold",
		"io",
		"io_end",
		"io_last",
		"io_owed",
		"io_perhaps",
		"mode_off",
		"mode_on",
		"release",
		"requeue",
		"round_end",
		"round_error",
		"round_start",
		"stray_round"
	},
	.function = {
		{           INVALID_STATE,           INVALID_STATE,        closed_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           off_dm_rq_seq,           off_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           off_dm_rq_seq },
		{           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,       barrier_dm_rq_seq,       barrier_dm_rq_seq,       barrier_dm_rq_seq,       written_dm_rq_seq,          owed_dm_rq_seq,   post_failed_dm_rq_seq,       barrier_dm_rq_seq,       barrier_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,       barrier_dm_rq_seq },
		{      draining_dm_rq_seq,           dry_dm_rq_seq,           INVALID_STATE,           off_dm_rq_seq,         doubt_dm_rq_seq,        closed_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,        closed_dm_rq_seq,        closed_dm_rq_seq,    dissolving_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,        closed_dm_rq_seq },
		{           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           off_dm_rq_seq,         doubt_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,    dissolving_dm_rq_seq,    dissolving_dm_rq_seq,    dissolving_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE },
		{           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           off_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,         doubt_dm_rq_seq,         doubt_dm_rq_seq,         doubt_dm_rq_seq,         doubt_dm_rq_seq,         doubt_dm_rq_seq },
		{           INVALID_STATE,           dry_dm_rq_seq,           INVALID_STATE,           off_dm_rq_seq,         doubt_dm_rq_seq,      draining_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,      draining_dm_rq_seq,      draining_dm_rq_seq,    dissolving_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,      draining_dm_rq_seq },
		{           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           dry_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           dry_dm_rq_seq,           dry_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,     pre_flush_dm_rq_seq,           INVALID_STATE },
		{           INVALID_STATE,           INVALID_STATE,        closed_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           off_dm_rq_seq,          open_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,         doubt_dm_rq_seq,          open_dm_rq_seq },
		{           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,          owed_dm_rq_seq,       barrier_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,          owed_dm_rq_seq,          owed_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,    post_flush_dm_rq_seq,           INVALID_STATE },
		{           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,    post_again_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,    post_again_dm_rq_seq,    post_again_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,    post_flush_dm_rq_seq,           INVALID_STATE },
		{      draining_dm_rq_seq,           dry_dm_rq_seq,           INVALID_STATE,           off_dm_rq_seq,          open_dm_rq_seq,   post_failed_dm_rq_seq,       barrier_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,   post_failed_dm_rq_seq,   post_failed_dm_rq_seq,      released_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,    post_flush_dm_rq_seq,           INVALID_STATE },
		{           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,    post_flush_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,    post_flush_dm_rq_seq,    post_flush_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,  post_flushed_dm_rq_seq,   post_failed_dm_rq_seq,           INVALID_STATE,           INVALID_STATE },
		{      draining_dm_rq_seq,           dry_dm_rq_seq,           INVALID_STATE,           off_dm_rq_seq,          open_dm_rq_seq,  post_flushed_dm_rq_seq,       barrier_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,  post_flushed_dm_rq_seq,  post_flushed_dm_rq_seq,      released_dm_rq_seq,    post_again_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE },
		{           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,     pre_again_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,     pre_again_dm_rq_seq,     pre_again_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,     pre_flush_dm_rq_seq,           INVALID_STATE },
		{           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,     pre_flush_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,     pre_flush_dm_rq_seq,     pre_flush_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,   pre_flushed_dm_rq_seq,   pre_flushed_dm_rq_seq,           INVALID_STATE,           INVALID_STATE },
		{      draining_dm_rq_seq,           dry_dm_rq_seq,           INVALID_STATE,           off_dm_rq_seq,          open_dm_rq_seq,   pre_flushed_dm_rq_seq,       barrier_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,   pre_flushed_dm_rq_seq,   pre_flushed_dm_rq_seq,      released_dm_rq_seq,     pre_again_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE },
		{      draining_dm_rq_seq,           dry_dm_rq_seq,           INVALID_STATE,           off_dm_rq_seq,          open_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,      released_dm_rq_seq,      released_dm_rq_seq,    dissolving_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE },
		{      draining_dm_rq_seq,           dry_dm_rq_seq,           INVALID_STATE,           off_dm_rq_seq,          open_dm_rq_seq,       written_dm_rq_seq,       barrier_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,       written_dm_rq_seq,       written_dm_rq_seq,      released_dm_rq_seq,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE,           INVALID_STATE },
	},
	.initial_state = off_dm_rq_seq,
	.final_states = { 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
};
