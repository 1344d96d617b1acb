#include "sandbox/sts.h"

#include "sandbox/token.h"

#include <string.h>

/* AssumeRoleWithWebIdentity (reference §3) and what it shares with AssumeRoleWithSAML. */

#define TAGS "https://aws.amazon.com/tags"
#define SOURCE_IDENTITY "https://aws.amazon.com/source_identity"
enum { SKEW_S = 300, MAX_SUBJECT = 255 };

static gboolean
check_trust(const RbBoxRole *role, const RbBoxProvider *provider, const char *action,
            const RbBoxContext *context, RbAwsError *error)
{
    const RbBoxAsker asker = { .account = rb_box_provider_account(provider),
                               .partition = role->partition,
                               .federated = rb_box_provider_arn(provider) };
    char *why = NULL;
    RbBoxVerdict verdict = rb_box_policy_judge(role->trust, &asker, action, NULL, context, &why);

    if (verdict >= RB_BOX_ALLOWED) {
        g_free(why);
        return TRUE;
    }
    (void)rb_aws_refuse(error, 403, "AccessDenied", "Not authorized to perform %s", action);
    error->why = why != NULL
                     ? why
                     : g_strdup_printf("its trust policy %s %s",
                                       verdict == RB_BOX_DENIED ? "denies" : "does not allow", action);
    return FALSE;
}

RbBoxPrincipal *
rb_sts_assume_vouched(const RbStsCall *call, const RbBoxProvider *provider, const char *action, RbStsAsk *ask,
                      const RbBoxContext *context, gint64 end, gint64 *packed, RbAwsError *error)
{
    const RbBoxRole *role = rb_box_cloud_role(call->sts->cloud, ask->role_arn);
    gint64 expires_at = call->now + ask->duration_s;

    if (role == NULL) {
        (void)rb_aws_refuse(error, 403, "AccessDenied", "Not authorized to perform %s", action);
        error->why = g_strdup("there is no such role");
        return NULL;
    }
    if (!check_trust(role, provider, action, context, error) ||
        (g_hash_table_size(ask->tags) > 0 &&
         !check_trust(role, provider, "sts:TagSession", context, error)) ||
        (ask->source_identity != NULL &&
         !check_trust(role, provider, "sts:SetSourceIdentity", context, error)) ||
        !rb_sts_check_limits(call, role, ask, packed, error))
        return NULL;
    return rb_box_cloud_start_session(
        call->sts->cloud, &(RbBoxSessionSpec){ .role = role,
                                               .session_name = ask->session_name,
                                               .source_identity = ask->source_identity,
                                               .tags = ask->tags,
                                               .transitive = ask->transitive,
                                               .session_policy = g_steal_pointer(&ask->session_policy),
                                               .issued_at = call->now,
                                               .expires_at = end > 0 ? MIN(end, expires_at) : expires_at });
}

/* ---- the token ---- */

static gboolean
refuse_token(RbAwsError *error, const char *message, const char *why)
{
    (void)rb_aws_refuse(error, 400, "InvalidIdentityToken", "%s", message);
    error->why = g_strdup(why);
    return FALSE;
}

static const char *
text_claim(const RbBoxToken *token, const char *name)
{
    return json_string_value(json_object_get(token->claims, name));
}

/* Who registered the token's issuer in the account of the role that is asked for. */
static RbBoxProvider *
find_provider(const RbStsCall *call, const RbStsAsk *ask, const RbBoxToken *token, RbAwsError *error)
{
    const char *issuer = text_claim(token, "iss");
    g_auto(GStrv) fields = g_strsplit(ask->role_arn, ":", 6);
    g_autofree char *arn = NULL;
    RbBoxProvider *provider = NULL;

    if (issuer != NULL && g_str_has_prefix(issuer, "https://")) {
        arn = g_strdup_printf("arn:%s:iam::%s:oidc-provider/%s", fields[1], fields[4],
                              issuer + strlen("https://"));
        provider = rb_box_cloud_provider(call->sts->cloud, arn);
    }
    if (provider == NULL)
        (void)rb_aws_refuse(error, 400, "InvalidIdentityToken",
                            "No OpenIDConnect provider found in your account for %s",
                            issuer == NULL ? "" : issuer);
    return provider;
}

static gboolean
has_text(const json_t *value, gsize max)
{
    return json_is_string(value) && json_string_length(value) >= 1 && json_string_length(value) <= max;
}

