#include "base/encoding.h"
#include "serve/priv.h"

#include <string.h>

/* How an error looks on the wire: a page, JSON, or one of AWS's two services (reference §5.5). */

/* What the AWS services call our refusals. Not listed: InvalidRequestException. */
static const struct {
    RbRefusalCode code;
    const char *oidc, *oauth; /* sso-oidc: exception, RFC 6749 error */
    guint oidc_status;
    const char *sso; /* portal: exception */
    guint sso_status;
} aws_names[] = {
    /* clang-format off */
    { RB_SSO_PENDING,              "AuthorizationPendingException",  "authorization_pending",   400, NULL, 0 },
    { RB_SSO_SLOW_DOWN,            "SlowDownException",              "slow_down",               400, NULL, 0 },
    { RB_SSO_EXPIRED,              "ExpiredTokenException",          "expired_token",           400, NULL, 0 },
    { RB_SSO_DENIED,               "AccessDeniedException",          "access_denied",           400, NULL, 0 },
    { RB_SSO_INVALID_GRANT,        "InvalidGrantException",          "invalid_grant",           400, NULL, 0 },
    { RB_SSO_INVALID_CLIENT,       "InvalidClientException",         "invalid_client",          401, NULL, 0 },
    { RB_SSO_INVALID_REQUEST,      "InvalidRequestException",        "invalid_request",         400, NULL, 0 },
    { RB_SSO_INVALID_SCOPE,        "InvalidScopeException",          "invalid_scope",           400, NULL, 0 },
    { RB_SSO_UNSUPPORTED_GRANT,    "UnsupportedGrantTypeException",  "unsupported_grant_type",  400, NULL, 0 },
    { RB_SSO_INVALID_METADATA,     "InvalidClientMetadataException", "invalid_client_metadata", 400, NULL, 0 },
    { RB_SSO_INVALID_REDIRECT,     "InvalidRedirectUriException",    "invalid_redirect_uri",    400, NULL, 0 },
    { RB_SESSION_MISSING,          "AccessDeniedException",          "access_denied",           400, "UnauthorizedException", 401 },
    { RB_SESSION_EXPIRED,          "ExpiredTokenException",          "expired_token",           400, "UnauthorizedException", 401 },
    { RB_REQUEST_TOO_MANY,         "SlowDownException",              "slow_down",               400, "TooManyRequestsException", 429 },
    { RB_REQUEST_NOT_FOUND,        NULL, NULL, 0,                                                   "ResourceNotFoundException", 404 },
    /* clang-format on */
};

static const char oidc_namespace[] = "com.amazonaws.sso.oidc#";
static const char sso_namespace[] = "com.amazonaws.switchboard.portal#";

static char *
sentence(const GError *error, const char *incident)
{
    const RbOutcome *outcome = rb_outcome(error);
    const char *detail = rb_outcome_detail(error);

    return g_strdup_printf("%s %s%s%s (%s, incident %s)", outcome->what, detail != NULL ? detail : "",
                           detail != NULL ? ". " : "", outcome->next, outcome->id, incident);
}

static gsize
aws_name(const GError *error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(aws_names); i++)
        if (rb_is_refusal(error, aws_names[i].code))
            return i;
    return G_N_ELEMENTS(aws_names);
}

static RbAnswer *
aws_answer(guint status, const char *name_space, const char *exception, json_t *body, const GError *error,
           const char *incident)
{
    RbAnswer *answer;

    /* SDKs take the header, then a member `code`, then `__type`: ours has another name, for where a proxy
     * drops the header. It and the incident are for rolebridge and for people. */
    (void)json_object_set_new(body, "refusal", json_string(rb_outcome(error)->id));
    (void)json_object_set_new(body, "incident", json_string(incident));
    (void)json_object_set_new(body, "__type",
                              json_sprintf("%s%s", name_space, exception)); /* of our own words */
    answer = rb_answer_json(status, body);
    rb_answer_header(answer, "x-amzn-ErrorType", g_strdup(exception));
    rb_answer_header(answer, "x-amzn-RequestId", g_strdup(incident)); /* SDKs show it beside the message */
    return answer;
}

RbAnswer *
rb_aws_error(RbSpeech speech, const GError *error, const char *incident)
{
    const RbOutcome *outcome = rb_outcome(error);
    gsize i = aws_name(error);
    gboolean known = i < G_N_ELEMENTS(aws_names), ours = outcome->status >= 500;
    g_autofree char *text = sentence(error, incident);

    if (speech == RB_SPEAKS_OIDC) {
        gboolean named = known && aws_names[i].oidc != NULL;
        const char *oauth = named ? aws_names[i].oauth : ours ? "server_error" : "invalid_request";
        const char *exception = named  ? aws_names[i].oidc
                                : ours ? "InternalServerException"
                                       : "InvalidRequestException";
        return aws_answer(named  ? aws_names[i].oidc_status
                          : ours ? (guint)outcome->status
                                 : 400,
                          oidc_namespace, exception,
                          json_pack("{s:s, s:s}", "error", oauth, "error_description", text), error,
                          incident);
    }
    if (known && aws_names[i].sso != NULL)
        return aws_answer(aws_names[i].sso_status, sso_namespace, aws_names[i].sso,
                          json_pack("{s:s}", "message", text), error, incident);
    /* a role that is not granted is 403 "ForbiddenException" at the real portal: not modelled, shown as it is
     */
    return aws_answer((guint)outcome->status, sso_namespace,
                      ours                     ? "InternalServerException"
                      : outcome->status == 403 ? "ForbiddenException"
                                               : "InvalidRequestException",
                      json_pack("{s:s}", "message", text), error, incident);
}

