#include "helper.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
/* clang-format on */

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define WHO "Action=GetCallerIdentity&Version=2011-06-15"
#define HEAD "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/eu-west-1/sts/aws4_request, "
#define NAMES "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
#define VALUE "6c2d59f3281bbdb3c3ead1e0b0d8180a0db36af191d465908b85934ef86a892c"

/* The call that the reference gives as a vector, with one thing changed at a time. */
static RbBoxRequest *
vector(const char *target, const char *authorization)
{
    RbBoxRequest *request = rb_box_request_new("POST", target, "127.0.0.1", TRUE);

    g_string_append(request->body, WHO);
    rb_box_request_add_header(request, "Host", "sts.eu-west-1.amazonaws.com");
    rb_box_request_add_header(request, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    rb_box_request_add_header(request, "X-Amz-Date", "20261124T090000Z");
    rb_box_request_add_header(request, "X-Amz-Security-Token", "TOKENEXAMPLE");
    if (authorization != NULL)
        rb_box_request_add_header(request, "Authorization", authorization);
    return request;
}

static const char *
check(const RbBoxRequest *request, gint64 now, RbAwsError *error)
{
    static const char *const regions[] = { "eu-west-1", NULL };
    g_autoptr(RbBoxSignature) signature = rb_box_signature_read(request, error);
    g_autoptr(RbSecret) secret = rb_secret_new_text(SECRET);

    if (signature != NULL && rb_box_signature_check_scope(signature, "sts", regions, now, error) &&
        rb_box_signature_check(signature, request, secret, error))
        return NULL;
    return error->code;
}

static void
test_published_vectors(void **state)
{
    g_autoptr(RbBoxRequest) vanilla = rb_box_request_new("GET", "/", "127.0.0.1", FALSE);
    g_autoptr(RbSecret) secret = rb_secret_new_text(SECRET);
    g_auto(GStrv) names = g_strsplit("host;x-amz-date", ";", -1);
    g_auto(GStrv) parts = g_strsplit("AKIDEXAMPLE 20150830 us-east-1 service 20150830T123600Z", " ", -1);
    RbBoxSignature signature = { parts[0], parts[1], parts[2], parts[3], parts[4], NULL, NULL, names, FALSE };
    g_autofree char *canonical = NULL, *hex = NULL;

    (void)state;
    rb_box_request_add_header(vanilla, "Host", "example.amazonaws.com");
    rb_box_request_add_header(vanilla, "X-Amz-Date", "20150830T123600Z");
    canonical = rb_box_signature_canonical(&signature, vanilla);
    hex = rb_box_signature_compute(&signature, canonical, secret);
    assert_string_equal(hex, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

/* clang-format off */
static const struct {
    const char *name, *target, *authorization;
    gint64 offset;
    const char *code;
} rows[] = {
    { "the published signature",       "/",    HEAD NAMES "Signature=" VALUE, 0, NULL },
    { "the last second",               "/",    HEAD NAMES "Signature=" VALUE, 900, NULL },
    { "a second too late",             "/",    HEAD NAMES "Signature=" VALUE, 901, "SignatureDoesNotMatch" },
    { "the first second",              "/",    HEAD NAMES "Signature=" VALUE, -900, NULL },
    { "a second too early",            "/",    HEAD NAMES "Signature=" VALUE, -901, "SignatureDoesNotMatch" },
    { "slashes and dots",              "/./a/..//", HEAD NAMES "Signature=" VALUE, 0, NULL },
    { "another path",                  "/sts", HEAD NAMES "Signature=" VALUE, 0, "SignatureDoesNotMatch" },
    { "a query that was not signed",   "/?x",  HEAD NAMES "Signature=" VALUE, 0, "SignatureDoesNotMatch" },
    { "one digit changed",             "/",    HEAD NAMES "Signature=7c2d59f3281bbdb3c3ead1e0b0d8180a0db36af191d465908b85934ef86a892c", 0, "SignatureDoesNotMatch" },
    { "an empty signature",            "/",    HEAD NAMES "Signature=", 0, "SignatureDoesNotMatch" },
    { "a part of the signature",       "/",    HEAD NAMES "Signature=6c2d", 0, "SignatureDoesNotMatch" },
    { "the token not signed",          "/",    HEAD "SignedHeaders=content-type;host;x-amz-date, Signature=" VALUE, 0, "SignatureDoesNotMatch" },
    { "host not signed",               "/",    HEAD "SignedHeaders=content-type;x-amz-date, Signature=" VALUE, 0, "IncompleteSignature" },
    { "names not sorted",              "/",    HEAD "SignedHeaders=host;content-type;x-amz-date;x-amz-security-token, Signature=" VALUE, 0, "SignatureDoesNotMatch" },
    { "another region",                "/",    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/eu-west-2/sts/aws4_request, " NAMES "Signature=" VALUE, 0, "SignatureDoesNotMatch" },
    { "another service",               "/",    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/eu-west-1/iam/aws4_request, " NAMES "Signature=" VALUE, 0, "SignatureDoesNotMatch" },
    { "another day",                   "/",    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/eu-west-1/sts/aws4_request, " NAMES "Signature=" VALUE, 0, "SignatureDoesNotMatch" },
    { "a scope of four parts",         "/",    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/eu-west-1/sts, " NAMES "Signature=" VALUE, 0, "IncompleteSignature" },
    { "no credential",                 "/",    "AWS4-HMAC-SHA256 " NAMES "Signature=" VALUE, 0, "IncompleteSignature" },
    { "a parameter twice",             "/",    HEAD NAMES NAMES "Signature=" VALUE, 0, "IncompleteSignature" },
    { "an unknown parameter",          "/",    HEAD NAMES "Signature=" VALUE ", More=x", 0, "IncompleteSignature" },
    { "a bearer token",                "/",    "Bearer x", 0, "IncompleteSignature" },
    { "no signature",                  "/",    NULL, 0, "MissingAuthenticationToken" },
    { "signed in two places",          "/?X-Amz-Signature=x", HEAD NAMES "Signature=" VALUE, 0, "IncompleteSignature" },
};
/* clang-format on */

static void
test_rows(void **state)
{
    int wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(RbBoxRequest) request = vector(rows[i].target, rows[i].authorization);
        RbAwsError error = { NULL, 0, NULL, NULL };
        const char *code = check(request, TEST_NOW + rows[i].offset, &error);

        if (g_strcmp0(code, rows[i].code) != 0) {
            print_error("%s: wanted %s, got %s: %s\n", rows[i].name, rows[i].code, code, error.message);
            wrong++;
        }
        rb_aws_error_clear(&error);
    }
    assert_int_equal(wrong, 0);
}

static void
test_changed_requests(void **state)
{
    g_autoptr(RbBoxRequest) body = vector("/", HEAD NAMES "Signature=" VALUE);
    g_autoptr(RbBoxRequest) header = vector("/", HEAD NAMES "Signature=" VALUE);
    g_autoptr(RbBoxRequest) digest = vector("/", HEAD NAMES "Signature=" VALUE);
    g_autoptr(RbBoxRequest) twice = vector("/", HEAD NAMES "Signature=" VALUE);
    RbAwsError error = { NULL, 0, NULL, NULL };

    (void)state;
    g_string_append(body->body, "&x=1");
    assert_string_equal(check(body, TEST_NOW, &error), "SignatureDoesNotMatch");
    rb_box_request_add_header(header, "X-Amz-Target", "x"); /* an x-amz-* header that nobody signed */
    assert_string_equal(check(header, TEST_NOW, &error), "SignatureDoesNotMatch");
    rb_box_request_add_header(digest, "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD");
    assert_string_equal(check(digest, TEST_NOW, &error), "SignatureDoesNotMatch");
    rb_box_request_add_header(twice, "Authorization", HEAD NAMES "Signature=" VALUE);
    assert_string_equal(check(twice, TEST_NOW, &error), "IncompleteSignature");
    rb_aws_error_clear(&error);
}

#define PRESIGNED                                                                                            \
    "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="       \
    "AKIDEXAMPLE%2F"                                                                                         \
    "20261124%2Feu-west-1%2Fsts%2Faws4_request&X-Amz-Date=20261124T090000Z&X-Amz-Expires=60&X-Amz-"          \
    "SignedHeaders="                                                                                         \
    "host%3Bx-k8s-aws-id&X-Amz-Security-Token=TOKENEXAMPLE&X-Amz-Signature="

static void
test_presigned(void **state)
{
    g_autoptr(RbBoxRequest) request = rb_box_request_new(
        "GET", PRESIGNED "68483199c00baac8c5ec27848c1ea4745300c8a115037f0e5a45e7e527367cd5", "127.0.0.1",
        TRUE);
    g_autoptr(RbBoxRequest) other = rb_box_request_new(
        "GET", PRESIGNED "68483199c00baac8c5ec27848c1ea4745300c8a115037f0e5a45e7e527367cd6", "127.0.0.1",
        TRUE);
    RbAwsError error = { NULL, 0, NULL, NULL };

    (void)state;
    rb_box_request_add_header(request, "Host", "sts.eu-west-1.amazonaws.com");
    rb_box_request_add_header(request, "X-K8s-Aws-Id", "prod");
    rb_box_request_add_header(other, "Host", "sts.eu-west-1.amazonaws.com");
    rb_box_request_add_header(other, "X-K8s-Aws-Id", "prod");
    assert_null(check(request, TEST_NOW, &error));
    assert_null(check(request, TEST_NOW + 900, &error)); /* STS ignores X-Amz-Expires */
    assert_string_equal(check(request, TEST_NOW + 901, &error), "SignatureDoesNotMatch");
    assert_string_equal(check(other, TEST_NOW, &error), "SignatureDoesNotMatch");
    rb_aws_error_clear(&error);
}

static void
test_fields(void **state)
{
    g_autoptr(GHashTable) fields = rb_box_fields("a=1&b=x+y%2B&c&=d&&e=%C3%A4");

    (void)state;
    assert_non_null(fields);
    assert_string_equal(g_hash_table_lookup(fields, "b"), "x y+");
    assert_string_equal(g_hash_table_lookup(fields, "c"), "");
    assert_string_equal(g_hash_table_lookup(fields, "e"), "\xc3\xa4");
    assert_null(rb_box_fields("a=1&a=2"));
    assert_null(rb_box_fields("a=%"));
    assert_null(rb_box_fields("a=%4"));
    assert_null(rb_box_fields("a=%zz"));
    assert_null(rb_box_fields("a=%00"));
    assert_null(rb_box_fields("a=%ff"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vectors),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_changed_requests),
        cmocka_unit_test(test_presigned),
        cmocka_unit_test(test_fields),
    };

    return cmocka_run_group_tests_name("sandbox_signature", tests, NULL, NULL);
}
