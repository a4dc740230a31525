// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suite of dm_rq_seq.c, which includes this file: what the tracepoints
 * may say, in this order, and what they may not.  A device that obeys the rules
 * cannot show that the monitor would notice one that does not.
 */

#include <kunit/test.h>

/* No block device has a number like that. */
#define TEST_DEV MKDEV(0, 42)

/* What a letter stands for */
static const struct {
	char letter;
	void (*seen)(struct seq_device *d, int detail);
	int detail;
} test_letters[] = {
	{ '(', seen_gate_close },
	{ ')', seen_gate_open },
	{ 'd', seen_drain },
	{ 'D', seen_drained },
	{ 'h', seen_hold },
	{ 'l', seen_release },
	{ 'i', seen_io },
	{ 'I', seen_io_end, false },
	{ 'O', seen_io_end, true },
	{ 'f', seen_fua },
	{ 'r', seen_round_start },
	{ 'k', seen_round_end, 0 },
	{ 'e', seen_round_end, -EIO },
	{ 'q', seen_requeue, 1 },
	{ 'Q', seen_requeue, 2 },
	{ 'n', seen_mode, true },
	{ 'v', seen_mode, false },
	{ ' ', NULL },
};

struct seq_case {
	const char *name;
	const char *letters;
	/* What is said of the last one, nothing if all is well */
	const char *said;
};

#define EVENT_IN(event, state) \
	"rv: monitor dm_rq_seq does not allow event " event " on state " \
	state " of 0:42\n"

