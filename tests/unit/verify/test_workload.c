/* Tokens of jobs and pods: whose they are, every rule with its exact code, and what they become. */
#include "party.h"

#include "verify/workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Shaped like GitHub's and Kubernetes's; two providers of one issuer differ in their audience. */
static const char yaml[] =
    "identity_providers:\n"
    "  - { id: people, type: oidc, issuer: \"%ISSUER%\", client_id: bridge, client_auth: none }\n"
    "  - { id: ci, type: workload, issuer: \"%ISSUER%\", audience: [rolebridge, "
    "\"https://bridge.acme.example\"],\n"
    "      name: \"gh-${repository_id}-${run_id}\", groups: teams }\n"
    "  - { id: k8s, type: workload, issuer: \"%ISSUER%\", audience: cluster, max_age: 1h,\n"
    "      name: \"${kubernetes.io.serviceaccount.name}@${kubernetes.io.namespace}\" }\n"
    "  - { id: few, type: workload, issuer: \"%ISSUER%\", audience: few, algorithms: [ES256], name: "
    "\"x${n}\",\n"
    "      claims: [n, \"a\", \"b.c\"] }\n";

static RbProviders *all;

static int
set_up(void **state)
{
    g_autofree char *problems = NULL;

    (void)state;
    issuer = issuer_new();
    all = issuer_load(issuer, yaml, &problems);
    if (all == NULL)
        fail_msg("%s", problems);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rb_providers_free(all);
    issuer_free(issuer);
    return 0;
}

static void
read_anew(gint64 now)
{
    issuer_reset(issuer);
    for (guint i = 0; i < rb_providers_size(all); i++) {
        rb_provider_hurry(rb_providers_item(all, i));
        (void)rb_provider_refresh(rb_providers_item(all, i), now, NULL);
    }
}

/* (transfer full): the claims of a job; @change replaces members, null takes one out. */
static char *
job(const char *change)
{
    static const char base[] = "\"nonce\":null,\"groups\":null,\"name\":null,\"aud\":\"rolebridge\",\"sub\":"
                               "\"repo:acme/infra:ref:refs/heads/main\","
                               "\"jti\":\"j-1\",\"repository\":\"acme/"
                               "infra\",\"repository_id\":\"74\",\"run_id\":\"8001\",\"run_attempt\":1,"
                               "\"ref\":\"refs/heads/main\",\"protected\":true,\"teams\":[\"deployers\"]";
    g_autofree char *honest = issuer_claims(issuer, "n", base);
    g_autofree char *object = g_strdup_printf("{%s}", change == NULL ? "" : change);

    return jose_claims(json_loads(honest, 0, NULL), object);
}

static char *
job_token(const char *change)
{
    g_autofree char *claims = job(change);

    return jose_sign(issuer->rsa, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"JWT\"}", claims);
}

#define POD                                                                                                  \
    "\"aud\":[\"cluster\"],\"sub\":\"system:serviceaccount:payments:deploy\",\"kubernetes.io\":{"            \
    "\"namespace\":"                                                                                         \
    "\"payments\",\"node\":{\"name\":\"n1\",\"uid\":\"u0\"},\"pod\":{\"name\":\"p-1\",\"uid\":\"u1\"},"      \
    "\"serviceaccount\":{\"name\":\"deploy\",\"uid\":\"u2\"},\"warnafter\":1700000100}"

