#include "faulty.h"
#include "fixture.h"

/*
 * The n-th store, identity provider or AWS call of a whole working day fails, for every n. Whoever asked
 * hears a fault, not a refusal that is not true; credentials leave only with a lease on record; and once
 * everything works again, so does everything.
 */

static const char verifier[] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"; /* RFC 7636, appendix B */
static const char challenge[] = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
static const char *const loopback[] = { "http://127.0.0.1/cb", NULL };

#define ROLE "arn:aws:iam::" ACCOUNT ":role/rolebridge/data-scientist"
#define PRINCIPAL "arn:aws:iam::" ACCOUNT ":saml-provider/MySAMLIdP"

/* How far a day got, and what left the house. */
typedef struct {
    Fixture *f;
    guint leases; /* credentials that were handed out */
    char *cookie;
    RbClient *client;
    RbTokens *tokens;
} Day;

static void
day_clear(Day *day)
{
    g_clear_pointer(&day->cookie, g_free);
    g_clear_pointer(&day->client, rb_client_free);
    g_clear_pointer(&day->tokens, rb_tokens_free);
}

static gboolean
arrives(Day *day, GError **error)
{
    static guint proofs;
    g_autofree char *answer = g_strdup_printf("a-1|alice|day-%u|ds,dev|-|-|index-1", proofs++);
    g_autoptr(RbSignedIn) signed_in = sign_in_at(day->f, "corp", answer, NULL, error);

    if (signed_in != NULL)
        day->cookie = g_strdup(rb_secret_reveal(signed_in->session));
    return signed_in != NULL;
}

static gboolean
takes_credentials(Day *day, const char *token, GError **error)
{
    g_autoptr(RbSession) session = NULL;
    g_autoptr(RbCredentials) credentials = NULL;

    day->f->now += RB_SEEN_EVERY_S; /* its use will be written down */
    session = rb_access_session(day->f->access, next_visit(day->f), token, error);
    if (session == NULL)
        return FALSE;
    credentials = rb_access_credentials(day->f->access, next_visit(day->f), session, ACCOUNT,
                                        "data-scientist", 0, error);
    day->leases += credentials != NULL ? 1 : 0;
    return credentials != NULL;
}

static gboolean
opens_console(Day *day, const char *account, GError **error)
{
    g_autoptr(RbSession) session = rb_access_session(day->f->access, next_visit(day->f), day->cookie, error);
    g_autoptr(RbConsole) console = NULL;

    if (session == NULL)
        return FALSE;
    console = rb_access_console(day->f->access, next_visit(day->f), session, account, "data-scientist", NULL,
                                error);
    day->leases += console != NULL ? 1 : 0;
    return console != NULL;
}

/* A job brings its token, a program an assertion; neither has a session. */
static gboolean
exchanges(Day *day, GError **error)
{
    static guint proofs;
    g_autofree char *proof = g_strdup_printf("proof-%u", proofs++);
    g_autofree char *token = g_strdup_printf("repo:acme/infra|gh-74-8001|%s|ds|-|-|-", proof);
    g_autofree char *assertion = g_strdup_printf("b-2|bob|%s|ds|-|-|-", proof);
    const RbAssumeAsk asks[] = { { .role_arn = ROLE, .token = token },
                                 { .role_arn = ROLE, .assertion = assertion, .principal_arn = PRINCIPAL } };

    for (gsize i = 0; i < G_N_ELEMENTS(asks); i++) {
        g_autoptr(RbAssumed) assumed = rb_access_assume(day->f->access, next_visit(day->f), &asks[i], error);
        day->leases += assumed != NULL ? 1 : 0;
        if (assumed == NULL)
            return FALSE;
    }
    return TRUE;
}

static gboolean
lets_client_in(Day *day, GError **error)
{
    g_autoptr(RbSession) session = rb_access_session(day->f->access, next_visit(day->f), day->cookie, error);
    g_autoptr(RbSecret) code = NULL;
    RbTokenAsk ask = { .grant_type = "authorization_code",
                       .redirect_uri = loopback[0],
                       .code_verifier = verifier };

    if (session == NULL)
        return FALSE;
    day->client = rb_access_register(day->f->access, next_visit(day->f), "c", loopback, NULL, error);
    if (day->client == NULL)
        return FALSE;
    code = rb_access_authorize(day->f->access, next_visit(day->f), session, day->client->id, loopback[0],
                               challenge, NULL, error);
    if (code == NULL)
        return FALSE;
    ask.client_id = day->client->id;
    ask.client_secret = rb_secret_reveal(day->client->secret);
    ask.code = rb_secret_reveal(code);
    day->tokens = rb_access_token(day->f->access, next_visit(day->f), &ask, error);
    return day->tokens != NULL;
}

