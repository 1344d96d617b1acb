#include "fixture.h"

/* Many at once: one proof makes one session, one code one set of tokens, whatever the order. */

enum { THREADS = 8, ROUNDS = 12 };

typedef struct {
    Fixture *f;
    const char *text; /* answer, or refresh token */
    const RbClient *client;
    gint ok, refused, other; /* atomic */
} Crowd;

static void
visit_alone(Crowd *crowd, RbVisit *visit, char incident[16])
{
    *visit = (RbVisit){ .source_ip = "203.0.113.7" };
    rb_access_visit(crowd->f->access, visit, incident);
}

static void
count(Crowd *crowd, gboolean ok, const GError *error, RbRefusalCode expected)
{
    (void)g_atomic_int_add(ok                               ? &crowd->ok
                           : rb_is_refusal(error, expected) ? &crowd->refused
                                                            : &crowd->other,
                           1);
}

static void
run(Crowd *crowd, GThreadFunc work)
{
    GThread *threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("crowd", work, crowd);
    for (int i = 0; i < THREADS; i++)
        (void)g_thread_join(threads[i]);
}

static gpointer
post_answer(gpointer data)
{
    Crowd *crowd = data;
    g_autoptr(GHashTable) fields = fields_new("SAMLResponse", crowd->text, NULL);
    const RbInbound inbound = { .method = "POST", .fields = fields };
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSignedIn) signed_in = NULL;
    char incident[16];
    RbVisit visit;

    visit_alone(crowd, &visit, incident);
    signed_in = rb_access_finish(crowd->f->access, &visit, "partner", &inbound, NULL, NULL, &error);
    count(crowd, signed_in != NULL, error, RB_SAML_REPLAYED);
    return NULL;
}

static void
one_proof_makes_one_session(void **state)
{
    for (int round = 0; round < ROUNDS; round++) {
        g_autofree char *answer = g_strdup_printf("p-1|pat|crowd-%d|ds|-|-|-", round);
        Crowd crowd = { .f = *state, .text = answer };
        run(&crowd, post_answer);
        if (crowd.ok != 1 || crowd.refused != THREADS - 1)
            fail_msg("round %d: %d sessions, %d refused, %d otherwise", round, crowd.ok, crowd.refused,
                     crowd.other);
    }
    assert_int_equal(audited(*state, "sign-in", NULL), ROUNDS);
}

static gpointer
claim_name(gpointer data)
{
    Crowd *crowd = data;
    static gint n;
    g_autofree char *answer =
        g_strdup_printf("p-1|%s|claim-%d|ds|-|-|-", crowd->text, g_atomic_int_add(&n, 1));
    g_autoptr(GHashTable) fields = fields_new("SAMLResponse", answer, NULL);
    const RbInbound inbound = { .method = "POST", .fields = fields };
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSignedIn) signed_in = NULL;
    char incident[16];
    RbVisit visit;

    visit_alone(crowd, &visit, incident);
    signed_in = rb_access_finish(crowd->f->access, &visit, "partner", &inbound, NULL, NULL, &error);
    count(crowd, signed_in != NULL, error, RB_IDENTITY_NAME_TAKEN);
    return NULL;
}

static void
one_new_name_in_many_browsers(void **state)
{
    for (int round = 0; round < ROUNDS; round++) {
        g_autofree char *name = g_strdup_printf("new.%d", round);
        Crowd crowd = { .f = *state, .text = name };
        run(&crowd, claim_name);
        if (crowd.ok != THREADS)
            fail_msg("round %d: %d signed in, %d refused, %d otherwise", round, crowd.ok, crowd.refused,
                     crowd.other);
    }
}

/* ---- a hundred processes with one token file ---- */

