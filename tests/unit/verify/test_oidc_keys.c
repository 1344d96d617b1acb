/* The issuer's keys: rollover, crowds, outages, caching. */
#include "party.h"

#include "verify/oidc.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- keys ---- */

static const char *
finish_signed_by(RbProvider *provider, EVP_PKEY *key, const char *kid, gint64 now)
{
    g_auto(Begun) begun = begin_with(provider, FALSE, FALSE);
    g_autofree char *header = g_strdup_printf("{\"alg\":\"RS256\",\"kid\":\"%s\"}", kid);
    g_autofree char *body = issuer_claims(issuer, begun.nonce, "\"exp\":1800000000");
    g_autofree char *token = jose_sign(key, "RS256", header, body);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbVerified) verified = NULL;

    issuer_gives(issuer, token);
    verified = finish_at(provider, begun.sign_in, GOOD, now, &error);
    return outcome(verified, error);
}

static char *
both_keys(void)
{
    g_autofree char *old = jose_jwk(issuer->rsa, "rsa", NULL), *next = jose_jwk(issuer->next, "next", NULL);

    return jose_jwks(old, next, NULL);
}

/* A new key is found at once; an invented one costs the issuer one request a minute. */
static void
test_rollover(void **state)
{
    RbProvider *corp = fresh("corp");
    gint64 later = ISSUER_NOW + 1000;

    (void)state;
    assert_string_equal(finish_signed_by(corp, issuer->rsa, "rsa", later), "accepted");
    assert_int_equal(issuer->asked[ASK_JWKS], 1);
    issuer_says(issuer, ASK_JWKS, 200, both_keys());
    assert_string_equal(finish_signed_by(corp, issuer->next, "next", later), "accepted");
    assert_int_equal(issuer->asked[ASK_JWKS], 2);
    assert_string_equal(finish_signed_by(corp, issuer->rsa, "rsa", later), "accepted"); /* the overlap */
    for (guint i = 0; i < 5; i++)
        assert_string_equal(finish_signed_by(corp, issuer->next, "invented", later + 59), "jwt.key_unknown");
    assert_int_equal(issuer->asked[ASK_JWKS], 2);
    assert_string_equal(finish_signed_by(corp, issuer->next, "invented", later + 60), "jwt.key_unknown");
    assert_int_equal(issuer->asked[ASK_JWKS], 3);
}

typedef struct {
    RbOidc *oidc;
    char *token;
} Crowd;

static gpointer
verify_one(gpointer data)
{
    static const char *const types[] = { "jwt", NULL };
    const Crowd *crowd = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(RbJws) jws = rb_oidc_verify(&crowd->oidc->source, crowd->oidc->client_id, types, crowd->token,
                                          ISSUER_NOW + 5000, &error);

    return GINT_TO_POINTER(jws != NULL);
}

/* Single flight: a crowd with the new key makes one request, and all of them get in. */
static void
test_crowd(void **state)
{
    RbHttp *http = issuer->http;
    const RbSeat seat = { .id = (char *)"c", .skew_s = 60, .http = http };
    RbOidc oidc = {
        .seat = &seat,
        .source = { .seat = &seat, .issuer = issuer->url, .algorithms = RB_JWS_ALL, .signs_in = TRUE },
        .client_id = (char *)"bridge",
    };
    g_autofree char *source = g_strconcat(issuer->url, "/.well-known/openid-configuration", NULL);
    const RbKeyringSetting setting = {
        source, http, 3600, RB_OIDC_MAX_DISCOVERY, rb_oidc_trust_parse, rb_oidc_trust_clear, &oidc.source
    };
    g_autofree char *body = issuer_claims(issuer, "n", "\"exp\":1800000000");
    Crowd crowd = { &oidc, jose_sign(issuer->next, "RS256", "{\"alg\":\"RS256\",\"kid\":\"next\"}", body) };
    GThread *threads[RB_KEYRING_RENEWING_MAX];
    guint in = 0;

    (void)state;
    issuer_reset(issuer);
    oidc.source.keyring = rb_keyring_new(&setting);
    assert_true(rb_keyring_load(oidc.source.keyring, ISSUER_NOW, NULL));
    issuer_says(issuer, ASK_JWKS, 200, both_keys());
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("one", verify_one, &crowd);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        in += GPOINTER_TO_INT(g_thread_join(threads[i])) ? 1 : 0;
    assert_int_equal(in, G_N_ELEMENTS(threads));
    assert_int_equal(issuer->asked[ASK_JWKS], 2);
    rb_keyring_free(oidc.source.keyring);
    g_free(crowd.token);
}

