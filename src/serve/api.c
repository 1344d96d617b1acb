#include "base/encoding.h"
#include "serve/priv.h"

/* rolebridge's own JSON API (docs/api.md, docs/openapi.yaml). By token, or by the portal's cookie from our
 * own pages. */

static RbSession *
api_session(RbRequest *request, GError **error)
{
    if (request->bearer != NULL || request->authorization != NULL)
        return rb_request_token(request, error);
    return rb_request_check_origin(request, error) ? rb_request_session(request, error) : NULL;
}

static json_t *
time_json(gint64 utc_s)
{
    g_autofree char *text = rb_time_format(utc_s);

    return json_string(text);
}

RbAnswer *
rb_handle_whoami(RbRequest *request, GError **error)
{
    g_autoptr(RbSession) session = api_session(request, error);
    const RbIdentity *identity;
    json_t *groups;

    if (session == NULL)
        return NULL;
    identity = session->identity;
    groups = json_array();
    for (const char *const *group = identity->groups; group != NULL && *group != NULL; group++)
        (void)json_array_append_new(groups, json_string(*group));
    return rb_answer_json(
        200, json_pack("{s:s, s:s, s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:s?}", "name", identity->name,
                       "subject", identity->subject, "provider", identity->provider, "issuer",
                       identity->issuer, "groups", groups, "mfa", identity->mfa, "authenticated_at",
                       time_json(identity->authenticated_at), "created_at", time_json(session->created_at),
                       "expires_at", time_json(session->expires_at), "client", session->client));
}

/* The decision as everybody gets it, and beside each pair the words that a person chooses by. */
static void
describe_grant(json_t *object, const RbGrant *grant)
{
    json_t *more = json_pack("{s:s?, s:s?, s:s?, s:I, s:b, s:b}", "role_title", grant->role_title,
                             "role_purpose", grant->role_purpose, "environment", grant->environment,
                             "default_session_s", (json_int_t)grant->default_session_s, "privileged",
                             grant->privileged, "chained", grant->chained);

    (void)json_object_update_missing_new(object, more);
}

static void
describe_near_miss(json_t *object, const RbNearMiss *miss)
{
    g_autoptr(GError) error = NULL;
    const RbOutcome *outcome;

    (void)rb_refuse(&error, miss->code, "near miss"); /* only to look its words up */
    outcome = rb_outcome(error);
    (void)json_object_update_missing_new(
        object, json_pack("{s:s?, s:s?, s:s?, s:s?, s:s, s:s}", "account_name", miss->account_name,
                          "role_title", miss->role_title, "detail", miss->detail, "owner", miss->owner,
                          "what", outcome->what, "next", outcome->next));
}

RbAnswer *
rb_handle_roles(RbRequest *request, GError **error)
{
    g_autoptr(RbSession) session = api_session(request, error);
    g_autoptr(RbDecision) decision = NULL;
    json_t *body;

    if (session == NULL)
        return NULL;
    decision = rb_access_decide(request->site->access, rb_request_visit(request), session);
    body = rb_decision_to_json(decision);
    for (guint i = 0; i < decision->n_grants; i++)
        describe_grant(json_array_get(json_object_get(body, "grants"), i), &decision->grants[i]);
    for (guint i = 0; i < decision->n_refusals; i++)
        describe_near_miss(json_array_get(json_object_get(body, "refusals"), i), &decision->refusals[i]);
    return rb_answer_json(200, body);
}

static gboolean
read_duration(const RbRequest *request, gint64 *seconds, GError **error)
{
    const char *text = rb_request_query(request, "duration");
    guint64 n = 0;

    if (text != NULL && !g_ascii_string_to_unsigned(text, 10, 1, 43200, &n, NULL))
        return rb_refuse(error, RB_REQUEST_MALFORMED, "'duration' is no number of seconds from 1 to 43200");
    *seconds = (gint64)n;
    return TRUE;
}

RbAnswer *
rb_handle_credentials(RbRequest *request, GError **error)
{
    g_autoptr(RbSession) session = api_session(request, error);
    g_autoptr(RbCredentials) credentials = NULL;
    const char *account, *role;
    gint64 seconds = 0;

    if (session == NULL || (account = rb_request_need(request, "account", error)) == NULL ||
        (role = rb_request_need(request, "role", error)) == NULL || !read_duration(request, &seconds, error))
        return NULL;
    credentials = rb_access_credentials(request->site->access, rb_request_visit(request), session, account,
                                        role, seconds, error);
    if (credentials == NULL)
        return NULL;
    return rb_answer_json(
        200, json_pack("{s:{s:s, s:s, s:s, s:I, s:s?, s:s?}}", "roleCredentials", "accessKeyId",
                       credentials->access_key_id, "secretAccessKey",
                       rb_secret_reveal(credentials->secret_access_key), "sessionToken",
                       rb_secret_reveal(credentials->session_token), "expiration",
                       (json_int_t)credentials->expiration * 1000, /* as GetRoleCredentials has it */
                       "assumedRoleArn", credentials->assumed_role_arn, "sourceIdentity",
                       credentials->source_identity));
}
