// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite dm-rq-events: G5 of the ordered sequencer.
 *
 * An ordered sequence is stopped at each of its steps, and there something
 * happens to the device: a path fails, all paths are gone, it is suspended, gets
 * another table, another mode, or is replaced by the error target as a forced
 * removal does.  Every step meets every event, with every elevator.
 *
 * What is proved each time: all I/O ends, and ends once; without an error unless
 * the event is one; a suspended device issues nothing; a suspend that is not
 * noflush lets barrier I/O that was issued have its post-flush before (P8); and
 * the order is kept: a write that came after the barrier is issued after all of
 * its flushes.
 *
 * The letters: write a came before barrier I/O c, write b after it.  Barrier I/O
 * d comes while c is under way, so that one flush is c's post-flush and d's
 * pre-flush, with b between.
 *
 * This file is released under the GPL.
 */

#include "dm-rq-fake.h"

#define BARRIER	(REQ_PREFLUSH | REQ_FUA)

enum step {
	STEP_DRAIN,
	STEP_PREFLUSH,
	STEP_PREFLUSH_ENDED,
	STEP_DATA,
	STEP_DATA_ENDED,
	STEP_POSTFLUSH,
	STEP_BETWEEN_ROUNDS,
	NR_STEPS,
};

static const char * const step_names[NR_STEPS] = {
	[STEP_DRAIN]		= "drain",
	[STEP_PREFLUSH]		= "pre-flush",
	[STEP_PREFLUSH_ENDED]	= "pre-flush ended",
	[STEP_DATA]		= "barrier I/O",
	[STEP_DATA_ENDED]	= "barrier I/O ended",
	[STEP_POSTFLUSH]	= "post-flush",
	[STEP_BETWEEN_ROUNDS]	= "between two rounds",
};

enum event {
	EVENT_PATH_FAILS,
	EVENT_NO_PATH_QUEUE,
	EVENT_NO_PATH_FAIL,
	EVENT_SUSPEND,
	EVENT_SUSPEND_NOFLUSH,
	EVENT_RELOAD,
	EVENT_MODE_FLUSH,
	EVENT_MODE_NONE,
	EVENT_MODE_AND_BACK,
	EVENT_REMOVE,
	NR_EVENTS,
};

static const char * const event_names[NR_EVENTS] = {
	[EVENT_PATH_FAILS]	= "path failure",
	[EVENT_NO_PATH_QUEUE]	= "no path, queueing",
	[EVENT_NO_PATH_FAIL]	= "no path, failing",
	[EVENT_SUSPEND]		= "suspend",
	[EVENT_SUSPEND_NOFLUSH]	= "noflush suspend",
	[EVENT_RELOAD]		= "reload",
	[EVENT_MODE_FLUSH]	= "mode flush",
	[EVENT_MODE_NONE]	= "mode none",
	[EVENT_MODE_AND_BACK]	= "mode none and back",
	[EVENT_REMOVE]		= "forced removal",
};

static const char * const elevators[] = { "none", "mq-deadline", "kyber", "bfq" };

#define NR_CASES	(ARRAY_SIZE(elevators) * NR_STEPS * NR_EVENTS)

/* A case is known by its place in this array. */
static const char cases[NR_CASES];

struct scene {
	enum step step;
	enum event event;
	const char *elevator;
	struct dm_rq_fake_io *io[4];
	unsigned int nr_io;
	bool quiesced;
};

static void get_scene(const void *param, struct scene *scene)
{
	size_t i = (const char *)param - cases;

	memset(scene, 0, sizeof(*scene));
	scene->event = i % NR_EVENTS;
	scene->step = i / NR_EVENTS % NR_STEPS;
	scene->elevator = elevators[i / NR_EVENTS / NR_STEPS];
}

static const void *case_gen_params(struct kunit *test, const void *prev,
				   char *desc)
{
	const char *next = prev ? (const char *)prev + 1 : cases;
	struct scene scene;

	if (next == cases + NR_CASES)
		return NULL;

	get_scene(next, &scene);
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %s, %s", scene.elevator,
		 step_names[scene.step], event_names[scene.event]);
	return next;
}

/* --- the steps ----------------------------------------------------------- */

static void submit(struct kunit *test, struct scene *scene, char name,
		   blk_opf_t flags)
{
	scene->io[scene->nr_io++] = dm_rq_fake_write(test, name, flags);
}

/* The block layer cannot hand in what comes next. */
static void quiesce(struct kunit *test, struct scene *scene)
{
	struct dm_rq_fake *f = test->priv;

	blk_mq_quiesce_queue(f->md->queue);
	scene->quiesced = true;
}

static void unquiesce(struct kunit *test, struct scene *scene)
{
	struct dm_rq_fake *f = test->priv;

	if (scene->quiesced)
		blk_mq_unquiesce_queue(f->md->queue);
	scene->quiesced = false;
}

