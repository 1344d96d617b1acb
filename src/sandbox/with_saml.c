#include "sandbox/assertion.h"

#include <string.h>

/* AssumeRoleWithSAML (reference §1.5, §2), and what signing in to the console shares with it. */

#define ACTION "sts:AssumeRoleWithSAML"
enum { DEFAULT_CONSOLE_S = 3600 };

static gboolean
is_paired(const RbBoxAssertion *assertion, const RbBoxProvider *provider, const char *role_arn,
          RbAwsError *error)
{
    const GPtrArray *roles = rb_box_assertion_roles(assertion);
    g_auto(GStrv) fields = g_strsplit(role_arn, ":", 6);

    for (guint i = 0; i < roles->len; i++) {
        const RbBoxRolePair *pair = roles->pdata[i];

        if (strcmp(pair->role_arn, role_arn) == 0 &&
            strcmp(pair->provider_arn, rb_box_provider_arn(provider)) == 0 &&
            g_strcmp0(fields[4], rb_box_provider_account(provider)) == 0)
            return TRUE;
    }
    (void)rb_aws_refuse(error, 403, "AccessDenied", "Not authorized to perform " ACTION);
    error->why = g_strdup("the assertion does not pair that role with that provider of its account");
    return FALSE;
}

RbBoxPrincipal *
rb_box_assume_with(const RbStsCall *call, const RbBoxAssertion *assertion, RbBoxProvider *provider,
                   gboolean console, RbStsAsk *ask, RbBoxVouched *vouched, gint64 *packed, RbAwsError *error)
{
    g_autoptr(RbBoxContext) context = NULL;
    gint64 end;

    if (!rb_box_assertion_check(assertion, provider, call->sts->saml_url, call->now, error) ||
        !is_paired(assertion, provider, ask->role_arn, error) ||
        !rb_box_assertion_carry(assertion, provider, ask, vouched, error))
        return NULL;
    end = vouched->end;
    if (end != 0 && end <= call->now) {
        (void)rb_aws_refuse(error, 400, "ExpiredTokenException", "Token is expired");
        error->why = g_strdup("SessionNotOnOrAfter has passed");
        return NULL;
    }
    if (console) /* asked for by the assertion; in the API that can only shorten */
        ask->duration_s = vouched->duration_s > 0 ? vouched->duration_s : DEFAULT_CONSOLE_S;
    else if (vouched->duration_s > 0)
        end = end == 0 ? call->now + vouched->duration_s : MIN(end, call->now + vouched->duration_s);
    context = rb_sts_context(call, ask);
    rb_box_assertion_add_keys(assertion, provider, vouched, context);
    return rb_sts_assume_vouched(call, provider, ACTION, ask, context, end, packed, error);
}

static gboolean
exchange(const RbStsCall *call, RbStsAsk *ask, RbBoxVouched *vouched, GString *result, RbAwsError *error)
{
    RbBoxProvider *provider = rb_box_cloud_provider(call->sts->cloud, ask->principal_arn);
    g_autoptr(RbBoxAssertion) assertion = NULL;
    g_autoptr(RbBoxPrincipal) session = NULL;
    gint64 packed = 0;

    if (provider == NULL || !rb_box_provider_is_saml(provider))
        return rb_aws_refuse(error, 400, "InvalidIdentityToken", "Specified provider doesn't exist");
    assertion = rb_box_assertion_read(ask->assertion, error);
    if (assertion != NULL)
        session = rb_box_assume_with(call, assertion, provider, FALSE, ask, vouched, &packed, error);
    if (session == NULL)
        return FALSE;
    rb_sts_write_session(result, session, packed);
    rb_sts_element(result, "Subject", vouched->subject);
    rb_sts_element(result, "SubjectType", vouched->subject_type);
    rb_sts_element(result, "Issuer", vouched->issuer);
    rb_sts_element(result, "Audience", vouched->recipient);
    rb_sts_element(result, "NameQualifier", vouched->qualifier);
    return TRUE;
}

gboolean
rb_sts_assume_role_with_saml(const RbStsCall *call, GString *result, RbAwsError *error)
{
    RbStsAsk ask;
    RbBoxVouched vouched = { 0 };
    gboolean good = rb_sts_ask_read(call->fields, RB_STS_SAML, &ask, error) &&
                    exchange(call, &ask, &vouched, result, error);

    rb_sts_ask_clear(&ask);
    rb_box_vouched_clear(&vouched);
    return good;
}