/* A source that does not answer until it is let. */
typedef struct {
    GMutex lock;
    GCond changed;
    RbKeyring *keyring;
    gboolean open;
    guint busy, others;
} Slow;

static gpointer
slow_parse(gconstpointer owner, GBytes *bytes, gint64 now, gint64 *refresh_s, GError **error)
{
    Slow *slow = (Slow *)owner;

    (void)bytes, (void)now, (void)refresh_s, (void)error;
    g_mutex_lock(&slow->lock);
    while (!slow->open)
        g_cond_wait(&slow->changed, &slow->lock);
    g_mutex_unlock(&slow->lock);
    return g_atomic_rc_box_new0(guint);
}

static void
slow_clear(gpointer value)
{
    (void)value;
}

static gpointer
renew_one(gpointer data)
{
    Slow *slow = data;
    RbRenewed renewed = rb_keyring_renew(slow->keyring, NULL, ISSUER_NOW);

    g_mutex_lock(&slow->lock);
    if (renewed == RB_RENEWED_BUSY)
        slow->busy++;
    else
        slow->others++;
    g_cond_broadcast(&slow->changed);
    g_mutex_unlock(&slow->lock);
    return NULL;
}

/* A crowd with invented key ids, while the issuer is slow: a few wait for it, the others are sent away. */
static void
test_crowd_while_slow(void **state)
{
    Slow slow = { .open = FALSE };
    g_autofree char *path = NULL;
    int file = g_file_open_tmp("keys-XXXXXX", &path, NULL);
    const RbKeyringSetting setting = { path, NULL, 3600, 16, slow_parse, slow_clear, &slow };
    GThread *threads[3 * RB_KEYRING_RENEWING_MAX];

    (void)state;
    assert_true(file >= 0);
    g_mutex_init(&slow.lock);
    g_cond_init(&slow.changed);
    slow.keyring = rb_keyring_new(&setting);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("one", renew_one, &slow);
    g_mutex_lock(&slow.lock);
    while (slow.busy < 2 * RB_KEYRING_RENEWING_MAX)
        g_cond_wait(&slow.changed, &slow.lock);
    assert_int_equal(slow.others, 0);
    slow.open = TRUE;
    g_cond_broadcast(&slow.changed);
    g_mutex_unlock(&slow.lock);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        (void)g_thread_join(threads[i]);
    assert_int_equal(slow.busy, 2 * RB_KEYRING_RENEWING_MAX);
    assert_int_equal(slow.others, RB_KEYRING_RENEWING_MAX);
    rb_keyring_free(slow.keyring);
    (void)close(file);
    (void)g_unlink(path);
    g_mutex_clear(&slow.lock);
    g_cond_clear(&slow.changed);
}

