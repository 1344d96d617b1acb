#include "base/encoding.h"
#include "base/refusal.h"
#include "issue/priv.h"

#include <string.h>

/* Names as on the wire, without "Exception" at their end. */
static gboolean
is_one_of(const char *code, const char *const *names)
{
    return code != NULL && g_strv_contains(names, code);
}

static const char *const throttling[] = { "Throttling",
                                          "ThrottledException",
                                          "TooManyRequests",
                                          "RequestLimitExceeded",
                                          "RequestThrottled",
                                          "SlowDown",
                                          NULL };

/* AWS says so too when it holds itself back from asking for keys too often. */
static gboolean
is_keys_unfetched(const RbStsError *failure)
{
    if (g_strcmp0(failure->code, "IDPCommunicationError") == 0)
        return TRUE;
    return g_strcmp0(failure->code, "InvalidIdentityToken") == 0 && failure->message != NULL &&
           strstr(failure->message, "retrieve verification key") != NULL;
}

gboolean
rb_sts_retryable(int status, const RbStsError *failure)
{
    return status >= 500 || status == 429 || is_one_of(failure->code, throttling) ||
           is_keys_unfetched(failure);
}

/* The tags by size, largest first: what to leave out. */
static char *
largest_tags(const RbGrant *grant)
{
    GString *out = g_string_new(NULL);
    g_autofree gboolean *named = NULL;

    if (grant == NULL || grant->n_tags == 0)
        return g_string_free(out, FALSE);
    named = g_new0(gboolean, grant->n_tags);
    for (guint shown = 0; shown < MIN(grant->n_tags, 3); shown++) {
        gsize most = 0;
        guint at = 0;
        for (guint i = 0; i < grant->n_tags; i++) {
            gsize size = strlen(grant->tags[i].key) + strlen(grant->tags[i].value);
            if (!named[i] && size >= most) {
                most = size;
                at = i;
            }
        }
        named[at] = TRUE;
        g_string_append_printf(out, "%s'%s' (%" G_GSIZE_FORMAT " bytes)", shown > 0 ? ", " : "",
                               grant->tags[at].key, most);
    }
    return g_string_free(out, FALSE);
}

static gboolean
refuse_size(const RbStsCall *call, const char *said, GError **error)
{
    g_autofree char *tags = largest_tags(call->grant);

    return rb_refuse(
        error, RB_STS_TAGS,
        "%s: session tags and policy together are too large once packed; the largest tags: %s; leave "
        "out what no policy tests (%s)",
        call->what, tags[0] != '\0' ? tags : "none", said);
}

/* ValidationError says in its text alone what was not valid. The person reads what is said of durations:
 * AWS's own text stays out of it. */
static gboolean
refuse_validation(const RbStsCall *call, const char *said, GError **error)
{
    g_autofree char *asked = rb_duration_text(call->duration_s);

    if (strstr(said, "MaxSessionDuration") != NULL)
        return rb_refuse(
            error, RB_STS_DURATION,
            "%s: asked for %s, and the role's MaxSessionDuration in AWS is less; raise it there, or lower "
            "session.max of the business role",
            call->what, asked);
    if (strstr(said, "1 hour session limit") != NULL || strstr(said, "role chaining") != NULL)
        return rb_refuse(
            error, RB_STS_DURATION,
            "%s: asked for %s, and AWS ends a session after 1h when a role is taken with a role (role "
            "chaining)",
            call->what, asked);
    return rb_refuse(error, RB_STS_INVALID, "%s: %s", call->what, said);
}

/* Whether a token or assertion of ours is the proof, not credentials. */
static gboolean
by_our_word(const RbStsCall *call)
{
    return call->grant != NULL && call->grant->method != RB_ISSUE_ASSUME_ROLE;
}

/* What keeps the bridge out, by the way the role is taken. */
static const char *
denied_by(const RbStsCall *call)
{
    switch (call->grant != NULL ? call->grant->method : RB_ISSUE_ASSUME_ROLE) {
    case RB_ISSUE_WEB_IDENTITY:
        return "its trust policy does not let the bridge in (the OIDC provider as principal; "
               "sts:AssumeRoleWithWebIdentity, sts:TagSession, sts:SetSourceIdentity; the conditions on aud "
               "and sub)";
    case RB_ISSUE_SAML:
        return "its trust policy does not let the bridge in (the SAML provider as principal; "
               "sts:AssumeRoleWithSAML, sts:TagSession, sts:SetSourceIdentity; the condition on saml:aud)";
    case RB_ISSUE_ASSUME_ROLE:
        break;
    }
    return "its trust policy does not let the bridge in (sts:AssumeRole, sts:TagSession, "
           "sts:SetSourceIdentity, "
           "the external id), the bridge's own policy does not allow it";
}

static gboolean
refuse_denied(const RbStsCall *call, const char *said, GError **error)
{
    return rb_refuse(
        error, RB_STS_ACCESS_DENIED,
        "%s: AWS does not say which of these it is: there is no such role, %s, or an organisation's "
        "policy forbids it (%s)",
        call->what, denied_by(call), said);
}

/* What AWS says of a token or assertion of ours, and what an administrator does about it. */
static const struct {
    const char *part, *advice;
} provider_advice[] = {
    { "No OpenIDConnect provider", "create the provider in that account, with the issuer's address exactly" },
    { "Incorrect token audience", "add issuer.audience to the provider's client ids" },
    { "doesn't exist", "create the SAML provider that provider_arn names" },
    { "Issuer not present",
      "give the SAML provider the bridge's metadata (/saml/metadata): its entityID is another" },
    { "signature invalid",
      "give the SAML provider the bridge's metadata (/saml/metadata): it lacks the key" },
    { "required audience", "the account's partition in accounts.yaml is not the one that was asked" },
};

