#include "base/encoding.h"
#include "base/refusal.h"
#include "iam/priv.h"
#include "iam/sigv4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The example key of AWS's published test suite: it opens nothing. */
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define KEY "AKIDEXAMPLE"
enum { SUITE_NOW = 1440938160 /* 20150830T123600Z */, STS_NOW = 1795510800 /* 20261124T090000Z */ };

typedef struct {
    RbSecret *secret, *token;
    RbSigv4Keys *keys;
} Fixture;

static int
setup(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    f->secret = rb_secret_new_text(SECRET);
    f->token = rb_secret_new_text("TOKENEXAMPLE");
    f->keys = rb_sigv4_keys_new();
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    Fixture *f = *state;

    rb_secret_unref(f->secret);
    rb_secret_unref(f->token);
    rb_sigv4_keys_free(f->keys);
    g_free(f);
    return 0;
}

/* clang-format off */
static const struct {
    const char *name, *method, *target;

    const char *signature;
} suite[] = {
    { "get-vanilla", "GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-vanilla-query", "GET", "/?", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-slash", "GET", "//", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-relative", "GET", "/example/..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-relative-relative", "GET", "/example1/example2/../..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-slash-dot-slash", "GET", "/./", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
};

static const struct {
    const char *name, *target, *want;
} paths[] = {
    { "empty", "?a=b", "/" },
    { "root", "/", "/" },
    { "prefix", "/sts", "/sts" },
    { "prefix with slash", "/sts/", "/sts/" },
    { "dots", "/a/./b/../c", "/a/c" },
    { "above the root", "/../../a", "/a" },
    { "slashes", "//a///b//", "/a/b/" },
    { "pointless dot", "/./example", "/example" },
    { "space", "/example space/", "/example%20space/" },
    { "encoded once more", "/a%20b", "/a%2520b" },
    { "UTF-8", "/\xe1\x88\xb4", "/%E1%88%B4" },
    { "unreserved", "/-._~0aZ", "/-._~0aZ" },
};

static const struct {
    const char *name, *target, *want; /* NULL: refused */
} queries[] = {
    { "none", "/", "" },
    { "order of names", "/?Param2=value2&Param1=value1", "Param1=value1&Param2=value2" },
    { "order of values", "/?Param1=value2&Param1=value1", "Param1=value1&Param1=value2" },
    { "capitals first", "/?b=1&B=1&a=1", "B=1&a=1&b=1" },
    { "no value", "/?k", "k=" },
    { "empty pieces", "/?&a=1&&b=2&", "a=1&b=2" },
    { "encoding made one", "/?a=%2f%2F/", "a=%2F%2F%2F" },
    { "plus stays plus", "/?a=1+2", "a=1%2B2" },
    { "value with =", "/?a=b=c", "a=b%3Dc" },
    { "sorted as encoded", "/?a%2Fb=1&a-b=1", "a%2Fb=1&a-b=1" },
    { "cut short", "/?a=%2", NULL },
    { "not hex", "/?a=%zz", NULL },
    { "NUL", "/?a=%00", NULL },
};

static const struct {
    const char *name, *value, *want;
} values[] = {
    { "outer blanks", "  a  ", "a" },
    { "inner blanks", "a  b \t c", "a b c" },
    { "empty", "", "" },
    { "only blanks", " \t ", "" },
    { "quotes too", "\"a  b\"", "\"a b\"" },
};
/* clang-format on */

static void
test_key(void **state)
{
    Fixture *f = *state;
    guint8 key[32];

    for (int i = 0; i < 2; i++) { /* derived, then from the cache */
        g_autofree char *iam = NULL, *service = NULL;
        rb_sigv4_key(f->keys, &(RbSigv4Signer){ KEY, f->secret, NULL, "us-east-1", "iam" }, "20150830", key);
        iam = rb_hex_encode(key, 32);
        assert_string_equal(iam, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
        rb_sigv4_key(f->keys, &(RbSigv4Signer){ KEY, f->secret, NULL, "us-east-1", "service" }, "20150830",
                     key);
        service = rb_hex_encode(key, 32);
        assert_string_equal(service, "938127b5336810ddb6a5d6af445fcac9e371f9ed418ed386b022aed82901be75");
    }
}

static void
test_another_secret_is_not_cached(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbSecret) other = rb_secret_new_text("another secret of the same length 0000000");
    guint8 a[32], b[32];

    rb_sigv4_key(f->keys, &(RbSigv4Signer){ KEY, f->secret, NULL, "r-1", "s" }, "20150830", a);
    rb_sigv4_key(f->keys, &(RbSigv4Signer){ KEY, other, NULL, "r-1", "s" }, "20150830", b);
    assert_memory_not_equal(a, b, 32);
    for (int i = 0; i < 100; i++) { /* more keys than the cache holds */
        g_autofree char *day = g_strdup_printf("2015%04d", i);
        rb_sigv4_key(f->keys, &(RbSigv4Signer){ KEY, f->secret, NULL, "r-1", "s" }, day, b);
    }
    rb_sigv4_key(f->keys, &(RbSigv4Signer){ KEY, f->secret, NULL, "r-1", "s" }, "20150830", b);
    assert_memory_equal(a, b, 32);
}

static void
test_suite(void **state)
{
    Fixture *f = *state;
    const RbSigv4Signer signer = { KEY, f->secret, NULL, "us-east-1", "service" };

    for (size_t i = 0; i < G_N_ELEMENTS(suite); i++) {
        const RbSigv4Header headers[] = { { "Host", "example.amazonaws.com" },
                                          { "User-Agent", "never signed" } };
        const RbSigv4Request request = { suite[i].method, suite[i].target, headers, 2, NULL, 0 };
        g_autoptr(GError) error = NULL;
        char date[17];
        g_autofree char *got = rb_sigv4_sign(f->keys, &signer, &request, SUITE_NOW, date, &error);
        g_autofree char *want =
            g_strdup_printf("AWS4-HMAC-SHA256 Credential=%s/20150830/us-east-1/service/aws4_request, "
                            "SignedHeaders=host;x-amz-date, Signature=%s",
                            KEY, suite[i].signature);
        if (got == NULL || strcmp(got, want) != 0)
            fail_msg("%s: got %s", suite[i].name, got != NULL ? got : error->message);
        assert_string_equal(date, "20150830T123600Z");
    }
}

static void
test_suite_presigned(void **state)
{
    Fixture *f = *state;
    const RbSigv4Signer signer = { KEY, f->secret, NULL, "us-east-1", "service" };
    const RbSigv4Header headers[] = { { "host", "example.amazonaws.com" } };
    const RbSigv4Request request = { "GET", "/", headers, 1, NULL, 0 };
    g_autoptr(RbSecret) url = rb_sigv4_presign(f->keys, &signer, &request, SUITE_NOW, 3600, NULL);

    assert_non_null(url);
    assert_true(
        g_str_has_suffix(rb_secret_reveal(url),
                         "X-Amz-Signature=e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d"));
}

static const RbSigv4Header sts_headers[] = {
    { "Host", "sts.eu-west-1.amazonaws.com" },
    { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" },
};
static const char sts_body[] = "Action=GetCallerIdentity&Version=2011-06-15";

static void
test_sts_post(void **state)
{
    Fixture *f = *state;
    const RbSigv4Signer signer = { KEY, f->secret, f->token, "eu-west-1", "sts" };
    const RbSigv4Request request = { "POST", "/", sts_headers, 2, sts_body, strlen(sts_body) };
    char date[17], hash[65];
    g_autofree char *got = rb_sigv4_sign(NULL, &signer, &request, STS_NOW, date, NULL);

    rb_sha256_hex(sts_body, strlen(sts_body), hash);
    assert_string_equal(hash, "ab821ae955788b0e33ebd34c208442ccfc2d406e2edc5e7a39bd6458fbb4f843");
    assert_string_equal(got, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/eu-west-1/sts/aws4_request, "
                             "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
                             "Signature=6c2d59f3281bbdb3c3ead1e0b0d8180a0db36af191d465908b85934ef86a892c");
}

static void
test_eks_presigned(void **state)
{
    Fixture *f = *state;
    const RbSigv4Signer signer = { KEY, f->secret, f->token, "eu-west-1", "sts" };
    const RbSigv4Header headers[] = { { "host", "sts.eu-west-1.amazonaws.com" }, { "x-k8s-aws-id", "prod" } };
    const RbSigv4Request request = { "GET", "/?Action=GetCallerIdentity&Version=2011-06-15", headers, 2, NULL,
                                     0 };
    g_autoptr(RbSecret) url = rb_sigv4_presign(f->keys, &signer, &request, STS_NOW, 60, NULL);

    assert_non_null(strstr(rb_secret_reveal(url), "&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&"));
    assert_true(g_str_has_suffix(rb_secret_reveal(url),
                                 "68483199c00baac8c5ec27848c1ea4745300c8a115037f0e5a45e7e527367cd5"));
}

static void
test_canonical(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *got = rb_canonical_path(paths[i].target);
        if (strcmp(got, paths[i].want) != 0)
            fail_msg("path, %s: got %s", paths[i].name, got);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(queries); i++) {
        g_autoptr(GArray) pairs = rb_query_parse(queries[i].target);
        g_autofree char *got = pairs != NULL ? rb_query_print(pairs, NULL) : NULL;
        if (g_strcmp0(got, queries[i].want) != 0)
            fail_msg("query, %s: got %s", queries[i].name, got);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        const RbSigv4Header header = { "My-Header", values[i].value };
        g_autoptr(GArray) pairs = rb_canonical_headers(&header, 1);
        if (g_strcmp0(rb_pairs_find(pairs, "my-header"), values[i].want) != 0)
            fail_msg("value, %s", values[i].name);
    }
}

static void
test_canonical_hashes(void **state)
{
    const RbSigv4Header headers[] = { { "Host", "sts.eu-west-1.amazonaws.com" },
                                      { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" },
                                      { "X-Amz-Date", "20261124T090000Z" },
                                      { "X-Amz-Security-Token", "TOKENEXAMPLE" } };
    g_autoptr(GArray) sts = rb_canonical_headers(headers, 4);
    char body[65], hash[65];

    (void)state;
    rb_sha256_hex(sts_body, strlen(sts_body), body);
    rb_canonical_hash(
        &(RbCanonical){ "POST", "/", "", "content-type;host;x-amz-date;x-amz-security-token", body, sts },
        hash);
    assert_string_equal(hash, "c416ce4090daea9b37d71b469b2960f41c7d7ed83c5ebbf328bb17519640a07b");
}

static void
test_signing_refuses(void **state)
{
    Fixture *f = *state;
    const RbSigv4Signer signer = { KEY, f->secret, NULL, "eu-west-1", "sts" };
    const RbSigv4Request no_host = { "GET", "/", sts_headers + 1, 1, NULL, 0 };
    const RbSigv4Request broken = { "GET", "/?a=%zz", sts_headers, 2, NULL, 0 };
    const RbSigv4Request whole = { "GET", "/", sts_headers, 2, NULL, 0 };
    char date[17];
    g_autoptr(GError) a = NULL, b = NULL, c = NULL;

    assert_null(rb_sigv4_sign(NULL, &signer, &no_host, STS_NOW, date, &a));
    assert_true(g_error_matches(a, RB_FAULT, RB_FAULT_INTERNAL));
    assert_null(rb_sigv4_sign(NULL, &signer, &broken, STS_NOW, date, &b));
    assert_true(g_error_matches(b, RB_FAULT, RB_FAULT_INTERNAL));
    assert_null(rb_sigv4_presign(NULL, &signer, &whole, STS_NOW, 604801, &c));
    assert_true(g_error_matches(c, RB_FAULT, RB_FAULT_INTERNAL));
}

/* ---- verifying ---- */

static RbSecret *
lookup(const char *access_key_id, const char *session_token, gpointer data, GError **error)
{
    (void)data;
    if (!g_str_equal(access_key_id, KEY))
        return NULL;
    if (g_strcmp0(session_token, "TOKENEXAMPLE") != 0) {
        (void)rb_refuse(error, RB_SIGV4_UNKNOWN_KEY, "the session token is not the key's");
        return NULL;
    }
    return rb_secret_new_text(SECRET);
}

typedef struct {
    RbSigv4Header headers[12];
    guint n;
    const char *method, *target, *body;
} Message;

/* A well-signed POST; @authorization and @date own what the headers point to. */
static Message
signed_message(Fixture *f, const char *key, char date[17], char **authorization)
{
    const RbSigv4Signer signer = { key, f->secret, f->token, "eu-west-1", "sts" };
    const RbSigv4Request request = { "POST", "/", sts_headers, 2, sts_body, strlen(sts_body) };

    *authorization = rb_sigv4_sign(f->keys, &signer, &request, STS_NOW, date, NULL);
    return (Message){ { sts_headers[0],
                        sts_headers[1],
                        { "X-Amz-Date", date },
                        { "X-Amz-Security-Token", "TOKENEXAMPLE" },
                        { "Authorization", *authorization } },
                      5,
                      "POST",
                      "/",
                      sts_body };
}

static RbSigv4Verified *
verify(Fixture *f, const Message *m, gint64 now, GError **error)
{
    const RbSigv4Verifier verifier = { "eu-west-1", "sts", lookup, NULL, f->keys };

    return rb_sigv4_verify(
        &verifier, &(RbSigv4Request){ m->method, m->target, m->headers, m->n, m->body, strlen(m->body) }, now,
        error);
}

static void
test_round_trip(void **state)
{
    Fixture *f = *state;
    char date[17];
    g_autofree char *authorization = NULL;
    Message m = signed_message(f, KEY, date, &authorization);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSigv4Verified) verified = verify(f, &m, STS_NOW, &error);

    if (error != NULL)
        fail_msg("%s", error->message);
    assert_string_equal(verified->access_key_id, KEY);
    assert_string_equal(verified->region, "eu-west-1");
    assert_int_equal(verified->signed_at, STS_NOW);
    assert_false(verified->presigned);
}

typedef enum {
    NOTHING,
    BODY,
    METHOD,
    TARGET,
    HOST,
    DATE,
    TOKEN,
    CONTENT_HASH,
    EXTRA_AMZ,
    TWO_AUTH,
    QUERY_TOO,
    DUPLICATE_QUERY,
    BROKEN_QUERY,
    UNSIGNED,
    NO_DATE,
    NOT_A_PATH,
    UNSIGNED_EXTRA,
} Change;

/* clang-format off */
static const struct {
    const char *name;
    Change change;
    gint64 late_s;
    RbRefusalCode want;
} changes[] = {
    { "as signed", NOTHING, 0, RB_ACCEPTED },
    { "an unsigned header is no matter", UNSIGNED_EXTRA, 0, RB_ACCEPTED },
    { "last accepted second", NOTHING, 900, RB_ACCEPTED },
    { "first refused second", NOTHING, 901, RB_SIGV4_SKEW },
    { "last accepted second ahead", NOTHING, -900, RB_ACCEPTED },
    { "first refused second ahead", NOTHING, -901, RB_SIGV4_SKEW },
    { "body changed", BODY, 0, RB_SIGV4_MISMATCH },
    { "method changed", METHOD, 0, RB_SIGV4_MISMATCH },
    { "target changed", TARGET, 0, RB_SIGV4_MISMATCH },
    { "host changed", HOST, 0, RB_SIGV4_MISMATCH },
    { "date changed", DATE, 0, RB_SIGV4_MISMATCH },
    { "token changed", TOKEN, 0, RB_SIGV4_UNKNOWN_KEY },
    { "false content hash", CONTENT_HASH, 0, RB_SIGV4_MALFORMED }, /* sent, and not signed */
    { "an x-amz header slipped in", EXTRA_AMZ, 0, RB_SIGV4_MALFORMED },
    { "two Authorization headers", TWO_AUTH, 0, RB_SIGV4_MALFORMED },
    { "header and query", QUERY_TOO, 0, RB_SIGV4_MALFORMED },
    { "duplicate query names", DUPLICATE_QUERY, 0, RB_SIGV4_MALFORMED },
    { "broken query", BROKEN_QUERY, 0, RB_SIGV4_MALFORMED },
    { "not signed", UNSIGNED, 0, RB_SIGV4_MISSING },
    { "no date", NO_DATE, 0, RB_SIGV4_MALFORMED },
    { "target is not a path", NOT_A_PATH, 0, RB_SIGV4_MALFORMED },
};
/* clang-format on */

static void
apply(Message *m, Change change)
{
    switch (change) {
    case NOTHING:
        break;
    case BODY:
        m->body = "Action=GetCallerIdentity&Version=2011-06-16";
        break;
    case METHOD:
        m->method = "PUT";
        break;
    case TARGET:
        m->target = "/x";
        break;
    case HOST:
        m->headers[0].value = "sts.us-east-1.amazonaws.com";
        break;
    case DATE:
        m->headers[2].value = "20261124T090001Z";
        break;
    case TOKEN:
        m->headers[3].value = "TOKENEXAMPLF";
        break;
    case CONTENT_HASH:
        m->headers[m->n++] =
            (RbSigv4Header){ "x-amz-content-sha256",
                             "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" };
        break;
    case EXTRA_AMZ:
        m->headers[m->n++] = (RbSigv4Header){ "X-Amz-Target", "x" };
        break;
    case UNSIGNED_EXTRA:
        m->headers[m->n++] = (RbSigv4Header){ "Accept", "*/*" };
        break;
    case TWO_AUTH:
        m->headers[m->n] = m->headers[4];
        m->n++;
        break;
    case QUERY_TOO:
        m->target = "/?X-Amz-Signature=00";
        break;
    case DUPLICATE_QUERY:
        m->target = "/?a=1&a=2";
        break;
    case BROKEN_QUERY:
        m->target = "/?a=%z1";
        break;
    case UNSIGNED:
        m->n = 4;
        break;
    case NO_DATE:
        m->headers[2] = m->headers[4];
        m->n = 4;
        break;
    case NOT_A_PATH:
        m->target = "http://evil.example/";
        break;
    }
}

static void
test_changes(void **state)
{
    Fixture *f = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        char date[17];
        g_autofree char *authorization = NULL;
        Message m = signed_message(f, KEY, date, &authorization);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbSigv4Verified) verified = NULL;
        apply(&m, changes[i].change);
        verified = verify(f, &m, STS_NOW + changes[i].late_s, &error);
        if ((verified != NULL) != (changes[i].want == RB_ACCEPTED) ||
            (verified == NULL && !rb_is_refusal(error, changes[i].want)))
            fail_msg("%s: got %s", changes[i].name, error != NULL ? error->message : "accepted");
    }
}