static const struct seq_case seq_cases[] = {
	/* What is right */
	{ "fsync", "(hDrk) (hDrk)" },
	{ "commit", "(hDrkiOhrk) (hDrkiOhrk)" },
	{ "drain", "(hdhDrk)" },
	{ "write with a pre-flush alone", "(hDrkiI) (hDrk)" },
	{ "several barrier I/Os", "(hDrkiiOiIhOrk)" },
	{ "barrier I/O in two goes", "(hDrkiOiIrk) (hDrkiIiOrk)" },
	{ "post-flush and pre-flush in one", "(hDrkiOhrkiOrk)" },
	{ "the gate stays closed", "(hDrkiOhrkldhDrkDrkdDrk)" },
	{ "writes are let go", "(hDrkiOhrkl) (hDrk)" },
	{ "extra round", "(hDrkiOhrkhlDrk)" },
	{ "pre-flush again", "(hDrkqhrkqrkiI)" },
	{ "post-flush again", "(hDrkiOhrkqrk)" },
	{ "pre-flush fails", "(hDre)" },
	{ "post-flush fails", "(hDrkiOre) (hDrkiOrelDrk)" },
	{ "a flush in the way fails", "(hDrkiOrerk)" },
	{ "a flush in the way fails, and a write that joins then",
	  "(hDrkiOreiIrk)" },
	{ "the same after the flush in the way had to come again",
	  "(hDrkiOrkqreiIrk)" },
	{ "barrier I/O fails", "(hDrkiIldDrkiiIOhrk)" },
	{ "several flushes again", "(hDrkQrkirkI) (hDrk)" },
	{ "mode flush", "(hDrk) vrkrqre" },
	{ "mode flush, and back", "(hDrk) vrkn (hDrk) (hDrk)" },
	{ "the mode is seen late", "(hDrk)rkvr(hnkDrk) (hDrk)" },
	{ "the mode is switched before the drain", "(hdvll)rkn (hDrk) (hDrk)" },
	{ "that is seen late", "(h)rkv" },
	{ "the mode is switched in a sequence",
	  "(hDrvkiOhrkll)rkn (hDrk) (hDrk)" },
	{ "it is switched there and back", "(hDrvkiOnhrk) (hDrk)" },
	{ "rounds left over by mode flush", "(hDrk) vn (hrkdrqrkDrk)" },
	{ "rounds of FUA writes", "(hDrk) frkrk(hdrkDrk)" },
	{ "rounds of FUA barrier I/O", "(hDrkifrkIifirkII) (hDrk)" },

	/* What is wrong */
	{ "the gate is opened with barrier I/O in flight", "(hDrkiiI)",
	  EVENT_IN("gate_open", "barrier") },
	{ "the gate is opened in a pre-flush", "(hDr)",
	  EVENT_IN("gate_open", "pre_flush") },
	{ "the gate is opened before the post-flush", "(hDrkiiOI)",
	  EVENT_IN("gate_open", "owed") },
	{ "writes are let go before the post-flush", "(hDrkiOhl",
	  EVENT_IN("release", "owed") },
	{ "a drain before the post-flush", "(hDrkiOhD",
	  EVENT_IN("drained", "owed") },
	{ "a round that nobody is owed", "(hDrkiIr",
	  EVENT_IN("round_start", "written") },
	{ "the same after a post-flush", "(hDrkiOrkiIr",
	  EVENT_IN("round_start", "written") },
	{ "the same after a sequence whose post-flush failed",
	  "(hDrkiOre) (hDrkiIr",
	  EVENT_IN("round_start", "written") },
	{ "the gate is opened in a post-flush", "(hDrkiOr)",
	  EVENT_IN("gate_open", "post_flush") },
	{ "the gate is opened while a pre-flush waits for a path", "(hDrkq)",
	  EVENT_IN("gate_open", "pre_again") },
	{ "the gate is opened while a post-flush waits for a path",
	  "(hDrkiOhrkq)",
	  EVENT_IN("gate_open", "post_again") },
	{ "the gate is opened between drain and round", "(hD)",
	  EVENT_IN("gate_open", "dry") },
	{ "the gate is opened and nothing was flushed", "(h) (",
	  EVENT_IN("gate_close", "doubt") },
	{ "the gate is opened before the barrier I/O", "(hDrk)i",
	  EVENT_IN("io", "open") },
	{ "the gate is opened twice", "(hDrk))",
	  EVENT_IN("gate_open", "open") },
	{ "the gate is closed twice", "(h(",
	  EVENT_IN("gate_close", "closed") },
	{ "a round without a drain", "(hDrk) (hDrkr",
	  EVENT_IN("round_start", "pre_flushed") },
	{ "a round after a sequence without a drain", "(hDrkiOhrkr",
	  EVENT_IN("round_start", "post_flushed") },
	{ "a round with barrier I/O in flight", "(hDrkir",
	  EVENT_IN("round_start", "barrier") },
	{ "a round with the gate open, as the gate tells", "(hDrk)rk(",
	  EVENT_IN("gate_close", "doubt") },
	{ "a round with the gate open, as the mode tells", "(hDrk)rkn",
	  EVENT_IN("mode_on", "doubt") },
	{ "a round in a round", "(hDrr",
	  EVENT_IN("round_start", "pre_flush") },
	{ "a round that ends twice", "(hDrkk",
	  EVENT_IN("round_end", "pre_flushed") },
	{ "barrier I/O before the drain", "(hi",
	  EVENT_IN("io", "closed") },
	{ "barrier I/O in the drain", "(hdi",
	  EVENT_IN("io", "draining") },
	{ "barrier I/O in a pre-flush", "(hDri",
	  EVENT_IN("io", "pre_flush") },
	{ "barrier I/O in a post-flush", "(hDrkiOri",
	  EVENT_IN("io", "post_flush") },
	{ "barrier I/O that was not flushed before", "(hDrkqi",
	  EVENT_IN("io", "pre_again") },
	{ "barrier I/O that ends twice", "(hDrkiII",
	  EVENT_IN("io_end", "written") },
	{ "a write held by an open gate", "(hDrk)h",
	  EVENT_IN("hold", "open") },
	{ "a write held in mode flush", "(hDrk) vh",
	  EVENT_IN("hold", "off") },
	{ "writes let go in front of a flush", "(hhlD",
	  EVENT_IN("drained", "dissolving") },
	{ "writes let go in a drain", "(hdlD",
	  EVENT_IN("drained", "dissolving") },
	{ "writes let go in a round", "(hDrl",
	  EVENT_IN("release", "pre_flush") },
	{ "writes let go during barrier I/O", "(hDrkil",
	  EVENT_IN("release", "barrier") },
	{ "a drain during barrier I/O", "(hDrkid",
	  EVENT_IN("drain", "barrier") },
	{ "a drain in a drain", "(hdd",
	  EVENT_IN("drain", "draining") },
	{ "a stray round after the drain", "(hDrk) f(hDrkiOrkr",
	  EVENT_IN("round_start", "post_flushed") },
	{ "a stray round in mode drain_flush", "(hDrk) vn (hDrk)rk(",
	  EVENT_IN("gate_close", "doubt") },
};

