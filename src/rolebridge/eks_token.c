#include "rolebridge/eks_token.h"

#include "base/encoding.h"
#include "iam/sigv4.h"

#include <string.h>

#define QUERY "Action=GetCallerIdentity&Version=2011-06-15"
#define PREFIX "k8s-aws-v1."
#define API "client.authentication.k8s.io/"

enum { PRESIGNED_S = 60 }; /* STS ignores it: good for 15 minutes */

gboolean
rb_eks_cluster_check(const char *name)
{
    gsize n = 0;

    while (g_ascii_isalnum(name[n]) || (n > 0 && (name[n] == '-' || name[n] == '_')))
        n++;
    return n > 0 && n <= 100 && name[n] == '\0';
}

char *
rb_eks_sts_url(const char *region, GError **error)
{
    const char *stated = g_getenv("AWS_ENDPOINT_URL_STS");
    g_autoptr(GUri) uri = NULL;

    if (stated == NULL || *stated == '\0')
        return g_strdup_printf("https://sts.%s.amazonaws.com%s/", region,
                               g_str_has_prefix(region, "cn-") ? ".cn" : "");
    uri = g_uri_parse(stated, G_URI_FLAGS_ENCODED, NULL);
    if (uri != NULL && g_uri_get_host(uri) != NULL && g_uri_get_query(uri) == NULL &&
        g_uri_get_userinfo(uri) == NULL &&
        (g_str_equal(g_uri_get_scheme(uri), "https") || g_str_equal(g_uri_get_scheme(uri), "http")))
        return g_strdup(stated);
    (void)rb_cli_stop(error, RB_EXIT_USAGE, "AWS_ENDPOINT_URL_STS is no address like https://sts.example");
    return NULL;
}

/* The host as it stands in a Host header. */
static char *
host_of(GUri *uri)
{
    const char *host = g_uri_get_host(uri);
    gboolean six = strchr(host, ':') != NULL;

    if (g_uri_get_port(uri) > 0)
        return g_strdup_printf("%s%s%s:%d", six ? "[" : "", host, six ? "]" : "", g_uri_get_port(uri));
    return g_strdup_printf("%s%s%s", six ? "[" : "", host, six ? "]" : "");
}

RbSecret *
rb_eks_token(const RbLease *lease, const char *cluster, const char *region, const char *sts_url, gint64 now,
             GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(sts_url, G_URI_FLAGS_ENCODED, error);
    g_autofree char *host = uri == NULL ? NULL : host_of(uri), *target = NULL;
    const RbSigv4Header headers[] = { { "Host", host }, { "x-k8s-aws-id", cluster } };
    const RbSigv4Signer signer = { .access_key_id = lease->access_key_id,
                                   .secret = lease->secret_access_key,
                                   .session_token = lease->session_token,
                                   .region = region,
                                   .service = "sts" };
    RbSigv4Request request = { .method = "GET", .headers = headers, .n_headers = G_N_ELEMENTS(headers) };
    g_autoptr(RbSecret) signed_target = NULL;
    char *url, *encoded, *token;
    RbSecret *secret;

    if (uri == NULL)
        return NULL;
    target = g_strdup_printf("%s?%s", *g_uri_get_path(uri) != '\0' ? g_uri_get_path(uri) : "/", QUERY);
    request.target = target;
    signed_target = rb_sigv4_presign(NULL, &signer, &request, now, PRESIGNED_S, error);
    if (signed_target == NULL)
        return NULL;
    url = g_strconcat(g_uri_get_scheme(uri), "://", host, rb_secret_reveal(signed_target), NULL);
    encoded = rb_base64url_encode(url, strlen(url));
    token = g_strconcat(PREFIX, encoded, NULL);
    rb_wipe_free(url);
    rb_wipe_free(encoded);
    secret = rb_secret_take_text(token);
    return secret;
}

const char *
rb_eks_api_version(const char *exec_info)
{
    static const char *const known[] = { API "v1beta1", API "v1" };
    json_t *json = exec_info == NULL ? NULL : json_loads(exec_info, JSON_REJECT_DUPLICATES, NULL);
    const char *stated = json_string_value(json_object_get(json, "apiVersion"));
    const char *version = exec_info == NULL || *exec_info == '\0' ? known[0] : NULL;

    for (gsize i = 0; stated != NULL && i < G_N_ELEMENTS(known); i++)
        if (g_str_equal(stated, known[i]))
            version = known[i];
    json_decref(json);
    return version;
}

json_t *
rb_eks_credential(const RbSecret *token, const char *api_version, gint64 expires_at)
{
    g_autofree char *until = rb_time_format(expires_at);

    return json_pack("{s:s, s:s, s:{}, s:{s:s, s:s}}", "kind", "ExecCredential", "apiVersion", api_version,
                     "spec", "status", "expirationTimestamp", until, "token", rb_secret_reveal(token));
}
