#include "base/refusal.h"
#include "iam/access_key.h"
#include "issue/priv.h"

#include <string.h>

/* Visible ASCII that needs no escape in JSON; what AWS issues is a part of it. */
static gboolean
is_plain(const char *text, gsize max)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "!#$%&'()*+,-./:;<=>?@[]^_`{|}~";
    gsize n = strnlen(text, max + 1);

    return n > 0 && n <= max && strspn(text, plain) == n;
}

RbCredentials *
rb_credentials_new(const char *key, const char *secret, const char *token, gint64 expiration, GError **error)
{
    RbCredentials *credentials;

    if (key == NULL || !rb_access_key_check(key))
        (void)rb_fault(error, RB_FAULT_STS, "the access key id is missing or not one");
    else if (secret == NULL || !is_plain(secret, 256))
        (void)rb_fault(error, RB_FAULT_STS, "the secret access key is missing or not one");
    else if (token != NULL && !is_plain(token, RB_STS_MAX_TOKEN))
        (void)rb_fault(error, RB_FAULT_STS, "the session token is empty or not one");
    else {
        credentials = g_new0(RbCredentials, 1);
        g_atomic_ref_count_init(&credentials->refs);
        credentials->access_key_id = g_strdup(key);
        credentials->secret_access_key = rb_secret_new_text(secret);
        credentials->session_token = token != NULL ? rb_secret_new_text(token) : NULL;
        credentials->expiration = expiration;
        credentials->packed_policy_size = -1;
        return credentials;
    }
    return NULL;
}

RbCredentials *
rb_credentials_ref(RbCredentials *credentials)
{
    g_atomic_ref_count_inc(&credentials->refs);
    return credentials;
}

void
rb_credentials_unref(RbCredentials *credentials)
{
    if (credentials == NULL || !g_atomic_ref_count_dec(&credentials->refs))
        return;
    g_free(credentials->access_key_id);
    rb_secret_unref(credentials->secret_access_key);
    rb_secret_unref(credentials->session_token);
    g_free(credentials->assumed_role_id);
    g_free(credentials->assumed_role_arn);
    g_free(credentials->source_identity);
    g_free(credentials->request_id);
    g_free(credentials);
}