/* clang-format off */
static const struct {
    const char *name, *change;
    RbRefusalCode want;
} claims[] = {
    { "as it should be", NULL, RB_ACCEPTED },
    { "the other audience", "\"aud\":\"https://bridge.acme.example\"", RB_ACCEPTED },
    { "aud a list of us", "\"aud\":[\"rolebridge\"]", RB_ACCEPTED },
    { "iss of another", "\"iss\":\"https://evil.example\"", RB_JWT_ISSUER },
    { "iss with a slash more", "\"iss\":\"http://127.0.0.1/\"", RB_JWT_ISSUER },
    { "iss missing", "\"iss\":null", RB_JWT_ISSUER },
    { "iss a list", "\"iss\":[\"x\"]", RB_JWT_ISSUER },
    { "aud of AWS itself", "\"aud\":\"sts.amazonaws.com\"", RB_JWT_AUDIENCE },
    { "aud in other letters", "\"aud\":\"RoleBridge\"", RB_JWT_AUDIENCE },
    { "aud that begins alike", "\"aud\":\"rolebridge2\"", RB_JWT_AUDIENCE },
    { "aud missing", "\"aud\":null", RB_JWT_AUDIENCE },
    { "aud a number", "\"aud\":1", RB_JWT_AUDIENCE },
    { "aud an object", "\"aud\":{\"rolebridge\":1}", RB_JWT_AUDIENCE },
    { "aud an empty list", "\"aud\":[]", RB_JWT_AUDIENCE },
    { "aud a list with a number", "\"aud\":[\"rolebridge\",1]", RB_JWT_AUDIENCE },
    { "an ID token of people", "\"aud\":\"bridge\"", RB_JWT_AUDIENCE },
    { "two audiences without azp", "\"aud\":[\"rolebridge\",\"vault\"]", RB_JWT_AUDIENCE },
    { "two audiences, azp us", "\"aud\":[\"rolebridge\",\"vault\"],\"azp\":\"rolebridge\"", RB_ACCEPTED },
    { "azp another", "\"azp\":\"vault\"", RB_JWT_AUDIENCE },
    { "azp a number", "\"azp\":1", RB_JWT_AUDIENCE },
    { "exp: last accepted second", "\"exp\":1699999941", RB_ACCEPTED },
    { "exp: first refused second", "\"exp\":1699999940", RB_JWT_EXPIRED },
    { "exp missing", "\"exp\":null", RB_JWT_MALFORMED },
    { "exp a text", "\"exp\":\"1800000000\"", RB_JWT_MALFORMED },
    { "exp in milliseconds", "\"exp\":1700000300000", RB_JWT_MALFORMED },
    { "exp huge", "\"exp\":1e300", RB_JWT_MALFORMED },
    { "iat: last accepted second", "\"iat\":1700000060", RB_ACCEPTED },
    { "iat: first refused second", "\"iat\":1700000061", RB_JWT_NOT_YET_VALID },
    { "iat missing", "\"iat\":null", RB_JWT_MALFORMED },
    { "nbf: last accepted second", "\"nbf\":1700000060", RB_ACCEPTED },
    { "nbf: first refused second", "\"nbf\":1700000061", RB_JWT_NOT_YET_VALID },
    { "life: the longest", "\"exp\":1700086400", RB_ACCEPTED },
    { "life: a second more", "\"exp\":1700086401", RB_JWT_LIFETIME },
    { "life: a year", "\"exp\":1731536000", RB_JWT_LIFETIME },
    { "life: long ago until soon", "\"iat\":0", RB_JWT_LIFETIME },
    { "sub missing", "\"sub\":null", RB_JWT_SUBJECT },
    { "sub empty", "\"sub\":\"\"", RB_JWT_SUBJECT },
    { "sub a number", "\"sub\":7", RB_JWT_SUBJECT },
    { "jti missing", "\"jti\":null", RB_ACCEPTED },
    { "jti a number", "\"jti\":7", RB_JWT_MALFORMED },
    { "nonce of a sign-in", "\"nonce\":\"n\"", RB_JWT_TYPE },
    { "at_hash of a sign-in", "\"at_hash\":\"x\"", RB_JWT_TYPE },
    { "c_hash of a sign-in", "\"c_hash\":\"x\"", RB_JWT_TYPE },
    { "events of a logout", "\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}}", RB_JWT_TYPE },
    { "a claim of the name missing", "\"run_id\":null", RB_IDENTITY_NAME_MISSING },
    { "a claim of the name empty", "\"run_id\":\"\"", RB_IDENTITY_NAME_MISSING },
    { "a claim of the name a list of two", "\"run_id\":[\"1\",\"2\"]", RB_IDENTITY_NAME_MISSING },
    { "a claim of the name an object", "\"run_id\":{\"a\":1}", RB_IDENTITY_NAME_MISSING },
    { "a claim of the name a number", "\"run_id\":8001", RB_ACCEPTED },
    { "a name that AWS cannot carry", "\"run_id\":\"80 01\"", RB_IDENTITY_NAME_UNUSABLE },
    { "a name with a line end", "\"run_id\":\"80\\n01\"", RB_IDENTITY_NAME_UNUSABLE },
    { "a name with a letter of another script", "\"run_id\":\"8\\u0430\"", RB_IDENTITY_NAME_UNUSABLE },
    { "a value that could end elsewhere", "\"repository_id\":\"74-80\",\"run_id\":\"01\"", RB_IDENTITY_NAME_UNUSABLE },
    { "a separator in the last value", "\"run_id\":\"80-01\"", RB_ACCEPTED },
    { "a name of 64", "\"run_id\":\"123456789012345678901234567890123456789012345678901234567a\"", RB_ACCEPTED },
    { "a name of 65", "\"run_id\":\"123456789012345678901234567890123456789012345678901234567ab\"", RB_IDENTITY_NAME_UNUSABLE },
    { "groups a text", "\"teams\":\"deployers\"", RB_ACCEPTED },
    { "no groups", "\"teams\":null", RB_ACCEPTED },
    { "groups an object", "\"teams\":{\"a\":1}", RB_IDENTITY_MALFORMED },
    { "groups with a number", "\"teams\":[\"a\",1]", RB_IDENTITY_MALFORMED },
    { "groups left out", "\"teams\":null,\"_claim_names\":{\"teams\":\"src1\"}", RB_IDENTITY_GROUPS_INCOMPLETE },
    { "groups left out (hasgroups)", "\"hasgroups\":true", RB_IDENTITY_GROUPS_INCOMPLETE },
    { "two claims of one name", "\"a\":{\"b\":\"1\"},\"a.b\":\"2\"", RB_IDENTITY_MALFORMED },
    { "two claims of one name, deeper", "\"a\":{\"b.c\":\"1\",\"b\":{\"c\":\"2\"}}", RB_IDENTITY_MALFORMED },
    { "claims as deep as JSON may be", "\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}}}}}}", RB_ACCEPTED },
    { "claims too deep", "\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}}}}}}}}}", RB_JWT_MALFORMED },
    { "a pod", POD, RB_ACCEPTED },
    { "a pod: life of the longest", POD ",\"exp\":1700003600", RB_ACCEPTED },
    { "a pod: a second more", POD ",\"exp\":1700003601", RB_JWT_LIFETIME },
    { "a pod without a namespace", "\"aud\":\"cluster\",\"kubernetes.io\":{\"serviceaccount\":{\"name\":\"a\"}}", RB_IDENTITY_NAME_MISSING },
    { "a pod: a separator in its account", "\"aud\":\"cluster\",\"kubernetes.io\":{\"namespace\":\"b\",\"serviceaccount\":{\"name\":\"a@x\"}}", RB_IDENTITY_NAME_UNUSABLE },
    { "RS256 where ES256 alone is allowed", "\"aud\":\"few\",\"n\":\"1\"", RB_JWT_ALGORITHM },
};
/* clang-format on */

