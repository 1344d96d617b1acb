#include "rolebridge/holder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A bridge in this process: what it answers, and how often it was asked. */
typedef struct {
    RbCli cli; /* first: issue() gets it */
    gint64 now;
    RbHolder *holder;
    GMutex mutex;
    guint asked;
    guint hold_us; /* how long an answer takes */
    RbRefusalCode refuse;
    RbFaultCode fault;
    guint told, told_failures;
} Fixture;

static gint64
fixed_now(gpointer data)
{
    return ((Fixture *)data)->now;
}

static RbLease *
issue(RbCli *cli, const char *account, const char *role, gint64 duration_s, gboolean fresh, GError **error)
{
    Fixture *f = (Fixture *)cli;
    g_autofree char *id = NULL;
    RbLease *lease = NULL;

    (void)fresh;
    g_usleep(f->hold_us);
    g_mutex_lock(&f->mutex);
    id = g_strdup_printf("ASIA%u", ++f->asked);
    if (f->refuse != RB_ACCEPTED)
        (void)rb_refuse(error, f->refuse, "no");
    else if (f->fault != RB_FAULT_NONE)
        (void)rb_fault(error, f->fault, "down");
    else {
        json_t *json = json_pack("{s:s, s:s, s:s, s:I, s:I}", "accessKeyId", id, "secretAccessKey", "SECRET",
                                 "sessionToken", "TOKEN", "expiration",
                                 (json_int_t)(f->now + (duration_s > 0 ? duration_s : 3600)) * 1000,
                                 "issuedAt", (json_int_t)f->now);
        lease = rb_lease_from_json(json, account, role);
        json_decref(json);
    }
    g_mutex_unlock(&f->mutex);
    return lease;
}

static int
set_up(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    f->now = 1795510800;
    f->cli.clock = (RbClock){ fixed_now, f };
    g_mutex_init(&f->mutex);
    f->holder = rb_holder_new(&f->cli, issue);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    Fixture *f = *state;

    rb_holder_free(f->holder);
    g_mutex_clear(&f->mutex);
    g_free(f);
    return 0;
}

static gboolean
get(Fixture *f, const char *id, GError **error)
{
    g_autoptr(RbLease) lease = rb_holder_get(f->holder, "prod", "ds", 0, FALSE, error);

    if (lease != NULL && !g_str_equal(lease->access_key_id, id))
        fail_msg("got %s, not %s", lease->access_key_id, id);
    return lease != NULL;
}

static gpointer
get_in_thread(gpointer data)
{
    return rb_holder_get(((Fixture *)data)->holder, "prod", "ds", 0, FALSE, NULL);
}

/* Returns: how many of @n threads got a lease. */
static guint
get_in_threads(Fixture *f, guint n)
{
    GThread *threads[100];
    guint got = 0;

    assert_true(n <= G_N_ELEMENTS(threads));
    for (guint i = 0; i < n; i++)
        threads[i] = g_thread_new("asks", get_in_thread, f);
    for (guint i = 0; i < n; i++) {
        RbLease *lease = g_thread_join(threads[i]);
        got += lease != NULL;
        rb_lease_free(lease);
    }
    return got;
}

static void
test_one_asks_for_all(void **state)
{
    Fixture *f = *state;

    f->hold_us = 200000;
    assert_int_equal(get_in_threads(f, 100), 100);
    assert_int_equal(f->asked, 1);
}

/* Who waited for a refusal has it too, instead of asking again, one after the other. */
static void
test_one_is_refused_for_all(void **state)
{
    Fixture *f = *state;

    f->hold_us = 500000;
    f->refuse = RB_MAPPING_NOT_ASSIGNED;
    assert_int_equal(get_in_threads(f, 50), 0);
    assert_in_range(f->asked, 1, 40); /* threads may have started late; not all of them */
}

static const struct {
    const char *name;
    gint64 left_s; /* of an hour's lease */
    gboolean fresh;
    RbRefusalCode refuse;
    RbFaultCode fault;
    guint want_asked; /* the first included */
    gboolean want_lease;
} ages[] = {
    { "young", 3000, FALSE, RB_ACCEPTED, RB_FAULT_NONE, 1, TRUE },
    { "last second before renewal", 901, FALSE, RB_ACCEPTED, RB_FAULT_NONE, 1, TRUE },
    { "first second of renewal", 900, FALSE, RB_ACCEPTED, RB_FAULT_NONE, 2, TRUE },
    { "renewal, and the bridge is down", 900, FALSE, RB_ACCEPTED, RB_FAULT_NETWORK, 2, TRUE },
    { "hardly any left, and the bridge is down", 60, FALSE, RB_ACCEPTED, RB_FAULT_NETWORK, 2, FALSE },
    { "renewal, and the role is withdrawn", 900, FALSE, RB_MAPPING_NOT_ASSIGNED, RB_FAULT_NONE, 2, FALSE },
    { "ended", 0, FALSE, RB_ACCEPTED, RB_FAULT_NONE, 2, TRUE },
    { "young, but a new one is wanted", 3000, TRUE, RB_ACCEPTED, RB_FAULT_NONE, 2, TRUE },
    { "a new one is wanted, and the bridge is down", 3000, TRUE, RB_ACCEPTED, RB_FAULT_NETWORK, 2, FALSE },
};

