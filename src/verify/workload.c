#include "verify/workload.h"
#include "base/encoding.h"

#include <string.h>

/* An issuer of tokens for jobs and pods, which are exchanged at /sts: nobody signs in. docs/workload.md. */

enum { MIN_AGE_S = 60, MAX_AGE_S = 7 * 86400 };

static void
load_audiences(RbWorkload *workload, const RbYaml *node, RbDiagnostics *problems)
{
    static const char hint[] = "audience: rolebridge, and nothing that other services take, too";
    guint n;

    workload->audiences = rb_yaml_strings(node, "audience", problems);
    n = g_strv_length(workload->audiences);
    if (n == 0 || n > RB_WORKLOAD_MAX_AUDIENCES)
        rb_yaml_field_problem(node, "audience", problems, hint,
                              "the audience that tokens for us are made for is needed");
    for (guint i = 0; i < n; i++)
        if (*workload->audiences[i] == '\0')
            rb_yaml_field_problem(node, "audience", problems, hint, "an empty audience");
}

static void
load_name(RbWorkload *workload, const RbYaml *node, RbDiagnostics *problems)
{
    const char *text = rb_yaml_string(node, "name", NULL, problems), *why = NULL;

    if (*text == '\0')
        return;
    workload->name = rb_name_template_parse(text, &why);
    if (workload->name == NULL)
        rb_yaml_field_problem(node, "name", problems, "write name: \"gh-${repository_id}-${run_id}\", say",
                              why);
}

static gpointer
load(const RbYaml *node, const RbSeat *seat, RbDiagnostics *problems)
{
    static const char *const known[] = { "id",       "type",     "title",      "realm", "issuer",
                                         "audience", "jwks_uri", "algorithms", "name",  "groups",
                                         "claims",   "max_age",  "refresh",    NULL };
    RbWorkload *workload = g_new0(RbWorkload, 1);

    workload->seat = seat;
    (void)rb_yaml_check_keys(node, known, problems);
    rb_oidc_source_load(&workload->source, node, seat, FALSE, problems);
    load_audiences(workload, node, problems);
    load_name(workload, node, problems);
    workload->group_claims = rb_yaml_strings(node, "groups", problems);
    workload->claims = rb_yaml_strings(node, "claims", problems);
    workload->max_age_s =
        rb_yaml_duration_s(node, "max_age", MIN_AGE_S, MAX_AGE_S, RB_WORKLOAD_DEFAULT_AGE_S, problems);
    return workload;
}

static void
unload(gpointer self)
{
    RbWorkload *workload = self;

    rb_oidc_source_clear(&workload->source);
    g_strfreev(workload->audiences);
    g_strfreev(workload->group_claims);
    g_strfreev(workload->claims);
    if (workload->name != NULL)
        g_array_unref(workload->name);
    g_free(workload);
}

static gint64
refresh(gpointer self, gint64 now, GError **error)
{
    return rb_keyring_refresh(((RbWorkload *)self)->source.keyring, now, error);
}

static void
hurry(gpointer self)
{
    rb_keyring_hurry(((RbWorkload *)self)->source.keyring);
}

static json_t *
status(gpointer self, gint64 now)
{
    return rb_oidc_source_status(&((const RbWorkload *)self)->source, now);
}

static void
tokens_of(gconstpointer self, RbTokensOf *of)
{
    const RbWorkload *workload = self;

    of->issuer = workload->source.issuer;
    of->audiences = (const char *const *)workload->audiences;
    of->n_audiences = g_strv_length(workload->audiences);
}

/* RFC 8725 §3.11, 3.12: an older logout token has the type of an ordinary one, and a person's ID token is no
 * workload's, even where one issuer makes both. */
static gboolean
check_kind(const json_t *claims, GError **error)
{
    static const char *const others[] = { "events", "nonce", "at_hash", "c_hash", NULL };

    for (guint i = 0; others[i] != NULL; i++)
        if (json_object_get(claims, others[i]) != NULL)
            return rb_refuse(error, RB_JWT_TYPE, "a token with '%s' is of a person's sign-in or logout",
                             others[i]);
    return TRUE;
}

static RbVerified *
token(gpointer self, const char *audience, const char *text, gint64 now, GError **error)
{
    static const char *const types[] = { "jwt", NULL };
    const RbWorkload *workload = self;
    g_autoptr(RbJws) jws = rb_oidc_verify(&workload->source, audience, types, text, now, error);
    const char *jti;
    RbIdentity *identity;
    RbVerified *verified;

    if (jws == NULL || !check_kind(jws->claims, error) || !rb_claim_text(jws->claims, "jti", &jti, error) ||
        !rb_jwt_check_life(jws->claims, workload->max_age_s, error))
        return NULL;
    identity = rb_workload_identity(workload, jws->claims, error);
    if (identity == NULL)
        return NULL;
    verified = g_new0(RbVerified, 1);
    verified->identity = identity;
    verified->proof_id = g_strdup(jti);
    verified->audience = g_strdup(audience);
    return verified;
}

const RbProviderType rb_workload_provider_type = {
    .type = "workload",
    .load = load,
    .unload = unload,
    .refresh = refresh,
    .hurry = hurry,
    .status = status,
    .tokens_of = tokens_of,
    .token = token,
};