static void
test_claims(void **state)
{
    (void)state;
    read_anew(ISSUER_NOW);
    for (gsize i = 0; i < G_N_ELEMENTS(claims); i++) {
        g_autofree char *token = job_token(claims[i].change);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = rb_providers_token(all, token, ISSUER_NOW, &error);
        expect_outcome(claims[i].name, verified, error, id_of(claims[i].want));
    }
}

static void
expect_values(const RbIdentity *identity, const char *name, const char *want)
{
    const char *const *values = rb_identity_attribute(identity, name);
    g_autofree char *got = values == NULL ? NULL : g_strjoinv(",", (char **)values);

    if (g_strcmp0(got, want) != 0)
        fail_msg("%s: got %s, want %s", name, got, want);
}

static void
test_identity(void **state)
{
    g_autofree char *token =
        job_token("\"list\":[\"a\",2,false,{\"x\":1},null,[3]],\"none\":null,\"amr\":[\"mfa\"],"
                  "\"acr\":\"urn:acme:2fa\",\"half\":1.5,\"empty\":{},\"env\":{\"name\":\"prod\"}");
    g_autoptr(GError) error = NULL;
    g_autoptr(RbVerified) verified = rb_providers_token(all, token, ISSUER_NOW, &error);
    const RbIdentity *identity;

    (void)state;
    if (verified == NULL)
        fail_msg("%s", error->message);
    identity = verified->identity;
    assert_string_equal(identity->name, "gh-74-8001");
    assert_string_equal(identity->subject, "repo:acme/infra:ref:refs/heads/main");
    assert_string_equal(identity->provider, "ci");
    assert_string_equal(identity->issuer, issuer->url);
    assert_false(identity->mfa);
    assert_null(identity->authn_context);
    assert_int_equal(identity->authenticated_at, ISSUER_NOW);
    assert_int_equal(identity->expires_at, 0);
    assert_true(identity->n_groups == 1 && rb_identity_has_group(identity, "deployers"));
    expect_values(identity, "repository", "acme/infra");
    expect_values(identity, "sub", "repo:acme/infra:ref:refs/heads/main");
    expect_values(identity, "run_attempt", "1");
    expect_values(identity, "protected", "true");
    expect_values(identity, "list", "a,2,false");
    expect_values(identity, "env.name", "prod");
    expect_values(identity, "half", NULL);
    expect_values(identity, "empty", NULL);
    expect_values(identity, "aud", NULL);
    expect_values(identity, "jti", NULL);
    assert_null(verified->replay_key);
    assert_string_equal(verified->proof_id, "j-1");
    assert_string_equal(verified->audience, "rolebridge");
}