static gboolean
refuse_provider(const RbStsCall *call, const RbStsError *failure, const char *said, GError **error)
{
    const char *message = failure->message != NULL ? failure->message : "", *advice = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(provider_advice) && advice == NULL; i++)
        if (strstr(message, provider_advice[i].part) != NULL)
            advice = provider_advice[i].advice;
    return rb_refuse(error, RB_STS_PROVIDER,
                     "%s: AWS does not take the bridge's word by the provider %s; %s (%s)", call->what,
                     call->grant->provider_arn != NULL ? call->grant->provider_arn : "of this account",
                     advice != NULL ? advice : "compare the provider with the bridge's issuer", said);
}

static gboolean
fault_signature(const RbStsCall *call, const char *said, GError **error)
{
    if (strstr(said, "Signature expired") != NULL || strstr(said, "not yet current") != NULL)
        return rb_fault(error, RB_FAULT_STS_CLOCK,
                        "%s: this machine's clock is off by more than AWS tolerates; set it by NTP (%s)",
                        call->what, said);
    return rb_fault(
        error, RB_FAULT_STS_CREDENTIALS,
        "%s: AWS does not accept the bridge's signature; its secret key is wrong, or something between "
        "changes requests (%s)",
        call->what, said);
}

static const char *const denied[] = { "AccessDenied", "UnauthorizedOperation", "NoSuchEntity", NULL };
static const char *const skewed[] = { "RequestExpired", "RequestTimeTooSkewed", NULL };
static const char *const unknown_own[] = { "InvalidClientTokenId", "UnrecognizedClient",
                                           "InvalidAccessKeyId",   "MissingAuthenticationToken",
                                           "IncompleteSignature",  NULL };
static const char *const bad_token[] = { "InvalidIdentityToken", "IDPRejectedClaim", NULL };
static const char *const disabled[] = { "RegionDisabled", "OptInRequired", NULL };
static const char *const invalid[] = { "InvalidParameterValue",
                                       "MissingParameter",
                                       "InvalidAction",
                                       "MissingAction",
                                       "InvalidParameterCombination",
                                       NULL };

gboolean
rb_sts_refuse(const RbStsCall *call, int status, const RbStsError *failure, GError **error)
{
    g_autofree char *text = rb_text_printable(failure->message != NULL ? failure->message : "", 500);
    g_autofree char *id = rb_text_printable(failure->request_id != NULL ? failure->request_id : "none", 64);
    g_autofree char *code = rb_text_printable(failure->code != NULL ? failure->code : "", 64);
    g_autofree char *said = g_strdup_printf("AWS: %d %s: %s; request %s", status, code, text, id);

    if (failure->code == NULL)
        return rb_fault(error, RB_FAULT_STS, "%s: STS answered %d without an error of its own", call->what,
                        status);
    if (is_one_of(failure->code, denied))
        return refuse_denied(call, said, error);
    if (g_str_equal(failure->code, "ValidationError"))
        return refuse_validation(call, said, error);
    if (g_str_equal(failure->code, "PackedPolicyTooLarge"))
        return refuse_size(call, said, error);
    if (g_str_equal(failure->code, "MalformedPolicyDocument"))
        return rb_refuse(error, RB_STS_POLICY, "%s: %s", call->what, said);
    if (is_one_of(failure->code, disabled))
        return rb_refuse(error, RB_STS_REGION, "%s: region %s is not enabled in the account (%s)", call->what,
                         call->region, said);
    if (is_one_of(failure->code, invalid))
        return rb_refuse(error, RB_STS_INVALID, "%s: %s", call->what, said);
    if (g_str_equal(failure->code, "SignatureDoesNotMatch"))
        return fault_signature(call, said, error);
    if (is_one_of(failure->code, skewed))
        return rb_fault(error, RB_FAULT_STS_CLOCK, "%s: this machine's clock is off; set it by NTP (%s)",
                        call->what, said);
    if (g_str_equal(failure->code, "ExpiredToken") && by_our_word(call))
        return rb_fault(
            error, RB_FAULT_STS_CLOCK,
            "%s: AWS found the bridge's proof expired at once: this machine's clock is off; set it by "
            "NTP (%s)",
            call->what, said);
    if (g_str_equal(failure->code, "ExpiredToken"))
        return rb_fault(error, RB_FAULT_STS_CREDENTIALS, "%s: the bridge's own credentials have expired (%s)",
                        call->what, said);
    if (is_one_of(failure->code, unknown_own))
        return rb_fault(
            error, RB_FAULT_STS_CREDENTIALS,
            "%s: AWS does not know the bridge's own credentials, or not in this region or partition (%s)",
            call->what, said);
    if (is_keys_unfetched(failure))
        return rb_fault(
            error, RB_FAULT_STS_KEYS,
            "%s: AWS could not fetch the issuer's discovery document or keys; they must be there for "
            "everybody on the internet, within 5 seconds (%s)",
            call->what, said);
    if (is_one_of(failure->code, bad_token) && by_our_word(call))
        return refuse_provider(call, failure, said, error);
    if (is_one_of(failure->code, bad_token))
        return rb_fault(error, RB_FAULT_STS_CREDENTIALS,
                        "%s: AWS does not accept the bridge's identity token (%s)", call->what, said);
    return rb_fault(error, RB_FAULT_STS, "%s: %s", call->what, said);
}
