#include "helper.h"

#include "base/refusal.h"
#include "jose.h"

#include <jansson.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define ACCOUNT "111122223333"
#define ISSUER "https://bridge.acme.example"
#define ARN "arn:aws:iam::" ACCOUNT ":oidc-provider/bridge.acme.example"
#define ROLE(name) "arn:aws:iam::" ACCOUNT ":role/rolebridge/" name
#define TAGS(tags, keys) "{\"https://aws.amazon.com/tags\":{\"principal_tags\":" tags ",\"transitive_tag_keys\":" keys "}}"
#define SI "{\"https://aws.amazon.com/source_identity\":\"ada@acme.example\"}"
#define NO_KEY "Couldn't retrieve verification key from your identity provider"
#define NO_JWT "not a valid JWT"

static const char base_claims[] = "{\"iss\":\"" ISSUER "\",\"sub\":\"ada@acme.example\",\"aud\":\"sts.amazonaws.com\","
    "\"iat\":1795510800,\"exp\":1795510860,\"jti\":\"5b0c\"}"; /* TEST_NOW, and a minute later */

static const char *const trusts[][3] = { /* name, actions, condition */
    { "data-scientist", "[\"sts:AssumeRoleWithWebIdentity\",\"sts:TagSession\",\"sts:SetSourceIdentity\"]", "{\"StringEquals\":{\"bridge.acme.example:aud\":\"sts.amazonaws.com\"}}" },
    { "no-tags",        "[\"sts:AssumeRoleWithWebIdentity\",\"sts:SetSourceIdentity\"]", "{}" },
    { "no-source",      "[\"sts:AssumeRoleWithWebIdentity\",\"sts:TagSession\"]", "{}" },
    { "by-saml-only",   "\"sts:AssumeRoleWithSAML\"", "{}" },
    { "only-grace",     "\"sts:*\"", "{\"StringEquals\":{\"bridge.acme.example:sub\":\"grace@acme.example\"}}" },
    { "like-acme",      "\"sts:*\"", "{\"StringLike\":{\"bridge.acme.example:sub\":\"*@acme.example\"}}" },
    { "needs-mfa",      "\"sts:*\"", "{\"ForAnyValue:StringEquals\":{\"bridge.acme.example:amr\":\"mfa\"}}" },
    { "party",          "\"sts:*\"", "{\"StringEquals\":{\"bridge.acme.example:aud\":\"party\",\"bridge.acme.example:oaud\":\"sts.amazonaws.com\"}}" },
    { "named",          "\"sts:*\"", "{\"StringEquals\":{\"sts:RoleSessionName\":\"grace\"}}" },
    { "tag-rule",       "\"sts:*\"", "{\"StringEquals\":{\"aws:RequestTag/team\":\"a\"}}" },
    { "source-rule",    "\"sts:*\"", "{\"Null\":{\"sts:SourceIdentity\":\"false\"}}" },
    { "denied",         "\"sts:*\"", "{\"StringEquals\":{\"aws:SourceIp\":\"203.0.113.9\"}}" },
};

enum { BY_RSA, BY_EC, BY_OTHER, BY_HMAC, BY_NOBODY };