KUNIT_ARRAY_PARAM_DESC(seq, seq_cases, name);

static char said[128];

/* A reactor */
static __printf(1, 0) void listen(const char *format, va_list args)
{
	vsnprintf(said, sizeof(said), format, args);
}

struct seq_test {
	bool enabled;
	typeof(rv_dm_rq_seq.react) react;
};

static int seq_test_init(struct kunit *test)
{
	struct seq_device *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);
	struct seq_test *was = kunit_kzalloc(test, sizeof(*was), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_ASSERT_NOT_NULL(test, was);
	was->enabled = rv_dm_rq_seq.enabled;
	was->react = rv_dm_rq_seq.react;
	test->priv = was;

	raw_spin_lock_init(&d->lock);
	d->dev = TEST_DEV;
	KUNIT_ASSERT_EQ(test, xa_insert(&devices, TEST_DEV, d, GFP_KERNEL), 0);
	rv_dm_rq_seq.enabled = true;
	rv_dm_rq_seq.react = listen;
	said[0] = '\0';
	return 0;
}

static void seq_test_exit(struct kunit *test)
{
	struct seq_test *was = test->priv;

	if (!was)
		return;

	rv_dm_rq_seq.enabled = was->enabled;
	rv_dm_rq_seq.react = was->react;
	xa_erase(&devices, TEST_DEV);
	synchronize_rcu();
}

static void say(struct kunit *test, char letter)
{
	for (int i = 0; i < ARRAY_SIZE(test_letters); i++) {
		if (test_letters[i].letter != letter)
			continue;
		if (test_letters[i].seen)
			handle(TEST_DEV, test_letters[i].seen,
			       test_letters[i].detail);
		return;
	}

	KUNIT_FAIL(test, "nothing has the letter %c", letter);
}

static void say_all(struct kunit *test, const char *letters)
{
	for (const char *letter = letters; *letter; letter++) {
		KUNIT_EXPECT_STREQ_MSG(test, said, "", "before %s", letter);
		say(test, *letter);
	}
}

static void seq_obeyed_or_not(struct kunit *test)
{
	const struct seq_case *c = test->param_value;

	say_all(test, c->letters);
	KUNIT_EXPECT_STREQ(test, said, c->said ?: "");
}

/* After an error, and if it was there before, its gate has to be closed. */
static void seq_waits_for_gate(struct kunit *test)
{
	say_all(test, "hiDril)Ik");
	say_all(test, "(hDrk)i");
	KUNIT_EXPECT_STREQ(test, said, EVENT_IN("io", "open"));
	said[0] = '\0';
	say_all(test, "ihrI(hDrk)");
	reset_dm_rq_seq();
	say_all(test, "ihrI(hDrk)i");
	KUNIT_EXPECT_STREQ(test, said, EVENT_IN("io", "open"));
}

static void seq_of_unknown_device(struct kunit *test)
{
	handle(MKDEV(0, 43), seen_gate_close, 0);
	handle(MKDEV(0, 43), seen_io, 0);
	KUNIT_EXPECT_STREQ(test, said, "");
}

static void seq_disabled(struct kunit *test)
{
	say_all(test, "(hDrk)");
	rv_dm_rq_seq.enabled = false;
	say_all(test, "i");
	KUNIT_EXPECT_STREQ(test, said, "");
}

static struct kunit_case seq_test_cases[] = {
	KUNIT_CASE_PARAM(seq_obeyed_or_not, seq_gen_params),
	KUNIT_CASE(seq_waits_for_gate),
	KUNIT_CASE(seq_of_unknown_device),
	KUNIT_CASE(seq_disabled),
	{}
};

static struct kunit_suite seq_test_suite = {
	.name = "dm-rq-seq",
	.init = seq_test_init,
	.exit = seq_test_exit,
	.test_cases = seq_test_cases,
};

kunit_test_suite(seq_test_suite);
