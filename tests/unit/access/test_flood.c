#include "fixture.h"

enum { BURST = 20, FLOOD = 500, BEGINS = 600 };

/* Garbage from @address, refused with sso.invalid_client by a client nobody knows. */
static void
refuse(Fixture *f, const char *address)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbDevice) device = NULL;

    (void)next_visit(f);
    f->visit.source_ip = address;
    device = rb_access_device_start(f->access, &f->visit, "nobody", "x", "https://x/start", &error);
    expect_code(address, error, RB_SSO_INVALID_CLIENT);
}

static void
refuse_times(Fixture *f, const char *address, guint n)
{
    for (guint i = 0; i < n; i++) { /* beside the limit on device sign-ins, which is looser */
        g_autoptr(GError) why = g_error_new_literal(RB_REFUSAL, RB_SAML_MALFORMED, "garbage");
        (void)next_visit(f);
        f->visit.source_ip = address;
        rb_access_refused(f->access, &f->visit, "sign-in", why);
    }
}

/* Of the records of saml.malformed: how many, and how many refusals they stand for. */
typedef struct {
    guint records;
    gint64 refusals;
    char *last; /* JSON */
} Tally;

static gboolean
tally_one(const RbAuditRow *row, gpointer data, GError **error)
{
    Tally *tally = data;
    json_t *record = json_loads(row->text, 0, NULL);
    const json_t *more = json_object_get(record, "more");

    (void)error;
    assert_non_null(record);
    tally->records++;
    tally->refusals += more != NULL ? json_integer_value(more) : 1;
    g_free(tally->last);
    tally->last = g_strndup(row->text, row->size);
    json_decref(record);
    return TRUE;
}

static Tally
tally(const Fixture *f)
{
    const RbAuditFilter filter = { .kind = "refusal", .code = "saml.malformed" };
    g_autoptr(GError) error = NULL;
    Tally tally = { 0 };

    if (!rb_audit_each(f->store, &filter, NULL, tally_one, &tally, &error))
        fail_msg("%s", error->message);
    return tally;
}

static void
expect_tally(const Fixture *f, const char *name, guint records, gint64 refusals)
{
    Tally got = tally(f);

    if (got.records != records || got.refusals != refusals)
        fail_msg("%s: %u records for %d refusals; want %u for %d", name, got.records, (int)got.refusals,
                 records, (int)refusals);
    g_free(got.last);
}

static void
counts_a_flood(void **state)
{
    Fixture *f = *state;
    Tally got;

    refuse_times(f, "198.51.100.9", FLOOD);
    expect_tally(f, "while it goes on", BURST, BURST);
    (void)rb_access_tend(f->access);
    expect_tally(f, "its minute is not over", BURST, BURST);
    f->now += 60;
    (void)rb_access_tend(f->access);
    expect_tally(f, "its minute is over", BURST + 1, FLOOD);
    got = tally(f);
    assert_non_null(strstr(got.last, "\"more\":480"));
    assert_non_null(strstr(got.last, "\"source_ip\":\"198.51.100.9\""));
    assert_non_null(strstr(got.last, "\"reason\":\"and 480 more, too fast to be written one by one\""));
    g_free(got.last);
    (void)rb_access_tend(f->access);
    expect_tally(f, "it is written once", BURST + 1, FLOOD);
    assert_int_equal(rb_access_counts(f->access).refusals, FLOOD);
}

static void
leaves_others_alone(void **state)
{
    Fixture *f = *state;

    refuse_times(f, "198.51.100.9", FLOOD);
    refuse_times(f, "203.0.113.1", 1);
    expect_tally(f, "another address", BURST + 1, BURST + 1);
    refuse(f, "198.51.100.9");
    assert_int_equal(audited(f, "refusal", "sso.invalid_client"), 1); /* another code */
}

static void
takes_an_ipv6_network_for_one(void **state)
{
    Fixture *f = *state;

    for (guint i = 0; i < 100; i++) {
        g_autofree char *address = g_strdup_printf("2001:db8:1:2::%x", i + 1);
        refuse_times(f, address, 1);
    }
    expect_tally(f, "one /64", BURST, BURST);
}

static void
bounds_many_addresses(void **state)
{
    Fixture *f = *state;

    for (guint i = 0; i < 3000; i++) {
        g_autofree char *address = g_strdup_printf("10.0.%u.%u", i / 250, i % 250);
        refuse_times(f, address, 1);
    }
    expect_tally(f, "each from another address", 200, 200);
    f->now += 60;
    (void)rb_access_tend(f->access);
    expect_tally(f, "counted", 200 + 64 + 1, 3000);
}

static void
loses_nothing_at_the_end(void **state)
{
    Fixture *f = *state;

    refuse_times(f, "198.51.100.9", FLOOD);
    g_clear_pointer(&f->access, rb_access_free);
    expect_tally(f, "the service stopped", BURST + 1, FLOOD);
}

static void
bounds_begins(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i <= BEGINS; i++) {
        g_autoptr(RbBegun) begun = NULL;
        g_clear_error(&error);
        begun = rb_access_begin(f->access, next_visit(f), "corp", NULL, NULL, "/", FALSE, &error);
        assert_int_equal(begun != NULL, i < BEGINS);
    }
    expect_code("one too many", error, RB_REQUEST_TOO_MANY);
    assert_int_equal(audited(f, "refusal", "request.too_many"), 0);
    g_clear_error(&error);
    (void)next_visit(f);
    f->visit.source_ip = "203.0.113.8";
    rb_begun_free(rb_access_begin(f->access, &f->visit, "corp", NULL, NULL, "/", FALSE, &error));
    assert_null(error); /* another address */
    f->now += 1;
    rb_begun_free(rb_access_begin(f->access, next_visit(f), "corp", NULL, NULL, "/", FALSE, &error));
    assert_null(error); /* and after a moment the first, too */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(counts_a_flood),        TEST(leaves_others_alone),      TEST(takes_an_ipv6_network_for_one),
        TEST(bounds_many_addresses), TEST(loses_nothing_at_the_end), TEST(bounds_begins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
