#include "base/encoding.h"
#include "verify/oidc.h"

#include <string.h>

/* Claims → identity. The ID token's word stands before UserInfo's (OIDC Core 5.3.4: only of the same sub). */

/* Claims that are about the token, not about the person. */
static const char *const protocol[] = { "iss", "aud",   "azp",     "exp",    "nbf", "iat",
                                        "jti", "nonce", "at_hash", "c_hash", "sid", NULL };

static gboolean
lacks_something(const RbOidc *oidc, const json_t *claims)
{
    gboolean lacks = rb_oidc_claim(claims, oidc->name_claim) == NULL;

    for (guint i = 0; oidc->group_claims[i] != NULL; i++)
        lacks = lacks ||
                (rb_oidc_claim(claims, oidc->group_claims[i]) == NULL &&
                 json_object_get(json_object_get(claims, "_claim_names"), oidc->group_claims[i]) == NULL);
    return lacks;
}

/* OIDC Core 5.3.2: its sub must be the ID token's, else none of it is used. */
static gboolean
add_userinfo(const RbOidc *oidc, const RbOidcTrust *trust, const RbSecret *access_token, json_t *claims,
             GError **error)
{
    json_t *info;
    gboolean same;

    if (oidc->userinfo == RB_OIDC_USERINFO_NEVER || trust->userinfo == NULL ||
        (oidc->userinfo == RB_OIDC_USERINFO_MISSING && !lacks_something(oidc, claims)))
        return TRUE;
    info = rb_oidc_get(oidc, trust->userinfo, access_token, error);
    if (info == NULL)
        return FALSE;
    same = json_is_string(json_object_get(info, "sub")) &&
           json_equal(json_object_get(info, "sub"), json_object_get(claims, "sub"));
    if (same)
        (void)json_object_update_missing(claims, info);
    json_decref(info);
    return same || rb_refuse(error, RB_OIDC_USERINFO, "UserInfo is about another 'sub' than the ID token");
}

static gboolean
find_name(const RbOidc *oidc, const json_t *claims, const char **name, GError **error)
{
    *name = json_string_value(rb_oidc_claim(claims, oidc->name_claim));
    if (*name == NULL)
        return rb_refuse(error, RB_IDENTITY_NAME_MISSING, "the claim '%s' was not sent", oidc->name_claim);
    if (strcmp(oidc->name_claim, "email") == 0 && json_is_false(json_object_get(claims, "email_verified")))
        return rb_refuse(error, RB_IDENTITY_NAME_MISSING,
                         "the e-mail address was not verified by the issuer");
    return TRUE;
}

static gboolean
amr_proves(GStrv accepted, const json_t *amr)
{
    const json_t *one;
    gsize i;

    json_array_foreach((json_t *)amr, i, one)
    {
        if (json_is_string(one) && g_strv_contains((const char *const *)accepted, json_string_value(one)))
            return TRUE;
    }
    return FALSE;
}

static gboolean
proves_mfa(const RbOidc *oidc, const json_t *claims, const char *acr)
{
    const RbMfaRules *rules = oidc->seat->mfa;

    return (acr != NULL && g_strv_contains((const char *const *)rules->oidc_acr, acr)) ||
           amr_proves(rules->oidc_amr, json_object_get(claims, "amr"));
}

/* OIDC Core 3.1.3.7, 12: acr_values is a wish that an issuer may ignore, so it is looked at again. */
static gboolean
check_acr(const RbOidc *oidc, const RbSignIn *sign_in, const char *acr, gboolean mfa, GError **error)
{
    g_autofree char *quoted = rb_text_quote(acr == NULL ? "" : acr);

    if (sign_in->wants_mfa && !mfa)
        return rb_refuse(error, RB_OIDC_MFA_MISSING,
                         "signed in by acr %s, and `mfa:` accepts neither it nor amr", quoted);
    if (*oidc->acr_values != NULL && !mfa &&
        (acr == NULL || !g_strv_contains((const char *const *)oidc->acr_values, acr)))
        return rb_refuse(error, RB_OIDC_ACR, "signed in by acr %s, which was not asked for", quoted);
    return TRUE;
}