static const struct {
    const char *name;
    int key;
    const char *alg, *header; /* NULL: {"alg":…,"kid":"k-KEY"} */
    const char *change;       /* members set in the claims; null takes one away; NULL: none */
    const char *role, *more;  /* NULL: data-scientist; more of the form */
    int status;
    const char *code, *message; /* NULL: accepted; a part of the answer */
} rows[] = {
    { "RS256",                   BY_RSA, "RS256", NULL, NULL, NULL, NULL, 200, NULL, "<Arn>arn:aws:sts::" ACCOUNT ":assumed-role/data-scientist/ada@acme.example</Arn>" },
    { "ES256",                   BY_EC,  "ES256", NULL, NULL, NULL, NULL, 200, NULL, "<SubjectFromWebIdentityToken>ada@acme.example</SubjectFromWebIdentityToken>" },
    { "RS512",                   BY_RSA, "RS512", NULL, NULL, NULL, NULL, 200, NULL, "<Provider>" ISSUER "</Provider>" },
    { "its audience",            BY_EC,  "ES256", NULL, NULL, NULL, NULL, 200, NULL, "<Audience>sts.amazonaws.com</Audience>" },
    { "tags",                    BY_EC,  "ES256", NULL, TAGS("{\"CostCenter\":[\"4711\"]}", "[\"CostCenter\"]"), NULL, NULL, 200, NULL, "<PackedPolicySize>" },
    { "a source identity",       BY_EC,  "ES256", NULL, SI, NULL, NULL, 200, NULL, "<SourceIdentity>ada@acme.example</SourceIdentity>" },
    { "twelve hours, unchained", BY_EC,  "ES256", NULL, NULL, NULL, "&DurationSeconds=43200", 200, NULL, "<Expiration>2026-11-24T21:00:00Z" },
    { "one audience of several", BY_EC,  "ES256", NULL, "{\"aud\":[\"x\",\"sts.amazonaws.com\"]}", NULL, NULL, 200, NULL, NULL },
    { "a subject by pattern",    BY_EC,  "ES256", NULL, NULL, "like-acme", NULL, 200, NULL, NULL },
    { "a second factor",         BY_EC,  "ES256", NULL, "{\"amr\":[\"pwd\",\"mfa\"]}", "needs-mfa", NULL, 200, NULL, NULL },
    { "an authorized party",     BY_EC,  "ES256", NULL, "{\"azp\":\"party\"}", "party", NULL, 200, NULL, "<Audience>party</Audience>" },
    { "the tag asked for",       BY_EC,  "ES256", NULL, TAGS("{\"team\":[\"a\"]}", "[]"), "tag-rule", NULL, 200, NULL, NULL },

    { "no token at all",         BY_NOBODY, NULL, NULL, NULL, NULL, NULL, 400, "ValidationError", "webIdentityToken" },
    { "three letters",           BY_NOBODY, "abc", NULL, NULL, NULL, NULL, 400, "ValidationError", "greater than or equal to 4" },
    { "no JWT",                  BY_NOBODY, "opaque", NULL, NULL, NULL, NULL, 400, "InvalidIdentityToken", NO_JWT },
    { "five parts",              BY_NOBODY, "e30.e30.e30.e30.e30", NULL, NULL, NULL, NULL, 400, "InvalidIdentityToken", NO_JWT },
    { "alg none",                BY_RSA, "none", "{\"alg\":\"none\",\"kid\":\"k-0\"}", NULL, NULL, NULL, 400, "InvalidIdentityToken", NO_JWT },
    { "HS256, the public key",   BY_HMAC, "HS256", "{\"alg\":\"HS256\",\"kid\":\"k-0\"}", NULL, NULL, NULL, 400, "InvalidIdentityToken", NO_JWT },
    { "PS256",                   BY_RSA, "PS256", NULL, NULL, NULL, NULL, 400, "InvalidIdentityToken", NO_JWT },
    { "another kid",             BY_RSA, "RS256", "{\"alg\":\"RS256\",\"kid\":\"k-9\"}", NULL, NULL, NULL, 400, "InvalidIdentityToken", NO_KEY },
    { "no kid",                  BY_RSA, "RS256", "{\"alg\":\"RS256\"}", NULL, NULL, NULL, 400, "InvalidIdentityToken", NO_KEY },
    { "the kid of another kind", BY_RSA, "RS256", "{\"alg\":\"RS256\",\"kid\":\"k-1\"}", NULL, NULL, NULL, 400, "InvalidIdentityToken", NO_KEY },
    { "a key it does not have",  BY_OTHER, "RS256", "{\"alg\":\"RS256\",\"kid\":\"k-0\"}", NULL, NULL, NULL, 400, "InvalidIdentityToken", "signature" },
    { "a weak key",              BY_RSA, "RS256", "{\"alg\":\"RS256\",\"kid\":\"k-weak\"}", NULL, NULL, NULL, 400, "InvalidIdentityToken", NO_KEY },
    { "a key for encryption",    BY_RSA, "RS256", "{\"alg\":\"RS256\",\"kid\":\"k-enc\"}", NULL, NULL, NULL, 400, "InvalidIdentityToken", NO_KEY },
    { "a key for RS256 alone",   BY_RSA, "RS512", "{\"alg\":\"RS512\",\"kid\":\"k-rs256\"}", NULL, NULL, NULL, 400, "InvalidIdentityToken", NO_KEY },
    { "crit",                    BY_RSA, "RS256", "{\"alg\":\"RS256\",\"kid\":\"k-0\",\"crit\":[\"b64\"]}", NULL, NULL, NULL, 400, "InvalidIdentityToken", NO_JWT },
    { "a header member twice",   BY_RSA, "RS256", "{\"alg\":\"RS256\",\"kid\":\"k-0\",\"kid\":\"k-0\"}", NULL, NULL, NULL, 400, "InvalidIdentityToken", NO_JWT },

    { "another issuer",          BY_RSA, "RS256", NULL, "{\"iss\":\"https://elsewhere.example\"}", NULL, NULL, 400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://elsewhere.example" },
    { "a slash more",            BY_RSA, "RS256", NULL, "{\"iss\":\"" ISSUER "/\"}", NULL, NULL, 400, "InvalidIdentityToken", "No OpenIDConnect provider" },
    { "an issuer in clear text", BY_RSA, "RS256", NULL, "{\"iss\":\"http://bridge.acme.example\"}", NULL, NULL, 400, "InvalidIdentityToken", "No OpenIDConnect provider" },
    { "no issuer",               BY_RSA, "RS256", NULL, "{\"iss\":null}", NULL, NULL, 400, "InvalidIdentityToken", "No OpenIDConnect provider" },
    { "another account's",       BY_RSA, "RS256", NULL, NULL, "@444455556666", NULL, 400, "InvalidIdentityToken", "No OpenIDConnect provider" },
    { "another audience",        BY_RSA, "RS256", NULL, "{\"aud\":\"rolebridge\"}", NULL, NULL, 400, "InvalidIdentityToken", "Incorrect token audience" },
    { "a party not registered",  BY_RSA, "RS256", NULL, "{\"azp\":\"eve\"}", NULL, NULL, 400, "InvalidIdentityToken", "Incorrect token audience" },
    { "no audience",             BY_RSA, "RS256", NULL, "{\"aud\":null}", NULL, NULL, 400, "InvalidIdentityToken", "aud" },
    { "no subject",              BY_RSA, "RS256", NULL, "{\"sub\":null}", NULL, NULL, 400, "InvalidIdentityToken", "sub" },
    { "an empty subject",        BY_RSA, "RS256", NULL, "{\"sub\":\"\"}", NULL, NULL, 400, "InvalidIdentityToken", "sub" },
    { "no end",                  BY_RSA, "RS256", NULL, "{\"exp\":null}", NULL, NULL, 400, "InvalidIdentityToken", "exp" },
    { "an end with a fraction",  BY_RSA, "RS256", NULL, "{\"exp\":1795510860.5}", NULL, NULL, 400, "InvalidIdentityToken", "exp" },
    { "an end in words",         BY_RSA, "RS256", NULL, "{\"exp\":\"1795510860\"}", NULL, NULL, 400, "InvalidIdentityToken", "exp" },
    { "no beginning",            BY_RSA, "RS256", NULL, "{\"iat\":null}", NULL, NULL, 400, "InvalidIdentityToken", "iat" },
    { "expired this second",     BY_RSA, "RS256", NULL, "{\"exp\":1795510800}", NULL, NULL, 400, "ExpiredTokenException", "Token expired: current date/time 1795510800 must be before the expiration date/time 1795510800" },
    { "from the future",         BY_RSA, "RS256", NULL, "{\"iat\":1795511101,\"exp\":1795511200}", NULL, NULL, 400, "InvalidIdentityToken", "not yet valid" },
    { "not yet",                 BY_RSA, "RS256", NULL, "{\"nbf\":1795511101}", NULL, NULL, 400, "InvalidIdentityToken", "not yet valid" },

    { "tags that are a text",    BY_RSA, "RS256", NULL, "{\"https://aws.amazon.com/tags\":\"CostCenter\"}", NULL, NULL, 400, "InvalidIdentityToken", "tags" },
    { "a tag that is no list",   BY_RSA, "RS256", NULL, TAGS("{\"a\":\"b\"}", "[]"), NULL, NULL, 400, "InvalidIdentityToken", "tags" },
    { "a tag with two values",   BY_RSA, "RS256", NULL, TAGS("{\"a\":[\"b\",\"c\"]}", "[]"), NULL, NULL, 400, "InvalidIdentityToken", "tags" },
    { "a tag of aws:",           BY_RSA, "RS256", NULL, TAGS("{\"aws:x\":[\"1\"]}", "[]"), NULL, NULL, 400, "InvalidParameterValue", "aws:" },
    { "a tag in both cases",     BY_RSA, "RS256", NULL, TAGS("{\"Team\":[\"1\"],\"team\":[\"1\"]}", "[]"), NULL, NULL, 400, "InvalidParameterValue", "case insensitive" },
    { "a transitive key unset",  BY_RSA, "RS256", NULL, TAGS("{\"a\":[\"1\"]}", "[\"b\"]"), NULL, NULL, 400, "InvalidParameterValue", "transitive" },
    { "a source with a blank",   BY_RSA, "RS256", NULL, "{\"https://aws.amazon.com/source_identity\":\"ada l\"}", NULL, NULL, 400, "InvalidIdentityToken", "source identity" },
    { "a source of aws:",        BY_RSA, "RS256", NULL, "{\"https://aws.amazon.com/source_identity\":\"aws:ada\"}", NULL, NULL, 400, "InvalidIdentityToken", "source identity" },

    { "tags not allowed",        BY_RSA, "RS256", NULL, TAGS("{\"a\":[\"1\"]}", "[]"), "no-tags", NULL, 403, "AccessDenied", "sts:TagSession" },
    { "and without tags",        BY_RSA, "RS256", NULL, NULL, "no-tags", NULL, 200, NULL, NULL },
    { "a source not allowed",    BY_RSA, "RS256", NULL, SI, "no-source", NULL, 403, "AccessDenied", "sts:SetSourceIdentity" },
    { "a source demanded",       BY_RSA, "RS256", NULL, NULL, "source-rule", NULL, 403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity" },
    { "another action",          BY_RSA, "RS256", NULL, NULL, "by-saml-only", NULL, 403, "AccessDenied", NULL },
    { "another subject",         BY_RSA, "RS256", NULL, NULL, "only-grace", NULL, 403, "AccessDenied", NULL },
    { "without second factor",   BY_RSA, "RS256", NULL, NULL, "needs-mfa", NULL, 403, "AccessDenied", NULL },
    { "another party",           BY_RSA, "RS256", NULL, NULL, "party", NULL, 403, "AccessDenied", NULL },
    { "another tag",             BY_RSA, "RS256", NULL, TAGS("{\"team\":[\"b\"]}", "[]"), "tag-rule", NULL, 403, "AccessDenied", NULL },
    { "another session name",    BY_RSA, "RS256", NULL, NULL, "named", NULL, 403, "AccessDenied", NULL },
    { "another network",         BY_RSA, "RS256", NULL, NULL, "denied", NULL, 403, "AccessDenied", NULL },
    { "no such role",            BY_RSA, "RS256", NULL, NULL, "nobody", NULL, 403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity" },
    { "a role for principals",   BY_RSA, "RS256", NULL, NULL, "for-accounts", NULL, 403, "AccessDenied", NULL },
    { "a second too long",       BY_RSA, "RS256", NULL, NULL, "no-tags", "&DurationSeconds=7201", 400, "ValidationError", "exceeds the MaxSessionDuration" },
    { "899 seconds",             BY_RSA, "RS256", NULL, NULL, NULL, "&DurationSeconds=899", 400, "ValidationError", "900" },
    { "a policy that is none",   BY_RSA, "RS256", NULL, NULL, NULL, "&Policy=x", 400, "MalformedPolicyDocument", NULL },
};
/* clang-format on */

typedef struct {
    EVP_PKEY *keys[3], *weak;
    char *pem, *jwks;
    const char *discovery, *fail; /* what /.well-known says; an address that does not answer */
    gboolean refuse;              /* it answers, with something else than 200 */
    gint64 max_age_s;
    guint asked;
    RbBoxCloud *cloud;
    RbBoxSts sts;
} World;

static const char *const regions[] = { "eu-central-1", NULL };
static const char good_discovery[] = "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"" ISSUER "/jwks.json\"}";

static GBytes *
fetch(gpointer data, const char *url, gint64 *max_age_s, GError **error)
{
    World *world = data;
    gboolean keys = g_str_has_suffix(url, "/jwks.json");

    assert_true(g_str_has_prefix(url, "https://localhost:8443/")); /* where the issuer is reached */
    world->asked += keys;
    *max_age_s = keys ? world->max_age_s : 86400;
    if (world->fail != NULL && g_str_has_suffix(url, world->fail)) {
        (void)(world->refuse ? rb_refuse(error, RB_REQUEST_MALFORMED, "%s answered 404", url)
                             : rb_fault(error, RB_FAULT_NETWORK, "%s does not answer", url));
        return NULL;
    }
    return keys ? g_bytes_new(world->jwks, strlen(world->jwks))
                : g_bytes_new(world->discovery, strlen(world->discovery));
}

static char *
published(World *world)
{
    g_autofree char *rsa = jose_jwk(world->keys[BY_RSA], "k-0", NULL);
    g_autofree char *one = jose_jwk(world->keys[BY_RSA], "k-rs256", "\"use\":\"sig\",\"alg\":\"RS256\"");
    g_autofree char *ec = jose_jwk(world->keys[BY_EC], "k-1", "\"use\":\"sig\"");
    g_autofree char *weak = jose_jwk(world->weak, "k-weak", NULL);
    g_autofree char *enc = jose_jwk(world->keys[BY_RSA], "k-enc", "\"use\":\"enc\"");

    return jose_jwks(rsa, one, ec, weak, enc, NULL);
}

static void
add_role(World *world, const char *name, const char *principal, const char *actions, const char *condition,
         gint64 max_s)
{
    g_autofree char *problem = NULL;
    g_autofree char *trust =
        g_strdup_printf("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":%s,\"Action\":%s,"
                        "\"Condition\":%s}}",
                        principal, actions, condition);
    const RbBoxRoleSpec spec = { .account = ACCOUNT,
                                 .partition = "aws",
                                 .path = "/rolebridge/",
                                 .name = name,
                                 .max_session_s = max_s,
                                 .trust = trust };

    if (!rb_box_cloud_add_role(world->cloud, &spec, &problem))
        fail_msg("%s: %s", name, problem);
}

/* Made once: RSA keys take their time. */
static EVP_PKEY *
key_of(gsize i)
{
    static const char *const kinds[] = { "RSA", "P-256", "RSA", "RSA-1024" };
    static EVP_PKEY *made[G_N_ELEMENTS(kinds)];

    if (made[i] == NULL)
        made[i] = jose_key(kinds[i]);
    EVP_PKEY_up_ref(made[i]);
    return made[i];
}

static World *
world_new(void)
{
    static const char *const audiences[] = { "sts.amazonaws.com", "party", NULL };
    World *world = g_new0(World, 1);
    g_autofree char *problem = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(world->keys); i++)
        world->keys[i] = key_of(i);
    world->weak = key_of(G_N_ELEMENTS(world->keys));
    world->pem = jose_pem(world->keys[BY_RSA]);
    world->jwks = published(world);
    world->discovery = good_discovery;
    world->max_age_s = 3600;
    world->cloud = rb_box_cloud_new();
    world->sts = (RbBoxSts){ world->cloud, regions, NULL };
    rb_box_cloud_add_provider(world->cloud,
                              rb_box_provider_new(&(RbBoxProviderSpec){ .arn = ARN,
                                                                        .audiences = audiences,
                                                                        .reach = "https://localhost:8443",
                                                                        .max_age_s = 86400,
                                                                        .fetch = fetch,
                                                                        .fetch_data = world },
                                                  &problem));
    for (gsize i = 0; i < G_N_ELEMENTS(trusts); i++)
        add_role(world, trusts[i][0], "{\"Federated\":\"" ARN "\"}", trusts[i][1], trusts[i][2],
                 i == 0 ? 43200 : 7200);
    add_role(world, "for-accounts", "{\"AWS\":[\"" ACCOUNT "\",\"*\"]}", "\"sts:*\"", "{}", 7200);
    return world;
}

static void
world_free(World *world)
{
    for (gsize i = 0; i < G_N_ELEMENTS(world->keys); i++)
        EVP_PKEY_free(world->keys[i]);
    EVP_PKEY_free(world->weak);
    rb_box_cloud_free(world->cloud);
    g_free(world->pem);
    g_free(world->jwks);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static char *
claims_with(const char *change)
{
    return jose_claims(json_loads(base_claims, 0, NULL), change == NULL ? "{}" : change);
}

static char *
token_of(const World *world, gsize i)
{
    g_autofree char *claims = claims_with(rows[i].change);
    g_autofree char *header = g_strdup_printf("{\"alg\":\"%s\",\"kid\":\"k-%d\"}", rows[i].alg, rows[i].key);

    if (rows[i].key == BY_NOBODY)
        return g_strdup(rows[i].alg);
    if (rows[i].key == BY_HMAC)
        return jose_hmac(world->pem, rows[i].header, claims);
    return jose_sign(world->keys[rows[i].key], rows[i].alg, rows[i].header == NULL ? header : rows[i].header,
                     claims);
}

/* Unsigned, as SDKs send it. */
static char *
exchange(const World *world, const char *token, const char *role, const char *more, gint64 now, int *status)
{
    g_autoptr(RbBoxRequest) request = rb_box_request_new("POST", "/", "127.0.0.1", TRUE);
    g_autofree char *arn = role[0] == '@'
                               ? g_strdup_printf("arn:aws:iam::%s:role/rolebridge/data-scientist", role + 1)
                               : g_strconcat(ROLE(""), role, NULL);
    RbBoxAnswer answer;
    char *body;

    rb_box_request_add_header(request, "Content-Type", "application/x-www-form-urlencoded");
    g_string_append_printf(request->body,
                           "Version=2011-06-15&Action=AssumeRoleWithWebIdentity&RoleArn=%s&RoleSessionName="
                           "ada@acme.example%s%s%s",
                           arn, token == NULL ? "" : "&WebIdentityToken=", token == NULL ? "" : token, more);
    rb_box_answer_init(&answer);
    rb_box_sts_answer(&world->sts, request, now, &answer);
    *status = answer.status;
    body = g_strdup(answer.body->str);
    rb_box_answer_clear(&answer);
    return body;
}

static gboolean
is_answer(const char *name, const char *body, int status, int want, const char *want_code, const char *part)
{
    g_autofree char *code = test_element(body, "Code");
    g_autofree char *escaped = part == NULL ? g_strdup("") : g_markup_escape_text(part, -1);

    if (status == want && g_strcmp0(code, want_code) == 0 &&
        (strstr(body, escaped) != NULL || strstr(body, part) != NULL))
        return TRUE;
    print_error("%s: wanted %d %s '%s', got %d %s\n", name, want, want_code, part, status, body);
    return FALSE;
}

static void
test_tokens(void **state)
{
    g_autoptr(World) world = world_new();
    int wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        int status;
        g_autofree char *token = token_of(world, i);
        g_autofree char *body = exchange(world, token, rows[i].role == NULL ? "data-scientist" : rows[i].role,
                                         rows[i].more == NULL ? "" : rows[i].more, TEST_NOW, &status);

        wrong += !is_answer(rows[i].name, body, status, rows[i].status, rows[i].code, rows[i].message);
        assert_int_equal(strstr(body, "<SecretAccessKey>") != NULL, status == 200);
    }
    assert_int_equal(wrong, 0);
}

/* Any bit of the claims changed after signing. */
static void
test_altered(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *claims = claims_with(NULL), *grace = claims_with("{\"sub\":\"grace@acme.example\"}");
    g_autofree char *good =
        jose_sign(world->keys[BY_EC], "ES256", "{\"alg\":\"ES256\",\"kid\":\"k-1\"}", claims);
    g_autofree char *middle = rb_base64url_encode(grace, strlen(grace)), *forged = NULL, *body = NULL;
    g_auto(GStrv) parts = g_strsplit(good, ".", 3);
    int status;

    (void)state;
    forged = g_strjoin(".", parts[0], middle, parts[2], NULL);
    body = exchange(world, forged, "data-scientist", "", TEST_NOW, &status);
    assert_true(is_answer("altered", body, status, 400, "InvalidIdentityToken", "signature"));
}

/* What came by a token carries its tags, its transitive keys and its source identity on. */
static void
test_carried(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *claims =
        claims_with("{\"https://aws.amazon.com/tags\":{\"principal_tags\":{\"Team\":[\"a\"],"
                    "\"x\":[\"b\"]},\"transitive_tag_keys\":[\"Team\"]},"
                    "\"https://aws.amazon.com/source_identity\":\"ada@acme.example\"}");
    g_autofree char *token =
        jose_sign(world->keys[BY_EC], "ES256", "{\"alg\":\"ES256\",\"kid\":\"k-1\"}", claims);
    int status;
    g_autofree char *body = exchange(world, token, "data-scientist", "", TEST_NOW, &status), *key = NULL,
                    *again = NULL;
    g_autoptr(RbBoxPrincipal) session = NULL;

    (void)state;
    assert_int_equal(status, 200);
    key = test_element(body, "AccessKeyId");
    session = rb_box_cloud_principal(world->cloud, key);
    assert_string_equal(session->account, ACCOUNT);
    assert_string_equal(session->source_identity, "ada@acme.example");
    assert_string_equal(g_hash_table_lookup(session->tags, "Team"), "a");
    assert_string_equal(g_hash_table_lookup(session->transitive, "team"), "Team");
    assert_int_equal(g_hash_table_size(session->tags), 2);
    assert_false(session->chained);
    again = exchange(world, token, "data-scientist", "", TEST_NOW, &status);
    assert_int_equal(status, 200); /* AWS keeps no list of tokens it has seen */
}

/* The keys are kept as long as Cache-Control says, however unknown a kid is; then they are asked for again.
 */
static void
test_keys_kept(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *claims = claims_with("{\"exp\":1795520000}");
    g_autofree char *old =
        jose_sign(world->keys[BY_EC], "ES256", "{\"alg\":\"ES256\",\"kid\":\"k-1\"}", claims);
    g_autofree char *new =
        jose_sign(world->keys[BY_OTHER], "RS256", "{\"alg\":\"RS256\",\"kid\":\"k-2\"}", claims);
    g_autofree char *jwk = jose_jwk(world->keys[BY_OTHER], "k-2", NULL);
    static const struct {
        const char *name;
        gint64 after;
        gboolean new;
        int status;
        guint asked;
    } steps[] = {
        { "the first", 0, FALSE, 200, 1 },           { "from memory", 1, FALSE, 200, 1 },
        { "a new key, too early", 2, TRUE, 400, 1 }, { "the old, a last time", 3599, FALSE, 200, 1 },
        { "the new, in time", 3600, TRUE, 200, 2 },  { "the old one is gone", 3601, FALSE, 400, 2 },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        int status;
        g_autofree char *body = exchange(world, steps[i].new ? new : old, "data-scientist", "",
                                         TEST_NOW + steps[i].after, &status);

        if (status != steps[i].status || world->asked != steps[i].asked)
            fail_msg("%s: %d, asked %u times: %s", steps[i].name, status, world->asked, body);
        g_free(world->jwks);
        world->jwks = jose_jwks(jwk, NULL);
    }
}

static void
test_issuer_trouble(void **state)
{
    static const struct {
        const char *name, *discovery, *jwks, *fail;
        gboolean refuse;
        const char *code;
    } troubles[] = {
        { "no discovery", NULL, NULL, "openid-configuration", FALSE, "IDPCommunicationError" },
        { "no keys", NULL, NULL, "jwks.json", FALSE, "IDPCommunicationError" },
        { "keys are 404", NULL, NULL, "jwks.json", TRUE, "InvalidIdentityToken" },
        { "discovery is HTML", "<html>", NULL, NULL, FALSE, "InvalidIdentityToken" },
        { "another issuer's", "{\"issuer\":\"https://x.example\",\"jwks_uri\":\"" ISSUER "/jwks.json\"}",
          NULL, NULL, FALSE, "InvalidIdentityToken" },
        { "keys in clear text",
          "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"http://bridge.acme.example/jwks.json\"}", NULL, NULL,
          FALSE, "InvalidIdentityToken" },
        { "no address of keys", "{\"issuer\":\"" ISSUER "\"}", NULL, NULL, FALSE, "InvalidIdentityToken" },
        { "keys are HTML", NULL, "<html>", NULL, FALSE, "InvalidIdentityToken" },
        { "no keys in it", NULL, "{}", NULL, FALSE, "InvalidIdentityToken" },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(troubles); i++) {
        g_autoptr(World) world = world_new();
        g_autofree char *claims = claims_with(NULL);
        g_autofree char *token =
            jose_sign(world->keys[BY_EC], "ES256", "{\"alg\":\"ES256\",\"kid\":\"k-1\"}", claims);
        g_autofree char *body = NULL, *later = NULL;
        int status;

        if (troubles[i].discovery != NULL)
            world->discovery = troubles[i].discovery;
        if (troubles[i].jwks != NULL) {
            g_free(world->jwks);
            world->jwks = g_strdup(troubles[i].jwks);
        }
        world->fail = troubles[i].fail;
        world->refuse = troubles[i].refuse;
        world->max_age_s = 0;
        body = exchange(world, token, "data-scientist", "", TEST_NOW, &status);
        assert_true(is_answer(troubles[i].name, body, status, 400, troubles[i].code, ""));
        world->fail = NULL; /* trouble is not remembered */
        world->discovery = good_discovery;
        g_free(world->jwks);
        world->jwks = published(world);
        later = exchange(world, token, "data-scientist", "", TEST_NOW + 1, &status);
        assert_int_equal(status, 200);
    }
}

static void
test_provider_names(void **state)
{
    static const struct {
        const char *arn, *metadata;
        gboolean good;
    } names[] = {
        { ARN, NULL, TRUE },
        { "arn:aws:iam::" ACCOUNT ":oidc-provider/bridge.acme.example/deep/path", NULL, TRUE },
        { "arn:aws:iam::" ACCOUNT ":saml-provider/rolebridge", "metadata.xml", TRUE },
        { "arn:aws:iam::" ACCOUNT ":saml-provider/rolebridge", NULL, FALSE },
        { "arn:aws:iam::" ACCOUNT ":oidc-provider/", NULL, FALSE },
        { "arn:aws:iam::" ACCOUNT ":role/x", NULL, FALSE },
        { "arn:aws:sts::" ACCOUNT ":oidc-provider/x", NULL, FALSE },
        { "https://bridge.acme.example", NULL, FALSE },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *problem = NULL;
        g_autoptr(RbBoxProvider) provider = rb_box_provider_new(
            &(RbBoxProviderSpec){ .arn = names[i].arn, .metadata = names[i].metadata, .fetch = fetch },
            &problem);

        assert_int_equal(provider != NULL, names[i].good);
        assert_int_equal(problem == NULL, names[i].good);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),         cmocka_unit_test(test_altered),
        cmocka_unit_test(test_carried),        cmocka_unit_test(test_keys_kept),
        cmocka_unit_test(test_issuer_trouble), cmocka_unit_test(test_provider_names),
    };

    return cmocka_run_group_tests_name("sandbox_web_identity", tests, NULL, NULL);
}