static void
test_pod(void **state)
{
    g_autofree char *claim = job(POD);
    g_autofree char *token = jose_sign(issuer->rsa, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", claim);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbVerified) verified = rb_providers_token(all, token, ISSUER_NOW, &error);

    (void)state;
    if (verified == NULL)
        fail_msg("%s", error->message);
    assert_string_equal(verified->identity->name, "deploy@payments");
    assert_string_equal(verified->identity->provider, "k8s");
    expect_values(verified->identity, "kubernetes.io.namespace", "payments");
    expect_values(verified->identity, "kubernetes.io.pod.name", "p-1");
}

/* `claims:` keeps the others out, what is nested in a listed one included. */
static void
test_chosen_claims(void **state)
{
    g_autofree char *claim =
        job("\"aud\":\"few\",\"n\":\"1\",\"ab\":\"x\",\"a\":{\"b\":\"y\"},\"b\":{\"c\":\"z\",\"d\":\"w\"}");
    g_autofree char *token = jose_sign(issuer->p256, "ES256", "{\"alg\":\"ES256\",\"kid\":\"p256\"}", claim);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbVerified) verified = rb_providers_token(all, token, ISSUER_NOW, &error);

    (void)state;
    if (verified == NULL)
        fail_msg("%s", error->message);
    assert_int_equal(verified->identity->n_attributes, 3);
    expect_values(verified->identity, "a.b", "y");
    expect_values(verified->identity, "b.c", "z");
}

/* ---- forms ---- */