/* aud may be a text or a list; one that names an authorized party (azp) is judged by that alone. */
static const char *
find_audience(const RbBoxToken *token, const RbBoxProvider *provider)
{
    const json_t *azp = json_object_get(token->claims, "azp"), *aud = json_object_get(token->claims, "aud");
    const json_t *one;
    gsize i;

    if (azp != NULL || json_is_string(aud)) {
        one = azp != NULL ? azp : aud;
        return json_is_string(one) && rb_box_provider_has_audience(provider, json_string_value(one))
                   ? json_string_value(one)
                   : NULL;
    }
    json_array_foreach((json_t *)aud, i, one)
    {
        if (json_is_string(one) && rb_box_provider_has_audience(provider, json_string_value(one)))
            return json_string_value(one);
    }
    return NULL;
}

static gboolean
check_required(const RbBoxToken *token, RbAwsError *error)
{
    static const char *const times[] = { "exp", "iat" };
    const json_t *nbf = json_object_get(token->claims, "nbf");

    if (!has_text(json_object_get(token->claims, "sub"), MAX_SUBJECT))
        return rb_aws_refuse(error, 400, "InvalidIdentityToken", "Missing a required claim: sub");
    if (json_object_get(token->claims, "aud") == NULL)
        return rb_aws_refuse(error, 400, "InvalidIdentityToken", "Missing a required claim: aud");
    for (gsize i = 0; i < G_N_ELEMENTS(times); i++)
        if (!json_is_integer(json_object_get(token->claims, times[i])))
            return rb_aws_refuse(error, 400, "InvalidIdentityToken", "Missing a required claim: %s",
                                 times[i]);
    return nbf == NULL || json_is_integer(nbf) ||
           refuse_token(error, "The ID Token provided is not a valid JWT.", "nbf is not an integer");
}

static gboolean
check_times(const RbBoxToken *token, gint64 now, RbAwsError *error)
{
    gint64 exp = json_integer_value(json_object_get(token->claims, "exp"));
    gint64 iat = json_integer_value(json_object_get(token->claims, "iat"));
    const json_t *nbf = json_object_get(token->claims, "nbf");

    if (now >= exp)
        return rb_aws_refuse(error, 400, "ExpiredTokenException",
                             "Token expired: current date/time %" G_GINT64_FORMAT
                             " must be before the expiration date/time %" G_GINT64_FORMAT,
                             now, exp);
    if (iat > now + SKEW_S || (nbf != NULL && json_integer_value(nbf) > now + SKEW_S))
        return refuse_token(error, "The token is not yet valid", "iat or nbf is more than 5 minutes ahead");
    return TRUE;
}

static gboolean
check_signature(const RbBoxToken *token, RbBoxProvider *provider, gint64 now, RbAwsError *error)
{
    g_autoptr(GBytes) keys = rb_box_provider_keys(provider, now, error);

    if (keys == NULL)
        return FALSE;
    switch (rb_box_token_check_signature(token, keys)) {
    case RB_BOX_SIGNED:
        return TRUE;
    case RB_BOX_NO_KEY:
        return refuse_token(
            error,
            "Couldn't retrieve verification key from your identity provider, please reference "
            "AssumeRoleWithWebIdentity documentation for requirements",
            "no key in the JWK set fits the token's kid and alg");
    case RB_BOX_NO_ALGORITHM:
        return refuse_token(error, "The ID Token provided is not a valid JWT.",
                            "its algorithm is none that AWS takes");
    case RB_BOX_NOT_SIGNED:
    default:
        return refuse_token(error, "The ID Token's signature is invalid.",
                            "the key that its kid names did not make the signature");
    }
}

