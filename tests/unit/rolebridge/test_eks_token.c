#include "rolebridge/eks_token.h"

#include "base/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static RbLease *
lease_new(void)
{
    RbLease *lease = g_new0(RbLease, 1);

    lease->access_key_id = g_strdup("AKIDEXAMPLE");
    lease->secret_access_key = rb_secret_new_text("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    lease->session_token = rb_secret_new_text("TOKENEXAMPLE");
    return lease;
}

/* Region eu-west-1, 2026-11-24T09:00:00Z, cluster 'prod': a signature that botocore computed. */
static void
test_vector(void **state)
{
    g_autoptr(RbLease) lease = lease_new();
    g_autofree char *url = rb_eks_sts_url("eu-west-1", NULL), *text = NULL;
    g_autoptr(RbSecret) token = rb_eks_token(lease, "prod", "eu-west-1", url, 1795510800, NULL);
    g_autoptr(GBytes) bytes = NULL;

    (void)state;
    assert_non_null(token);
    assert_true(g_str_has_prefix(rb_secret_reveal(token), "k8s-aws-v1."));
    bytes = rb_base64url_decode(rb_secret_reveal(token) + strlen("k8s-aws-v1."));
    assert_non_null(bytes);
    text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    assert_true(g_str_has_prefix(text, "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&"));
    assert_non_null(strstr(text, "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id"));
    assert_non_null(strstr(text, "X-Amz-Expires=60"));
    assert_true(g_str_has_suffix(
        text, "X-Amz-Signature=68483199c00baac8c5ec27848c1ea4745300c8a115037f0e5a45e7e527367cd5"));
}

static const struct {
    const char *name;
    gboolean want;
} clusters[] = {
    { "prod", TRUE }, { "Prod-1_eu", TRUE }, { "1", TRUE },     { "", FALSE },          { "-prod", FALSE },
    { "_x", FALSE },  { "a b", FALSE },      { "a\nb", FALSE }, { "pr\u00f6d", FALSE }, { "a.b", FALSE },
};

static void
test_clusters(void **state)
{
    g_autofree char *longest = g_strnfill(100, 'a'), *over = g_strnfill(101, 'a');

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(clusters); i++)
        if (rb_eks_cluster_check(clusters[i].name) != clusters[i].want)
            fail_msg("'%s'", clusters[i].name);
    assert_true(rb_eks_cluster_check(longest));
    assert_false(rb_eks_cluster_check(over));
}

static const struct {
    const char *name, *info, *want; /* want NULL: refused */
} infos[] = {
    { "none", NULL, "client.authentication.k8s.io/v1beta1" },
    { "empty", "", "client.authentication.k8s.io/v1beta1" },
    { "v1", "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":{}}",
      "client.authentication.k8s.io/v1" },
    { "v1beta1", "{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\"}",
      "client.authentication.k8s.io/v1beta1" },
    { "v1alpha1", "{\"apiVersion\":\"client.authentication.k8s.io/v1alpha1\"}", NULL },
    { "no version", "{}", NULL },
    { "not JSON", "v1", NULL },
    { "a member twice",
      "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"apiVersion\":\"client.authentication.k8s.io/"
      "v1\"}",
      NULL },
};

static void
test_versions(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(infos); i++)
        if (g_strcmp0(rb_eks_api_version(infos[i].info), infos[i].want) != 0)
            fail_msg("%s: %s", infos[i].name, rb_eks_api_version(infos[i].info));
}

static const struct {
    const char *region, *stated, *want; /* want NULL: refused */
} places[] = {
    { "eu-west-1", NULL, "https://sts.eu-west-1.amazonaws.com/" },
    { "cn-north-1", NULL, "https://sts.cn-north-1.amazonaws.com.cn/" },
    { "eu-west-1", "https://sts.example/path", "https://sts.example/path" },
    { "eu-west-1", "", "https://sts.eu-west-1.amazonaws.com/" },
    { "eu-west-1", "sts.example", NULL },
    { "eu-west-1", "https://me@sts.example", NULL },
    { "eu-west-1", "https://sts.example?x=1", NULL },
    { "eu-west-1", "file:///x", NULL },
};

static void
test_places(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *got = NULL;
        if (places[i].stated != NULL)
            (void)g_setenv("AWS_ENDPOINT_URL_STS", places[i].stated, TRUE);
        got = rb_eks_sts_url(places[i].region, &error);
        g_unsetenv("AWS_ENDPOINT_URL_STS");
        if (g_strcmp0(got, places[i].want) != 0 ||
            (places[i].want == NULL && !g_error_matches(error, RB_CLI, RB_EXIT_USAGE)))
            fail_msg("%s %s: %s", places[i].region, places[i].stated, got);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_places),
    };

    g_unsetenv("AWS_ENDPOINT_URL_STS");
    return cmocka_run_group_tests_name("eks_token", tests, NULL, NULL);
}