static void begin(struct kunit *test, struct scene *scene)
{
	struct dm_rq_fake *f = test->priv;

	dm_rq_fake_create(test);
	dm_rq_fake_elevator(test, scene->elevator, ARRAY_SIZE(scene->io), 1);
	f->disk[0].context = FAKE_HOLD;
	submit(test, scene, 'a', 0);
	dm_rq_fake_expect_log(test, "a");
	submit(test, scene, 'c', BARRIER);
	dm_rq_fake_expect_held(test, 1);
	submit(test, scene, 'b', 0);
	dm_rq_fake_expect_held(test, 2);
}

static void go_to_step(struct kunit *test, struct scene *scene)
{
	struct dm_rq_fake *f = test->priv;

	begin(test, scene);
	if (scene->step == STEP_DRAIN)
		return;

	dm_rq_fake_end(test, 'a');
	dm_rq_fake_expect_log(test, "aF");
	if (scene->step == STEP_PREFLUSH)
		return;

	if (scene->step == STEP_PREFLUSH_ENDED)
		quiesce(test, scene);
	dm_rq_fake_end(test, 'F');
	fake_wait_for(test, !dm_rq_fake_sequencer(f).flushes);
	if (scene->step == STEP_PREFLUSH_ENDED)
		return;

	dm_rq_fake_expect_log(test, "aFc");
	if (scene->step == STEP_DATA)
		return;

	if (scene->step == STEP_BETWEEN_ROUNDS)
		submit(test, scene, 'd', BARRIER);
	if (scene->step == STEP_DATA_ENDED)
		quiesce(test, scene);
	dm_rq_fake_end(test, 'c');
	fake_wait_for(test, !dm_rq_fake_sequencer(f).barriers);
	if (scene->step == STEP_DATA_ENDED)
		return;

	dm_rq_fake_expect_log(test, "aFcF");
	if (scene->step == STEP_POSTFLUSH)
		return;

	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "aFcFb");
	dm_rq_fake_expect_held(test, 1);
}

/* --- the events ---------------------------------------------------------- */

/* What is on the disk fails, and so does what comes next. */
static void fail_path(struct kunit *test, struct scene *scene)
{
	struct dm_rq_fake *f = test->priv;

	dm_rq_fake_fail_started(&f->disk[0], &dm_rq_fake_again);
	dm_rq_fake_script(&f->writes, &dm_rq_fake_again, NULL, NULL);
	dm_rq_fake_script(&f->flushes, &dm_rq_fake_again, NULL, NULL);
}

static const struct dm_rq_fake_outcome no_path_queue = {
	.map = DM_MAPIO_DELAY_REQUEUE,
};

static const struct dm_rq_fake_outcome no_path_fail = {
	.map = DM_MAPIO_KILL,
};

static void lose_paths(struct kunit *test,
		       const struct dm_rq_fake_outcome *started,
		       const struct dm_rq_fake_outcome *next)
{
	struct dm_rq_fake *f = test->priv;

	dm_rq_fake_fail_started(&f->disk[0], started);
	dm_rq_fake_script(&f->writes, next, next, NULL);
	dm_rq_fake_script(&f->flushes, next, NULL, NULL);
}

/* End whatever the disk has until the device is suspended. */
static void suspend(struct kunit *test, struct scene *scene, unsigned int flags)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_background *bg;
	unsigned int issued;

	bg = dm_rq_fake_start(test, dm_rq_fake_suspend, flags);
	/* Let it get as far as it does with the sequence as it stands */
	fsleep(2 * USEC_PER_MSEC);
	unquiesce(test, scene);
	while (!completion_done(&bg->done)) {
		dm_rq_fake_release(&f->disk[0]);
		fsleep(200);
	}
	KUNIT_ASSERT_EQ(test, dm_rq_fake_finish(test, bg), 0);

	issued = f->disk[0].nr_log;
	flush_workqueue(f->md->wq);
	fsleep(2 * USEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_held(&f->disk[0]), 0);
	KUNIT_EXPECT_EQ(test, f->disk[0].nr_log, issued);
}

/* P8: is there a flush behind the last barrier I/O that was issued? */
static void expect_postflushed(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	const char *log = f->disk[0].log;
	const char *last = strrchr(log, 'd') ?: strrchr(log, 'c');

	if (last)
		KUNIT_EXPECT_NOT_NULL_MSG(test, strchr(last, 'F'), "%s", log);
}

static void reload(struct kunit *test, const char *type, const char *params)
{
	struct dm_table *t;

	KUNIT_ASSERT_EQ(test, dm_rq_fake_table(test, type, params, &t), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_swap(test, t), 0);
}