static gboolean
read_tags(const json_t *tags, RbStsAsk *ask, RbAwsError *error)
{
    const json_t *keys = json_object_get(tags, "transitive_tag_keys");
    json_t *principal = json_object_get(tags, "principal_tags"), *value;
    const char *key;
    gsize i;

    if (!json_is_object(tags) || (principal != NULL && !json_is_object(principal)) ||
        (keys != NULL && !json_is_array(keys)))
        return refuse_token(error, "The session tags in the token are invalid.",
                            "the claim " TAGS " is malformed");
    json_object_foreach(principal, key, value)
    {
        if (!json_is_array(value) || json_array_size(value) != 1 || !json_is_string(json_array_get(value, 0)))
            return refuse_token(error, "The session tags in the token are invalid.",
                                "a tag's value is not a list of one text");
        if (!rb_sts_ask_add_tag(ask, key, json_string_value(json_array_get(value, 0)), error))
            return FALSE;
    }
    json_array_foreach((json_t *)keys, i, value)
    {
        if (!json_is_string(value))
            return refuse_token(error, "The session tags in the token are invalid.",
                                "a transitive key is no text");
        if (!rb_sts_ask_add_transitive(ask, json_string_value(value), error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
read_carried(const RbBoxToken *token, RbStsAsk *ask, RbAwsError *error)
{
    const json_t *tags = json_object_get(token->claims, TAGS);
    const json_t *source = json_object_get(token->claims, SOURCE_IDENTITY);

    if (tags != NULL && !read_tags(tags, ask, error))
        return FALSE;
    if (source == NULL)
        return TRUE;
    ask->source_identity = json_string_value(source);
    return (ask->source_identity != NULL && rb_sts_is_name(ask->source_identity) &&
            g_ascii_strncasecmp(ask->source_identity, "aws:", 4) != 0) ||
           refuse_token(error, "The source identity in the token is invalid.", SOURCE_IDENTITY);
}

/* What a trust policy can ask of the token: <issuer>:aud, oaud, sub, amr, email. */
static void
add_keys(RbBoxContext *context, const RbBoxToken *token, const RbBoxProvider *provider, const char *audience)
{
    static const char *const claims[] = { "sub", "amr", "email" };
    const char *issuer = rb_box_provider_name(provider);
    g_autofree char *aud = g_strconcat(issuer, ":aud", NULL), *oaud = g_strconcat(issuer, ":oaud", NULL);
    const json_t *value;
    gsize k;

    rb_box_context_add(context, aud, audience);
    rb_box_context_add(context, oaud, text_claim(token, "aud"));
    for (gsize i = 0; i < G_N_ELEMENTS(claims); i++) {
        const json_t *claim = json_object_get(token->claims, claims[i]);
        g_autofree char *name = g_strconcat(issuer, ":", claims[i], NULL);

        rb_box_context_add(context, name, json_string_value(claim));
        json_array_foreach((json_t *)claim, k, value)
        {
            rb_box_context_add(context, name, json_string_value(value));
        }
    }
}

static gboolean
exchange(const RbStsCall *call, RbStsAsk *ask, const RbBoxToken *token, GString *result, RbAwsError *error)
{
    RbBoxProvider *provider = find_provider(call, ask, token, error);
    g_autoptr(RbBoxContext) context = NULL;
    g_autoptr(RbBoxPrincipal) session = NULL;
    const char *audience;
    gint64 packed = 0;

    if (provider == NULL || !check_required(token, error))
        return FALSE;
    audience = find_audience(token, provider);
    if (audience == NULL)
        return rb_aws_refuse(error, 400, "InvalidIdentityToken", "Incorrect token audience");
    if (!check_times(token, call->now, error) || !check_signature(token, provider, call->now, error) ||
        !read_carried(token, ask, error))
        return FALSE;
    context = rb_sts_context(call, ask);
    add_keys(context, token, provider, audience);
    session = rb_sts_assume_vouched(call, provider, "sts:AssumeRoleWithWebIdentity", ask, context, 0, &packed,
                                    error);
    if (session == NULL)
        return FALSE;
    rb_sts_write_session(result, session, packed);
    rb_sts_element(result, "SubjectFromWebIdentityToken", text_claim(token, "sub"));
    rb_sts_element(result, "Provider", text_claim(token, "iss"));
    rb_sts_element(result, "Audience", audience);
    return TRUE;
}

gboolean
rb_sts_assume_role_with_web_identity(const RbStsCall *call, GString *result, RbAwsError *error)
{
    RbStsAsk ask;
    gboolean good = rb_sts_ask_read(call->fields, RB_STS_WEB_IDENTITY, &ask, error);
    g_autoptr(RbBoxToken) token = good ? rb_box_token_read(ask.token) : NULL;

    if (good && token == NULL)
        good =
            rb_aws_refuse(error, 400, "InvalidIdentityToken",
                          "The ID Token provided is not a valid JWT. (You may see this error if you sent an "
                          "Access Token)");
    good = good && token != NULL && exchange(call, &ask, token, result, error);
    rb_sts_ask_clear(&ask);
    return good;
}