static void
test_ages(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(ages); i++) {
        void *own = NULL;
        Fixture *f;
        g_autoptr(RbLease) lease = NULL;
        (void)set_up(&own);
        f = own;
        assert_true(get(f, "ASIA1", NULL));
        f->now += 3600 - ages[i].left_s;
        f->refuse = ages[i].refuse;
        f->fault = ages[i].fault;
        lease = rb_holder_get(f->holder, "prod", "ds", 0, ages[i].fresh, NULL);
        if ((lease != NULL) != ages[i].want_lease || f->asked != ages[i].want_asked)
            fail_msg("%s: asked %u times, %s", ages[i].name, f->asked, lease != NULL ? "a lease" : "none");
        (void)tear_down(&own);
    }
}

static void
told(const RbLease *lease, const GError *error, gpointer data)
{
    Fixture *f = data;

    assert_string_equal(lease->role, "ds");
    f->told++;
    f->told_failures += error != NULL;
}

/* Renewed a minute before anybody would wait; only what somebody asked for since it was issued. */
static void
test_tending(void **state)
{
    Fixture *f = *state;
    gint64 begin = f->now;

    assert_true(get(f, "ASIA1", NULL));
    assert_int_equal(rb_holder_tend(f->holder, told, f), begin + 3600 - 900 - 60);
    f->now = begin + 3600 - 900 - 60;
    (void)rb_holder_tend(f->holder, told, f);
    assert_int_equal(f->asked, 2);
    assert_true(get(f, "ASIA2", NULL));
    f->fault = RB_FAULT_NETWORK;
    f->now += 3600 - 900 - 60;
    assert_int_equal(rb_holder_tend(f->holder, told, f), f->now + 30); /* tried again soon, not at once */
    (void)rb_holder_tend(f->holder, told, f);
    assert_int_equal(f->asked, 3);
    assert_true(get(f, "ASIA2", NULL));
    f->fault = RB_FAULT_NONE;
    f->now += 30;
    (void)rb_holder_tend(f->holder, told, f);
    assert_int_equal(f->asked, 4);
    assert_int_equal(f->told, 3);
    assert_int_equal(f->told_failures, 1);
    f->now += 3600 - 900 - 60; /* nobody asked for the last one */
    (void)rb_holder_tend(f->holder, told, f);
    assert_int_equal(f->asked, 4);
    f->now += 3600;
    (void)rb_holder_tend(f->holder, told, f);
    assert_int_equal(f->asked, 4);
    {
        json_t *rows = rb_holder_status(f->holder);
        assert_int_equal(json_array_size(rows), 0);
        json_decref(rows);
    }
}

static void
test_forgets(void **state)
{
    Fixture *f = *state;
    json_t *rows;
    char *text;

    assert_true(get(f, "ASIA1", NULL));
    rows = rb_holder_status(f->holder);
    text = json_dumps(rows, 0);
    assert_int_equal(json_array_size(rows), 1);
    assert_null(strstr(text, "SECRET"));
    assert_null(strstr(text, "TOKEN"));
    free(text);
    json_decref(rows);
    rb_holder_forget(f->holder);
    assert_true(get(f, "ASIA2", NULL));
}

static void
test_is_bounded(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(RbLease) over = NULL;

    for (gint64 i = 1; i <= RB_HOLDER_MAX; i++)
        rb_lease_free(rb_holder_get(f->holder, "prod", "ds", 900 + i, FALSE, NULL));
    over = rb_holder_get(f->holder, "prod", "ds", 0, FALSE, &error);
    assert_null(over);
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_BUSY));
    f->now += 3600; /* what has ended makes room */
    (void)rb_holder_tend(f->holder, NULL, NULL);
    assert_true(get(f, "ASIA257", NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_asks_for_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_is_refused_for_all, set_up, tear_down),
        cmocka_unit_test(test_ages),
        cmocka_unit_test_setup_teardown(test_tending, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forgets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_is_bounded, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("holder", tests, NULL, NULL);
}