static void happen(struct kunit *test, struct scene *scene)
{
	struct dm_rq_fake *f = test->priv;

	switch (scene->event) {
	case EVENT_PATH_FAILS:
		fail_path(test, scene);
		break;
	case EVENT_NO_PATH_QUEUE:
		lose_paths(test, &dm_rq_fake_again, &no_path_queue);
		break;
	case EVENT_NO_PATH_FAIL:
		lose_paths(test, &dm_rq_fake_medium, &no_path_fail);
		break;
	case EVENT_SUSPEND:
		suspend(test, scene, 0);
		expect_postflushed(test);
		KUNIT_EXPECT_EQ(test, dm_resume(f->md), 0);
		break;
	case EVENT_SUSPEND_NOFLUSH:
		suspend(test, scene, DM_SUSPEND_NOFLUSH_FLAG);
		KUNIT_EXPECT_EQ(test, dm_resume(f->md), 0);
		break;
	case EVENT_RELOAD:
		suspend(test, scene, DM_SUSPEND_NOFLUSH_FLAG);
		reload(test, "dm-rq-fake", dm_rq_fake_path(test, 1));
		break;
	case EVENT_MODE_FLUSH:
		dm_rq_fake_set_mode(test, "flush");
		break;
	case EVENT_MODE_NONE:
		dm_rq_fake_set_mode(test, "none");
		break;
	case EVENT_MODE_AND_BACK:
		dm_rq_fake_set_mode(test, "none");
		dm_rq_fake_set_mode(test, "drain_flush");
		break;
	case EVENT_REMOVE:
		suspend(test, scene, DM_SUSPEND_NOFLUSH_FLAG);
		reload(test, "error", "");
		break;
	case NR_EVENTS:
		break;
	}
}

/* --- the outcome --------------------------------------------------------- */

static bool is_error_event(enum event event)
{
	return event == EVENT_NO_PATH_FAIL || event == EVENT_REMOVE;
}

static bool is_mode_event(enum event event)
{
	return event == EVENT_MODE_FLUSH || event == EVENT_MODE_NONE;
}

/* Does what is in line go on if no sequence is running at that moment? */
static bool may_let_go(enum event event)
{
	return is_mode_event(event) || event == EVENT_MODE_AND_BACK;
}

/* The disk ends what it gets from now on, and what it has. */
static void let_it_run(struct kunit *test, struct scene *scene)
{
	struct dm_rq_fake *f = test->priv;

	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_release(&f->disk[0]);
	unquiesce(test, scene);
	for (unsigned int i = 0; i < scene->nr_io; i++) {
		int error = dm_rq_fake_wait(test, scene->io[i]);

		if (!is_error_event(scene->event))
			KUNIT_EXPECT_EQ(test, error, 0);
	}
}

/* Is @then in the log behind the last @first? */
static void expect_after(struct kunit *test, const char *log, char first,
			 char then)
{
	const char *last = strrchr(log, first);

	KUNIT_ASSERT_NOT_NULL_MSG(test, last, "no %c in %s", first, log);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strchr(last, then),
				  "no %c behind the last %c in %s", then,
				  first, log);
}

static void expect_order(struct kunit *test, struct scene *scene)
{
	struct dm_rq_fake *f = test->priv;
	char log[2 * FAKE_MAX_LOG + 1];
	const char *c, *flush;

	/* What is on the second disk was issued after a reload */
	snprintf(log, sizeof(log), "%s%s", f->disk[0].log, f->disk[1].log);
	expect_after(test, log, 'c', 'F');
	c = strchr(log, 'c');
	flush = strchr(log, 'F');
	KUNIT_EXPECT_TRUE_MSG(test, flush && flush < c, "%s", log);

	/* Nobody had to wait any more for a sequence that had not begun */
	if (scene->step == STEP_DRAIN && may_let_go(scene->event))
		return;

	KUNIT_EXPECT_TRUE_MSG(test, strrchr(log, 'a') < flush, "%s", log);
	if (scene->step != STEP_BETWEEN_ROUNDS) {
		expect_after(test, log, 'F', 'b');
		return;
	}

	/* b was under way when it happened; d's pre-flush had to wait for it */
	if (!may_let_go(scene->event))
		expect_after(test, log, 'b', 'F');
	expect_after(test, log, 'd', 'F');
}

/* The sequence is over, nothing is left of it, and the mode is in force. */
static void expect_idle(struct kunit *test, struct scene *scene)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_sequencer s;

	fake_wait_for(test, dm_rq_fake_sequencer(f).gate != GATE_CLOSED);
	s = dm_rq_fake_sequencer(f);
	KUNIT_EXPECT_EQ(test, s.gate, is_mode_event(scene->event) ? GATE_OFF :
			GATE_OPEN);
	KUNIT_EXPECT_EQ(test, s.held + s.flushes + s.expected + s.barriers +
			s.owed, 0);
	for (unsigned int i = 0; i < f->md->tag_set->nr_hw_queues; i++)
		KUNIT_EXPECT_EQ(test, s.hw[i].due + s.hw[i].owed +
				s.hw[i].flush, 0);
}

static void events_at_step(struct kunit *test)
{
	struct scene scene;

	get_scene(test->param_value, &scene);
	go_to_step(test, &scene);
	happen(test, &scene);
	let_it_run(test, &scene);
	if (!is_error_event(scene.event))
		expect_order(test, &scene);
	expect_idle(test, &scene);
}

static struct kunit_case events_cases[] = {
	KUNIT_CASE_PARAM(events_at_step, case_gen_params),
	{ }
};

static struct kunit_suite events_suite = {
	.name = "dm-rq-events",
	.init = dm_rq_fake_init_ordered,
	.exit = dm_rq_fake_exit,
	.test_cases = events_cases,
};

kunit_test_suites(&events_suite);