#define SCOPE "AKIDEXAMPLE/20261124/eu-west-1/sts/aws4_request"
#define NAMES "content-type;host;x-amz-date;x-amz-security-token"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
/* clang-format off */
static const struct {
    const char *name, *authorization;
    RbRefusalCode want;
} authorizations[] = {
    { "wrong signature", "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=" NAMES ", Signature=" ZEROS, RB_SIGV4_MISMATCH },
    { "short signature", "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=" NAMES ", Signature=00", RB_SIGV4_MISMATCH },
    { "no blanks is fine", "AWS4-HMAC-SHA256 Credential=" SCOPE ",SignedHeaders=" NAMES ",Signature=" ZEROS, RB_SIGV4_MISMATCH },
    { "unknown key", "AWS4-HMAC-SHA256 Credential=AKIDOTHER/20261124/eu-west-1/sts/aws4_request, SignedHeaders=" NAMES ", Signature=" ZEROS, RB_SIGV4_UNKNOWN_KEY },
    { "bearer", "Bearer abc", RB_SIGV4_MALFORMED },
    { "empty", "", RB_SIGV4_MALFORMED },
    { "another algorithm", "AWS4-HMAC-SHA512 Credential=" SCOPE ", SignedHeaders=" NAMES ", Signature=" ZEROS, RB_SIGV4_MALFORMED },
    { "no signature", "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=" NAMES, RB_SIGV4_MALFORMED },
    { "two credentials", "AWS4-HMAC-SHA256 Credential=" SCOPE ", Credential=" SCOPE ", Signature=" ZEROS, RB_SIGV4_MALFORMED },
    { "an unknown field", "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=" NAMES ", Signature=" ZEROS ", X=1", RB_SIGV4_MALFORMED },
    { "host not signed", "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=content-type;x-amz-date;x-amz-security-token, Signature=" ZEROS, RB_SIGV4_MALFORMED },
    { "date not signed", "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=content-type;host;x-amz-security-token, Signature=" ZEROS, RB_SIGV4_MALFORMED },
    { "names not sorted", "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=host;content-type;x-amz-date;x-amz-security-token, Signature=" ZEROS, RB_SIGV4_MALFORMED },
    { "a name twice", "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=host;host;x-amz-date;x-amz-security-token, Signature=" ZEROS, RB_SIGV4_MALFORMED },
    { "a header not sent", "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=accept;" NAMES ", Signature=" ZEROS, RB_SIGV4_MALFORMED },
    { "another region", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/us-east-1/sts/aws4_request, SignedHeaders=" NAMES ", Signature=" ZEROS, RB_SIGV4_SCOPE },
    { "another service", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/eu-west-1/iam/aws4_request, SignedHeaders=" NAMES ", Signature=" ZEROS, RB_SIGV4_SCOPE },
    { "another day", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/eu-west-1/sts/aws4_request, SignedHeaders=" NAMES ", Signature=" ZEROS, RB_SIGV4_SCOPE },
    { "scope too short", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/eu-west-1/sts, SignedHeaders=" NAMES ", Signature=" ZEROS, RB_SIGV4_MALFORMED },
    { "scope too long", "AWS4-HMAC-SHA256 Credential=" SCOPE "/x, SignedHeaders=" NAMES ", Signature=" ZEROS, RB_SIGV4_MALFORMED },
    { "scope of aws5", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/eu-west-1/sts/aws5_request, SignedHeaders=" NAMES ", Signature=" ZEROS, RB_SIGV4_MALFORMED },
};
/* clang-format on */

static void
test_authorizations(void **state)
{
    Fixture *f = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(authorizations); i++) {
        char date[17];
        g_autofree char *authorization = NULL;
        Message m = signed_message(f, KEY, date, &authorization);
        g_autoptr(GError) error = NULL;
        m.headers[4].value = authorizations[i].authorization;
        assert_null(verify(f, &m, STS_NOW, &error));
        if (!rb_is_refusal(error, authorizations[i].want))
            fail_msg("%s: got %s", authorizations[i].name, error->message);
    }
}

static void
test_content_hash(void **state)
{
    Fixture *f = *state;
    const RbSigv4Signer signer = { KEY, f->secret, f->token, "eu-west-1", "sts" };
    /* UNSIGNED-PAYLOAD would let a body be exchanged: signed correctly, and still refused */
    const RbSigv4Header headers[] = { sts_headers[0], { "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD" } };
    char date[17];
    g_autofree char *authorization = rb_sigv4_sign(
        f->keys, &signer, &(RbSigv4Request){ "POST", "/", headers, 2, sts_body, strlen(sts_body) }, STS_NOW,
        date, NULL);
    const Message m = { { headers[0],
                          headers[1],
                          { "X-Amz-Date", date },
                          { "X-Amz-Security-Token", "TOKENEXAMPLE" },
                          { "Authorization", authorization } },
                        5,
                        "POST",
                        "/",
                        sts_body };
    g_autoptr(GError) error = NULL;

    assert_null(verify(f, &m, STS_NOW, &error));
    assert_true(rb_is_refusal(error, RB_SIGV4_MISMATCH));
}

/* clang-format off */
static const struct {
    const char *name, *from, *to; /* one replacement in the presigned target */
    gint64 late_s;
    RbRefusalCode want;
} presigned[] = {
    { "as signed", "", "", 0, RB_ACCEPTED },
    { "past X-Amz-Expires, within 15 minutes, as at STS", "", "", 61, RB_ACCEPTED },
    { "past 15 minutes", "", "", 901, RB_SIGV4_SKEW },
    { "action changed", "GetCallerIdentity", "AssumeRole", 0, RB_SIGV4_MISMATCH },
    { "longer life", "X-Amz-Expires=60", "X-Amz-Expires=3600", 0, RB_SIGV4_MISMATCH },
    { "life of 0", "X-Amz-Expires=60", "X-Amz-Expires=0", 0, RB_SIGV4_MALFORMED },
    { "life of eight days", "X-Amz-Expires=60", "X-Amz-Expires=691200", 0, RB_SIGV4_MALFORMED },
    { "no life", "X-Amz-Expires=60", "y=60", 0, RB_SIGV4_MALFORMED },
    { "another algorithm", "HMAC-SHA256", "HMAC-SHA1", 0, RB_SIGV4_MALFORMED },
    { "a parameter twice", "X-Amz-Expires=60", "X-Amz-Expires=60&X-Amz-Expires=60", 0, RB_SIGV4_MALFORMED },
    { "cluster header not signed", "host%3Bx-k8s-aws-id", "host", 0, RB_SIGV4_MISMATCH },
    { "no signature", "X-Amz-Signature", "X-Amz-Signed", 0, RB_SIGV4_MISSING },
};
/* clang-format on */

static void
test_presigned(void **state)
{
    Fixture *f = *state;
    const RbSigv4Signer signer = { KEY, f->secret, f->token, "eu-west-1", "sts" };
    const RbSigv4Header headers[] = { { "host", "sts.eu-west-1.amazonaws.com" }, { "x-k8s-aws-id", "prod" } };
    const RbSigv4Request request = { "GET", "/?Action=GetCallerIdentity&Version=2011-06-15", headers, 2, NULL,
                                     0 };
    g_autoptr(RbSecret) url = rb_sigv4_presign(f->keys, &signer, &request, STS_NOW, 60, NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(presigned); i++) {
        GString *target = g_string_new(rb_secret_reveal(url));
        g_autoptr(GError) error = NULL;
        g_autoptr(RbSigv4Verified) verified = NULL;
        Message m = { { headers[0], headers[1] }, 2, "GET", NULL, "" };
        if (presigned[i].from[0] != '\0')
            assert_int_equal(g_string_replace(target, presigned[i].from, presigned[i].to, 1), 1);
        m.target = target->str;
        verified = verify(f, &m, STS_NOW + presigned[i].late_s, &error);
        if ((verified != NULL) != (presigned[i].want == RB_ACCEPTED) ||
            (verified == NULL && !rb_is_refusal(error, presigned[i].want)))
            fail_msg("%s: got %s", presigned[i].name, error != NULL ? error->message : "accepted");
        (void)g_string_free(target, TRUE);
    }
}

static void
test_times(void **state)
{
    static const char *const broken[] = { "",
                                          "20261124",
                                          "20261124T090000",
                                          "20261124T090000+",
                                          "20261324T090000Z",
                                          "20260230T090000Z",
                                          "20261124T250000Z",
                                          "2026-11-24T09:00:00Z",
                                          "20261124 090000Z",
                                          "20261124T090000ZZ" };
    gint64 utc_s = 7;
    char text[17];

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++)
        if (rb_sigv4_time_parse(broken[i], &utc_s) || utc_s != 7)
            fail_msg("'%s' was read", broken[i]);
    assert_true(rb_sigv4_time_parse("20261124T090000Z", &utc_s));
    assert_int_equal(utc_s, STS_NOW);
    rb_sigv4_time_format(STS_NOW, text);
    assert_string_equal(text, "20261124T090000Z");
    rb_sigv4_time_format(G_MAXINT64, text);
    assert_string_equal(text, "00000000T000000Z");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_another_secret_is_not_cached),
        cmocka_unit_test(test_suite),
        cmocka_unit_test(test_suite_presigned),
        cmocka_unit_test(test_sts_post),
        cmocka_unit_test(test_eks_presigned),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_canonical_hashes),
        cmocka_unit_test(test_signing_refuses),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_authorizations),
        cmocka_unit_test(test_content_hash),
        cmocka_unit_test(test_presigned),
        cmocka_unit_test(test_times),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