/* While the issuer is down its last keys are used, for a day. */
static void
test_stale(void **state)
{
    RbProvider *corp = fresh("corp");
    gint64 last = ISSUER_NOW + RB_OIDC_STALE_S;
    g_autoptr(GError) error = NULL, begin_error = NULL;
    g_autoptr(RbSignIn) sign_in = NULL;
    g_autofree char *url = NULL;
    json_t *status;

    (void)state;
    issuer_says(issuer, ASK_JWKS, 500, g_strdup(""));
    rb_provider_hurry(corp);
    assert_int_equal(rb_provider_refresh(corp, last, &error), last + RB_KEYRING_RETRY_S);
    assert_non_null(error);
    assert_string_equal(finish_signed_by(corp, issuer->rsa, "rsa", last), "accepted");
    url = rb_provider_begin(corp, "s", FALSE, FALSE, last + 1, &sign_in, &begin_error);
    assert_null(url);
    assert_true(g_error_matches(begin_error, RB_FAULT, RB_FAULT_NETWORK));
    status = rb_provider_status(corp, last + 1);
    assert_true(json_is_false(json_object_get(status, "usable")));
    assert_non_null(strstr(json_string_value(json_object_get(status, "failure")), "500"));
    json_decref(status);
    (void)fresh("corp");
}

/* What is no key set, or no document of this issuer, never replaces what is known. */
static void
test_refused_refresh(void **state)
{
    static const struct {
        const char *name;
        guint ask;
        int status;
        const char *body, *want;
    } rows[] = {
        { "keys: none", ASK_JWKS, 200, "{\"keys\":[]}", "oidc.keys" },
        { "keys: HTML", ASK_JWKS, 200, "<html>", "oidc.keys" },
        { "keys: gone", ASK_JWKS, 404, "", "fault.network" },
        { "keys: elsewhere", ASK_JWKS, 302, "", "fault.network" },
        { "document: HTML", ASK_DISCOVERY, 200, "<html>", "oidc.discovery" },
        { "document: another issuer", ASK_DISCOVERY, 200, "{\"issuer\":\"https://evil.example\"}",
          "oidc.discovery" },
        { "document: empty", ASK_DISCOVERY, 200, "", "oidc.discovery" },
        { "document: elsewhere", ASK_DISCOVERY, 301, "", "fault.network" },
        { "document: down", ASK_DISCOVERY, 503, "", "fault.network" },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        RbProvider *corp = fresh("corp");
        g_autoptr(GError) error = NULL;
        issuer_says(issuer, rows[i].ask, rows[i].status, g_strdup(rows[i].body));
        rb_provider_hurry(corp);
        (void)rb_provider_refresh(corp, ISSUER_NOW + 1, &error);
        if (error == NULL || strcmp(rb_outcome(error)->id, rows[i].want) != 0)
            fail_msg("%s: %s", rows[i].name, error == NULL ? "taken" : error->message);
        assert_string_equal(finish_signed_by(corp, issuer->rsa, "rsa", ISSUER_NOW + 1), "accepted");
    }
}

/* The keys' own headers say when they are due again, between a minute and what `refresh` says. */
static void
test_cache_headers(void **state)
{
    static const struct {
        const char *value;
        gint64 due_s;
    } rows[] = {
        { NULL, 3600 },         { "public, max-age=600", 600 }, { "max-age=5", 60 },
        { "no-store", 60 },     { "max-age=999999", 3600 },     { "max-age=x", 3600 },
        { "MAX-AGE=120", 120 }, { "max-age=-1", 3600 },         { "max-age=99999999999999999999999", 3600 },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        RbProvider *corp = fresh("corp");
        issuer->answer[ASK_JWKS].header = rows[i].value == NULL ? NULL : "Cache-Control";
        issuer->answer[ASK_JWKS].value = rows[i].value;
        rb_provider_hurry(corp);
        if (rb_provider_refresh(corp, ISSUER_NOW, NULL) != ISSUER_NOW + rows[i].due_s)
            fail_msg("%s", rows[i].value);
    }
    (void)fresh("corp");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rollover),         cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_crowd_while_slow), cmocka_unit_test(test_stale),
        cmocka_unit_test(test_refused_refresh),  cmocka_unit_test(test_cache_headers),
    };

    return cmocka_run_group_tests_name("oidc_keys", tests, party_set_up, party_tear_down);
}