static const struct {
    const char *name, *header;
    RbRefusalCode want;
} headers[] = {
    { "no typ, as Kubernetes", "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", RB_ACCEPTED },
    { "an access token", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"at+jwt\"}", RB_JWT_TYPE },
    { "a logout token", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"logout+jwt\"}", RB_JWT_TYPE },
    { "a DPoP proof", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"dpop+jwt\"}", RB_JWT_TYPE },
    { "crit", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[\"exp\"]}", RB_JWT_HEADER },
    { "b64", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"b64\":false}", RB_JWT_HEADER },
    { "zip", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"zip\":\"DEF\"}", RB_JWT_HEADER },
    { "kid of nobody", "{\"alg\":\"RS256\",\"kid\":\"other\"}", RB_JWT_KEY_UNKNOWN },
    { "kid of a key of another kind", "{\"alg\":\"RS256\",\"kid\":\"p256\"}", RB_JWT_KEY_UNKNOWN },
    { "its own key in jwk", "{\"alg\":\"RS256\",\"kid\":\"other\",\"jwk\":{\"kty\":\"RSA\"}}",
      RB_JWT_KEY_UNKNOWN },
    { "a list", "[]", RB_JWT_MALFORMED },
    { "alg twice", "{\"alg\":\"RS256\",\"alg\":\"RS256\"}", RB_JWT_MALFORMED },
};

static void
test_headers(void **state)
{
    g_autofree char *claim = job(NULL);

    (void)state;
    read_anew(ISSUER_NOW);
    for (gsize i = 0; i < G_N_ELEMENTS(headers); i++) {
        g_autofree char *token = jose_sign(issuer->rsa, "RS256", headers[i].header, claim);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = rb_providers_token(all, token, ISSUER_NOW, &error);
        expect_outcome(headers[i].name, verified, error, id_of(headers[i].want));
    }
}

/* (transfer full): tokens that are none, or that nobody signed. */
static char *
broken_token(guint kind)
{
    g_autofree char *good = job_token(NULL), *claim = job(NULL), *pem = jose_pem(issuer->rsa), *text = NULL;
    g_auto(GStrv) part = g_strsplit(good, ".", 3);

    switch (kind) {
    case 0:
        return jose_sign(issuer->rsa, "none", "{\"alg\":\"none\"}", claim);
    case 1:
        return jose_hmac(pem, "{\"alg\":\"HS256\",\"kid\":\"rsa\"}", claim);
    case 2:
        return jose_with_signature(good, "", 0);
    case 3:
        return jose_sign(issuer->next, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", claim);
    case 4:
        text = job("\"repository_id\":\"1\"");
        g_free(part[1]);
        part[1] = g_base64_encode((const guchar *)text, strlen(text));
        g_strdelimit(part[1], "+/", '-');
        for (gsize n = strlen(part[1]); part[1][n - 1] == '='; n--)
            part[1][n - 1] = '\0';
        return g_strjoinv(".", part);
    case 5:
        return g_strconcat(part[0], ".", part[1], NULL);
    case 6:
        return g_strconcat(good, ".x", NULL);
    case 7:
        return g_strconcat(part[0], ".", part[1], "=.", part[2], NULL);
    case 8:
        return g_strconcat(good, "\n", NULL);
    case 9:
        return g_strnfill(RB_WORKLOAD_MAX_TOKEN + 1, '.');
    case 10:
        return jose_sign(issuer->rsa, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", "[]");
    case 11:
        return jose_sign(issuer->rsa, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\"}",
                         "{\"iss\":\"a\",\"iss\":\"b\"}");
    case 12:
        return jose_sign(issuer->rsa, "RS512", "{\"alg\":\"RS512\",\"kid\":\"rsa\"}", claim);
    default:
        return g_strdup("..");
    }
}

static void
test_broken(void **state)
{
    static const struct {
        const char *name;
        RbRefusalCode want;
    } rows[] = {
        { "alg none", RB_JWT_ALGORITHM },
        { "HMAC with the public key", RB_JWT_ALGORITHM },
        { "no signature", RB_JWT_SIGNATURE_INVALID },
        { "another's signature", RB_JWT_SIGNATURE_INVALID },
        { "claims of another job", RB_JWT_SIGNATURE_INVALID },
        { "two parts", RB_JWT_MALFORMED },
        { "four parts", RB_JWT_MALFORMED },
        { "padding", RB_JWT_MALFORMED },
        { "a line end", RB_JWT_MALFORMED },
        { "too large", RB_JWT_TOO_LARGE },
        { "a list of claims", RB_JWT_MALFORMED },
        { "iss twice", RB_JWT_MALFORMED },
        { "RS512", RB_JWT_ALGORITHM },
        { "nothing", RB_JWT_MALFORMED },
    };

    (void)state;
    read_anew(ISSUER_NOW);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *token = broken_token(i);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = rb_providers_token(all, token, ISSUER_NOW, &error);
        expect_outcome(rows[i].name, verified, error, id_of(rows[i].want));
    }
}

/* More claims, or values, than any issuer makes. */
static void
test_many(void **state)
{
    static const struct {
        const char *name;
        guint claims, values;
        RbRefusalCode want;
    } rows[] = {
        { "as many claims as are read", RB_WORKLOAD_MAX_CLAIMS - 8, 0, RB_ACCEPTED },
        { "a claim more", RB_WORKLOAD_MAX_CLAIMS - 7, 0, RB_IDENTITY_MALFORMED },
        { "as many values as are read", 0, RB_WORKLOAD_MAX_VALUES - 8, RB_ACCEPTED },
        { "a value more", 0, RB_WORKLOAD_MAX_VALUES - 7, RB_IDENTITY_MALFORMED },
    };

    (void)state;
    read_anew(ISSUER_NOW);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) change = g_string_new("\"z\":[");
        g_autofree char *token = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = NULL;
        for (guint n = 0; n < rows[i].values; n++)
            g_string_append_printf(change, "%s%u", n > 0 ? "," : "", n);
        g_string_append(change, "]");
        for (guint n = 0; n < rows[i].claims; n++)
            g_string_append_printf(change, ",\"c%u\":%u", n, n);
        token = job_token(change->str);
        verified = rb_providers_token(all, token, ISSUER_NOW, &error);
        expect_outcome(rows[i].name, verified, error, id_of(rows[i].want));
    }
}