static gboolean
refreshes(Day *day, GError **error)
{
    RbTokenAsk ask = { .grant_type = "refresh_token", .client_id = day->client->id };
    RbTokens *fresh;

    ask.client_secret = rb_secret_reveal(day->client->secret);
    ask.refresh_token = rb_secret_reveal(day->tokens->refresh_token);
    fresh = rb_access_token(day->f->access, next_visit(day->f), &ask, error);
    if (fresh == NULL)
        return FALSE;
    rb_tokens_free(day->tokens);
    day->tokens = fresh;
    return TRUE;
}

static gboolean
lets_device_in(Day *day, GError **error)
{
    RbTokenAsk ask = { .grant_type = "urn:ietf:params:oauth:grant-type:device_code",
                       .client_id = day->client->id };
    g_autoptr(RbSession) session = rb_access_session(day->f->access, next_visit(day->f), day->cookie, error);
    g_autoptr(RbDevice) device = NULL;
    g_autoptr(RbDeviceAsk) seen = NULL;
    g_autoptr(RbTokens) tokens = NULL;

    if (session == NULL)
        return FALSE;
    ask.client_secret = rb_secret_reveal(day->client->secret);
    device = rb_access_device_start(day->f->access, next_visit(day->f), day->client->id, ask.client_secret,
                                    "https://corp.awsapps.com/start", error);
    if (device == NULL)
        return FALSE;
    seen = rb_access_device_ask(day->f->access, next_visit(day->f), device->user_code, error);
    if (seen == NULL ||
        !rb_access_device_answer(day->f->access, next_visit(day->f), session, device->user_code, TRUE, error))
        return FALSE;
    ask.device_code = rb_secret_reveal(device->device_code);
    tokens = rb_access_token(day->f->access, next_visit(day->f), &ask, error);
    return tokens != NULL;
}

/* The IdP ends a second sign-in of the same person; then the person signs out of the first. */
static gboolean
leaves(Day *day, GError **error)
{
    g_autofree char *request = g_strdup_printf("m-%s|a-1|index-9", day->f->incident);
    g_autoptr(GHashTable) fields = fields_new("SAMLRequest", request, NULL);
    const RbInbound inbound = { .method = "GET", .fields = fields };
    g_autofree char *reply =
        rb_access_logout_message(day->f->access, next_visit(day->f), "corp", &inbound, error);
    g_autoptr(RbSession) session = NULL;

    if (reply == NULL)
        return FALSE;
    session = rb_access_session(day->f->access, next_visit(day->f), day->cookie, error);
    return session != NULL && rb_access_sign_out(day->f->access, next_visit(day->f), session, NULL, error);
}

static gboolean
reloads(Day *day, GError **error)
{
    static guint edits;
    g_autofree char *text =
        g_strdup_printf("rolebridge: 1\n# %u\nassignments:\n  - { groups: [ds], role: data-scientist, "
                        "accounts: [analytics-prod] }\n"
                        "  - { groups: [adm], role: admin, accounts: [analytics-prod] }\n"
                        "  - { groups: [dev], role: data-scientist, accounts: [analytics-dev] }\n",
                        edits++);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();

    fixture_write(day->f, "assignments.yaml", text);
    return rb_access_reload(day->f->access, problems, error);
}

static gboolean
passes(Day *day, GError **error)
{
    return arrives(day, error) && takes_credentials(day, day->cookie, error) &&
           opens_console(day, ACCOUNT, error) && opens_console(day, SAML_ACCOUNT, error) &&
           exchanges(day, error) && lets_client_in(day, error) &&
           takes_credentials(day, rb_secret_reveal(day->tokens->access_token), error) &&
           refreshes(day, error) && lets_device_in(day, error) && reloads(day, error) && leaves(day, error);
}

