#include "fixture.h"

#include <signal.h>

/* Many at once with the same keys, while the directory is read again: every token and assertion is good.
 * Under ThreadSanitizer, nothing is shared that should not be. */

enum { THREADS = 8, ROUNDS = 6 };

#define YAML "region: eu-central-1\nsts_endpoint: %s/sts\n"

typedef struct {
    Aws *aws;
    RbIdentity *identity;
    gint issued, opened, failed; /* atomic */
} Crowd;

static void
take_credentials(Crowd *crowd, RbIssueMethod method)
{
    RbGrant grant = grant_for("arn:aws:iam::111122223333:role/rolebridge/data-scientist");
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) got = NULL;

    trust(&grant, method);
    got = rb_issue(crowd->aws->issuer, &grant, crowd->identity, 0, NOW, &error);
    (void)g_atomic_int_add(got != NULL ? &crowd->issued : &crowd->failed, 1);
}

static void
open_console(Crowd *crowd)
{
    RbGrant grant = grant_for("arn:aws:iam::111122223333:role/rolebridge/data-scientist");
    const RbConsoleAsk ask = {
        .grant = &grant, .identity = crowd->identity, .portal_url = "https://b/", .now = NOW
    };
    g_autoptr(RbConsole) console = NULL;

    trust(&grant, RB_ISSUE_SAML);
    console = rb_issue_console(crowd->aws->issuer, &ask, NULL);
    (void)g_atomic_int_add(console != NULL ? &crowd->opened : &crowd->failed, 1);
}

static gpointer
work(gpointer data)
{
    Crowd *crowd = data;

    for (int i = 0; i < ROUNDS; i++) {
        take_credentials(crowd, RB_ISSUE_WEB_IDENTITY);
        take_credentials(crowd, RB_ISSUE_SAML);
        open_console(crowd);
    }
    return NULL;
}

static void
test_shared_keys(void **state)
{
    Crowd crowd = { .aws = *state, .identity = ada() };
    GThread *threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("crowd", work, &crowd);
    for (int i = 0; i < ROUNDS; i++)
        assert_true(rb_signing_keys_reload(rb_issuer_keys(crowd.aws->issuer), NOW, NULL));
    for (int i = 0; i < THREADS; i++)
        (void)g_thread_join(threads[i]);
    assert_int_equal(crowd.failed, 0);
    assert_int_equal(crowd.issued, 2 * THREADS * ROUNDS);
    assert_int_equal(crowd.opened, THREADS * ROUNDS);
    rb_identity_unref(crowd.identity);
}

static int
setup(void **state)
{
    Aws *aws;

    clear_environment();
    *state = aws = aws_new(YAML);
    aws_trusted(aws, YAML);
    return 0;
}

static int
teardown(void **state)
{
    aws_free(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_shared_keys) };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("issue_parallel", tests, setup, teardown);
}