/* ---- the issuer ---- */

/* A token of an issuer that nobody configured costs no request. */
static void
test_stranger(void **state)
{
    g_autofree char *token = job_token("\"iss\":\"https://evil.example\"");
    g_autoptr(GError) error = NULL;

    (void)state;
    read_anew(ISSUER_NOW);
    memset(issuer->asked, 0, sizeof issuer->asked);
    assert_null(rb_providers_token(all, token, ISSUER_NOW, &error));
    assert_true(rb_is_refusal(error, RB_JWT_ISSUER));
    assert_int_equal(issuer->asked[ASK_DISCOVERY] + issuer->asked[ASK_JWKS], 0);
}

/* GitHub's document has no endpoints for signing in. */
static void
test_discovery_without_endpoints(void **state)
{
    RbProvider *ci = rb_providers_find(all, "ci");
    g_autofree char *token = job_token(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbVerified) verified = NULL;

    (void)state;
    issuer_reset(issuer);
    issuer_says(issuer, ASK_DISCOVERY, 200,
                g_strdup_printf("{\"issuer\":\"%s\",\"jwks_uri\":\"%s/jwks\"}", issuer->url, issuer->url));
    rb_provider_hurry(ci);
    (void)rb_provider_refresh(ci, ISSUER_NOW, &error);
    assert_null(error);
    verified = rb_providers_token(all, token, ISSUER_NOW, &error);
    expect_outcome("without endpoints", verified, error, "accepted");
}

