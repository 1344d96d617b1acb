#include "base/refusal.h"
#include "iam/arn.h"
#include "issue/priv.h"

/* Whose account credentials are of, as AWS says: what an access key tells of it is a hint. */

/* NULL: it is no such answer. */
static char *
account_in(const RbHttpResponse *response)
{
    json_t *answer = rb_query_read(response->body, NULL);
    const char *account = json_string_value(json_object_get(
        json_object_get(json_object_get(answer, "GetCallerIdentityResponse"), "GetCallerIdentityResult"),
        "Account"));
    char *out = account != NULL && rb_arn_is_account(account) ? g_strdup(account) : NULL;

    json_decref(answer);
    return out;
}

char *
rb_issuer_account(RbIssuer *issuer, const char *partition, RbCredentials *credentials, gint64 now,
                  GError **error)
{
    g_autofree char *region = NULL;
    g_autofree char *url = rb_issuer_endpoint(issuer, partition, NULL, &region, error);
    g_autoptr(RbHttpResponse) response = NULL;
    g_autoptr(GBytes) body = NULL;
    char *account;
    RbForm *form;

    if (url == NULL)
        return NULL;
    form = rb_form_new("GetCallerIdentity");
    rb_form_add(form, "Version", "2011-06-15");
    body = rb_form_end(form);
    response = rb_query_send(issuer->http, issuer->keys,
                             &(RbQueryCall){ url, region, "sts", credentials, body, RB_STS_MAX_ANSWER }, now,
                             issuer->timeout_ms, error);
    if (response == NULL)
        return NULL;
    account = response->status == 200 ? account_in(response) : NULL;
    if (account == NULL)
        (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS,
                       "AWS does not say whose account the bridge's own credentials are of: it answered %d",
                       response->status);
    return account;
}