/* What fails, and how to know and to end it. */
typedef struct {
    const char *what;
    guint n;
    void (*arm)(gpointer data, guint n); /* 0: nothing fails any more */
    gboolean (*fired)(gpointer data);
    gpointer data;
} Trouble;

/* One day in which something fails, then one in which nothing does. Returns: whether it failed */
static gboolean
live_through(Fixture *f, const Trouble *trouble)
{
    guint before = audited(f, "lease", NULL), n = trouble->n;
    const char *what = trouble->what;
    Day day = { .f = f }, next = { .f = f };
    g_autoptr(GError) error = NULL, later = NULL;
    gboolean passed, happened;
    guint leases;

    trouble->arm(trouble->data, n);
    passed = passes(&day, &error);
    happened = trouble->fired(trouble->data);
    trouble->arm(trouble->data, 0);
    leases = audited(f, "lease", NULL) - before;
    if (passed && error == NULL && happened)
        fail_msg("%s %u: it failed and nobody was told", what, n);
    if (!passed && error->domain != RB_FAULT)
        fail_msg("%s %u: told as %s (%s)", what, n, rb_outcome(error)->id, error->message);
    if (day.leases > leases)
        fail_msg("%s %u: %u credentials left, %u leases on record", what, n, day.leases, leases);
    if (rb_double_credentials != 0)
        fail_msg("%s %u: %d credentials were kept in memory", what, n, rb_double_credentials);
    day_clear(&day);
    f->now += 3600; /* the limits on tries are full again */
    if (!passes(&next, &later))
        fail_msg("after %s %u: %s", what, n, later->message);
    day_clear(&next);
    f->now += 3600;
    return happened;
}

/* ---- the store ---- */

static gboolean
store_fired(gpointer data)
{
    return rb_faulty_fired(data);
}

static void
arm_before(gpointer data, guint n)
{
    rb_faulty_arm(data, n, RB_FAULTY_BEFORE);
}

static void
arm_after(gpointer data, guint n)
{
    rb_faulty_arm(data, n, RB_FAULTY_AFTER);
}

static void
store_fails(const char *what, void (*arm)(gpointer data, guint n))
{
    Fixture *f = fixture_new();
    g_autoptr(GError) error = NULL;
    RbFaulty *faulty = NULL;
    RbStore *store = rb_faulty_open(f->uri, &faulty, &error);
    Trouble trouble = { what, 0, arm, store_fired, faulty };

    assert_non_null(store);
    fixture_open(f, store);
    do
        trouble.n++;
    while (live_through(f, &trouble)); /* until a day has fewer calls */
    if (trouble.n < 50 || trouble.n > 500)
        fail_msg("%s: %u calls in a day cannot be right", what, trouble.n);
    fixture_free(f);
}

static void
store_fails_before(void **state)
{
    (void)state;
    store_fails("store call", arm_before);
}

static void
store_fails_after(void **state)
{
    (void)state;
    store_fails("answer of store call", arm_after);
}

/* ---- the identity provider, AWS ---- */

static gboolean
double_fired(gpointer data)
{
    const RbDoubleFailure *failure = data;

    return failure->calls >= failure->fail_at;
}

static void
arm_double(gpointer data, guint n)
{
    RbDoubleFailure *failure = data;

    failure->fail_at = n == 0 ? 0 : failure->calls + n;
}

static void
double_fails(RbDoubleFailure *failure, const char *what, guint at_least)
{
    Fixture *f = fixture_new();
    g_autoptr(GError) error = NULL;
    RbStore *store = rb_store_open(f->uri, &error);
    Trouble trouble = { what, 0, arm_double, double_fired, failure };

    assert_non_null(store);
    fixture_open(f, store);
    do
        trouble.n++;
    while (live_through(f, &trouble));
    if (trouble.n <= at_least)
        fail_msg("%s: %u calls in a day cannot be right", what, trouble.n);
    fixture_free(f);
}

static void
provider_fails(void **state)
{
    (void)state;
    double_fails(&rb_double_provider_failure, "provider call", 4);
}

static void
aws_fails(void **state)
{
    (void)state;
    double_fails(&rb_double_issuer_failure, "AWS call", 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_fails_before),
        cmocka_unit_test(store_fails_after),
        cmocka_unit_test(provider_fails),
        cmocka_unit_test(aws_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