static gpointer
refresh(gpointer data)
{
    Crowd *crowd = data;

    for (int i = 0; i < ROUNDS; i++) {
        const RbTokenAsk ask = { .grant_type = "refresh_token",
                                 .client_id = crowd->client->id,
                                 .client_secret = rb_secret_reveal(crowd->client->secret),
                                 .refresh_token = crowd->text };
        g_autoptr(GError) error = NULL;
        g_autoptr(RbTokens) tokens = NULL;
        char incident[16];
        RbVisit visit;
        visit_alone(crowd, &visit, incident);
        tokens = rb_access_token(crowd->f->access, &visit, &ask, &error);
        count(crowd, tokens != NULL, error, RB_SSO_INVALID_GRANT);
    }
    return NULL;
}

static void
all_of_them_refresh(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(RbSession) session = session_of(f, cookie);
    g_autoptr(RbClient) client = rb_access_register(f->access, next_visit(f), "c", NULL, NULL, NULL);
    g_autoptr(RbDevice) device = rb_access_device_start(
        f->access, next_visit(f), client->id, rb_secret_reveal(client->secret), "https://x/start", NULL);
    RbTokenAsk ask = { .grant_type = "urn:ietf:params:oauth:grant-type:device_code",
                       .client_id = client->id,
                       .client_secret = rb_secret_reveal(client->secret),
                       .device_code = rb_secret_reveal(device->device_code) };
    g_autoptr(RbTokens) tokens = NULL;
    Crowd crowd = { .f = f, .client = client };

    assert_true(rb_access_device_answer(f->access, next_visit(f), session, device->user_code, TRUE, NULL));
    tokens = rb_access_token(f->access, next_visit(f), &ask, NULL);
    crowd.text = rb_secret_reveal(tokens->refresh_token);
    run(&crowd, refresh);
    if (crowd.ok != THREADS * ROUNDS)
        fail_msg("%d refreshed, %d refused, %d otherwise", crowd.ok, crowd.refused, crowd.other);
    assert_true(rb_access_sign_out(f->access, next_visit(f), session, NULL, NULL));
    crowd.ok = crowd.refused = 0;
    run(&crowd, refresh);
    assert_int_equal(crowd.refused, THREADS * ROUNDS);
}

/* ---- decisions while the mapping is swapped ---- */

static gpointer
decide(gpointer data)
{
    Crowd *crowd = data;
    char incident[16];
    RbVisit visit;
    g_autoptr(RbSession) session = NULL;

    visit_alone(crowd, &visit, incident);
    session = rb_access_session(crowd->f->access, &visit, crowd->text, NULL);
    for (int i = 0; i < 200; i++) {
        g_autoptr(RbDecision) decision = rb_access_decide(crowd->f->access, &visit, session);
        /* either mapping, never a mix: both grant exactly one */
        count(crowd, decision->n_grants == 1, NULL, RB_ACCEPTED);
    }
    return NULL;
}

static gpointer
swap(gpointer data)
{
    Crowd *crowd = data;

    for (int i = 0; i < 40; i++) {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autofree char *text =
            g_strdup_printf("rolebridge: 1\n# %d\nassignments:\n"
                            "  - { groups: [ds], role: %s, accounts: [analytics-prod] }\n",
                            i, i % 2 == 0 ? "data-scientist" : "looker");
        fixture_write(crowd->f, "assignments.yaml", text);
        if (!rb_access_reload(crowd->f->access, problems, NULL))
            (void)g_atomic_int_add(&crowd->other, 1);
    }
    return NULL;
}

static void
swaps_while_deciding(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    Crowd crowd = { .f = f, .text = cookie };
    GThread *swapper;

    fixture_write(f, "roles/looker.yaml",
                  "rolebridge: 1\nrole: looker\ntitle: Looker\nowner: leads@acme.example\npurpose: Looks.\n"
                  "policies: [look]\nsession: { default: 1h, max: 1h }\n");
    swapper = g_thread_new("swap", swap, &crowd);
    run(&crowd, decide);
    (void)g_thread_join(swapper);
    if (crowd.ok != THREADS * 200 || crowd.other != 0)
        fail_msg("%d decisions with one grant, %d otherwise", crowd.ok, crowd.other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(one_proof_makes_one_session),
        TEST(one_new_name_in_many_browsers),
        TEST(all_of_them_refresh),
        TEST(swaps_while_deciding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