/* (transfer full): a claim as text; NULL for what is neither text, number nor truth. */
static char *
as_text(const json_t *value)
{
    if (json_is_string(value))
        return g_strdup(json_string_value(value));
    if (json_is_integer(value))
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return json_is_boolean(value) ? g_strdup(json_is_true(value) ? "true" : "false") : NULL;
}

static void
attribute_clear(gpointer data)
{
    g_strfreev((char **)((RbAttribute *)data)->values);
}

/* Every claim about the person that is text or a list of it; objects cannot match anything and are left out.
 */
static GArray *
read_attributes(const json_t *claims)
{
    GArray *attributes = g_array_new(TRUE, TRUE, sizeof(RbAttribute));
    const char *name;
    const json_t *claim, *one;
    char *text;
    gsize i;

    g_array_set_clear_func(attributes, attribute_clear);
    json_object_foreach((json_t *)claims, name, claim)
    {
        g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
        RbAttribute attribute = { .name = name };
        if (*name == '\0' || *name == '_' || g_strv_contains(protocol, name))
            continue;
        text = as_text(claim);
        if (text != NULL)
            g_ptr_array_add(values, text);
        json_array_foreach((json_t *)claim, i, one)
        {
            text = as_text(one);
            if (text != NULL)
                g_ptr_array_add(values, text);
        }
        if (values->len == 0)
            continue;
        g_ptr_array_add(values, NULL);
        attribute.values = (const char *const *)g_ptr_array_steal(values, NULL);
        g_array_append_val(attributes, attribute);
    }
    return attributes;
}

static RbIdentity *
build(const RbOidc *oidc, const RbOidcTrust *trust, const RbSignIn *sign_in, const json_t *claims, gint64 now,
      GError **error)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) attributes = NULL;
    RbIdentity facts = { .provider = oidc->seat->id, .issuer = oidc->issuer, .groups_at = now };

    facts.subject = json_string_value(json_object_get(claims, "sub"));
    if (!rb_claim_text(claims, "acr", &facts.authn_context, error) ||
        !rb_claim_text(claims, "sid", &facts.session_index, error) ||
        !rb_claim_time(claims, "auth_time", FALSE, &facts.authenticated_at, error))
        return NULL;
    if (facts.authenticated_at == 0) /* not said: no earlier than the token is */
        facts.authenticated_at = (gint64)json_number_value(json_object_get(claims, "iat"));
    facts.mfa = proves_mfa(oidc, claims, facts.authn_context);
    if (!check_acr(oidc, sign_in, facts.authn_context, facts.mfa, error) ||
        !find_name(oidc, claims, &facts.name, error) ||
        !rb_oidc_groups(oidc, trust, claims, now, groups, error))
        return NULL;
    g_ptr_array_add(groups, NULL);
    attributes = read_attributes(claims);
    facts.groups = (const char *const *)groups->pdata;
    facts.attributes = (const RbAttribute *)(void *)attributes->data;
    return rb_identity_new(&facts, error);
}

/* How somebody signed in is the ID token's to say; UserInfo may add who they are, not that. */
static void
keep_ours(json_t *claims, const json_t *id_token)
{
    static const char *const signed_only[] = { "acr", "amr", "auth_time", "sid", "iat", NULL };

    for (guint i = 0; signed_only[i] != NULL; i++)
        if (json_object_get(id_token, signed_only[i]) == NULL)
            (void)json_object_del(claims, signed_only[i]);
}

RbIdentity *
rb_oidc_identity(const RbOidc *oidc, const RbOidcTrust *trust, const RbSignIn *sign_in,
                 const json_t *id_token, const RbSecret *access_token, gint64 now, GError **error)
{
    json_t *claims = json_copy((json_t *)id_token);
    RbIdentity *identity = NULL;

    if (add_userinfo(oidc, trust, access_token, claims, error)) {
        keep_ours(claims, id_token);
        identity = build(oidc, trust, sign_in, claims, now, error);
    }
    json_decref(claims);
    return identity;
}