static void
test_outage(void **state)
{
    static const struct {
        const char *name;
        guint ask;
        int status;
        const char *body, *want;
    } rows[] = {
        { "down", ASK_DISCOVERY, 503, "", "fault.network" },
        { "redirects", ASK_DISCOVERY, 302, "", "fault.network" },
        { "HTML", ASK_DISCOVERY, 200, "<html>", "oidc.discovery" },
        { "another issuer", ASK_DISCOVERY, 200, "{\"issuer\":\"https://evil.example\"}", "oidc.discovery" },
        { "keys redirect", ASK_JWKS, 307, "", "fault.network" },
        { "keys are HTML", ASK_JWKS, 200, "<html>", "oidc.keys" },
        { "no keys", ASK_JWKS, 200, "{\"keys\":[]}", "oidc.keys" },
        { "keys of 10 MB", ASK_JWKS, 200, NULL, "fault.network" },
        { "document of 10 MB", ASK_DISCOVERY, 200, NULL, "fault.network" },
    };
    RbProvider *ci = rb_providers_find(all, "ci");
    g_autofree char *token = job_token("\"exp\":1700080000");

    (void)state;
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL, refused = NULL;
        g_autoptr(RbVerified) verified = NULL;
        read_anew(ISSUER_NOW);
        issuer_says(issuer, rows[i].ask, rows[i].status,
                    rows[i].body != NULL ? g_strdup(rows[i].body) : g_strnfill(10 * 1024 * 1024, ' '));
        rb_provider_hurry(ci);
        (void)rb_provider_refresh(ci, ISSUER_NOW + 1, &refused);
        if (refused == NULL || strcmp(rb_outcome(refused)->id, rows[i].want) != 0)
            fail_msg("%s: %s", rows[i].name, refused == NULL ? "taken" : refused->message);
        verified = rb_providers_token(all, token, ISSUER_NOW + 1, &error); /* by the keys that are known */
        expect_outcome(rows[i].name, verified, error, "accepted");
    }
}

/* Never read, and a day without an answer: both are an outage, not a refusal. */
static void
test_not_read(void **state)
{
    g_autofree char *problems = NULL, *token = job_token(NULL),
                    *late = job_token("\"iat\":1700086000,\"exp\":1700090000");
    g_autoptr(RbProviders) fresh_ones = issuer_load(issuer, yaml, &problems);
    g_autoptr(GError) error = NULL, stale = NULL;

    (void)state;
    assert_null(rb_providers_token(fresh_ones, token, ISSUER_NOW, &error));
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_NETWORK));
    read_anew(ISSUER_NOW);
    assert_null(rb_providers_token(all, late, ISSUER_NOW + RB_OIDC_STALE_S + 1, &stale));
    assert_true(g_error_matches(stale, RB_FAULT, RB_FAULT_NETWORK));
}

static void
test_new_key(void **state)
{
    g_autofree char *claim = job("\"exp\":1700080000");
    g_autofree char *token = jose_sign(issuer->next, "RS256", "{\"alg\":\"RS256\",\"kid\":\"next\"}", claim);
    g_autofree char *jwk = jose_jwk(issuer->next, "next", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbVerified) verified = NULL;

    (void)state;
    read_anew(ISSUER_NOW + 2000);
    issuer_says(issuer, ASK_JWKS, 200, jose_jwks(jwk, NULL));
    verified = rb_providers_token(all, token, ISSUER_NOW + 2000, &error);
    expect_outcome("a key of a minute ago", verified, error, "accepted");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_pod),
        cmocka_unit_test(test_chosen_claims),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_stranger),
        cmocka_unit_test(test_discovery_without_endpoints),
        cmocka_unit_test(test_outage),
        cmocka_unit_test(test_not_read),
        cmocka_unit_test(test_new_key),
    };

    return cmocka_run_group_tests_name("workload", tests, set_up, tear_down);
}