static RbAnswer *
json_error(const GError *error, const char *incident)
{
    const RbOutcome *outcome = rb_outcome(error);

    return rb_answer_json((guint)outcome->status,
                          json_pack("{s:s, s:s, s:s, s:s*, s:s}", "code", outcome->id, "message",
                                    outcome->what, "next", outcome->next, "detail", rb_outcome_detail(error),
                                    "incident", incident));
}

static gboolean
wants_page(const RbRequest *request)
{
    const char *accept = request->accept;

    return accept == NULL || strstr(accept, "text/html") != NULL ||
           strstr(accept, "application/json") == NULL;
}

/* Where to come back from with a second factor: to where the person signed in before, when that is known. */
static char *
second_factor_url(const RbRequest *request, const RbSession *session)
{
    gboolean again = request->target != NULL && request->method == RB_SEEN_GET;
    g_autofree char *next = again ? rb_uri_encode(request->target) : g_strdup("%2F");
    g_autofree char *provider = session != NULL ? rb_uri_encode(session->identity->provider) : NULL;

    return g_strdup_printf("/login?%s%s%smfa=1&next=%s", provider != NULL ? "provider=" : "",
                           provider != NULL ? provider : "", provider != NULL ? "&" : "", next);
}

static RbAnswer *
page_error(RbRequest *request, const GError *error)
{
    const RbOutcome *outcome = rb_outcome(error);
    g_autoptr(GError) broken = NULL, nobody = NULL;
    /* who one is signed in as may be the very reason; the mapping's refusals come from a worker, which may
     * look */
    g_autoptr(RbSession) session =
        g_str_has_prefix(outcome->id, "mapping.") ? rb_request_session(request, &nobody) : NULL;
    g_autofree char *mfa =
        rb_is_refusal(error, RB_MAPPING_MFA_REQUIRED) ? second_factor_url(request, session) : NULL;
    RbAnswer *answer = rb_answer_page(
        request, (guint)outcome->status, "refused",
        json_pack("{s:s, s:s, s:s, s:s*, s:s, s:s*}", "what", outcome->what, "next", outcome->next, "code",
                  outcome->id, "detail", rb_outcome_detail(error), "incident", request->incident, "mfa", mfa),
        session, &broken);

    return answer != NULL ? answer : json_error(error, request->incident);
}

/* What is no news to an auditor: polling, and knocking at doors that do not exist. */
static gboolean
is_noise(const RbRequest *request, const GError *error)
{
    static const RbRefusalCode noise[] = { RB_SSO_PENDING,    RB_SSO_SLOW_DOWN, RB_REQUEST_NOT_FOUND,
                                           RB_REQUEST_METHOD, RB_REQUEST_HOST,  RB_REQUEST_TOO_MANY };

    for (gsize i = 0; i < G_N_ELEMENTS(noise); i++)
        if (rb_is_refusal(error, noise[i]))
            return TRUE;
    return rb_is_refusal(error, RB_SESSION_MISSING) && request->bearer == NULL &&
           request->authorization == NULL;
}

RbAnswer *
rb_answer_error(RbRequest *request, const GError *error, gboolean audited)
{
    const RbVisit *visit = rb_request_visit(request);
    RbSpeech speech = request->speech;
    RbAnswer *answer;

    g_atomic_int_inc(&request->site->counts.refused);
    if (audited && !is_noise(request, error))
        rb_access_refused(request->site->access, visit,
                          request->route != NULL ? request->route->pattern : "http", error);
    if (speech == RB_SPEAKS_OIDC || speech == RB_SPEAKS_SSO)
        answer = rb_aws_error(speech, error, request->incident);
    else if (speech == RB_SPEAKS_STS)
        answer = rb_sts_error(error, request->incident);
    else if (speech == RB_SPEAKS_PAGES && wants_page(request))
        answer = page_error(request, error);
    else
        answer = json_error(error, request->incident);
    if (rb_is_refusal(error, RB_REQUEST_METHOD)) {
        char *allow = rb_route_allow(request->path);
        rb_answer_header(answer, "Allow", allow != NULL ? allow : g_strdup(""));
    }
    if (answer->status == 503 || answer->status == 429)
        rb_answer_header(answer, "Retry-After", g_strdup("3"));
    return answer;
}
