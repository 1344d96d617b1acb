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

/* (transfer full): UserInfo of the same person (OIDC Core 5.3.2: its sub must be the ID token's, else none of
 * it is used); NULL without @error where it is not needed. */
static json_t *
fetch_userinfo(const RbOidc *oidc, const RbOidcTrust *trust, const RbSecret *access_token,
               const json_t *claims, GError **error)
{
    const json_t *sub;
    json_t *info;

    if (oidc->userinfo == RB_OIDC_USERINFO_NEVER || trust->userinfo == NULL ||
        (oidc->userinfo == RB_OIDC_USERINFO_MISSING && !lacks_something(oidc, claims)))
        return NULL;
    info = rb_oidc_get(oidc, trust->userinfo, access_token, error);
    sub = json_object_get(info, "sub");
    if (info == NULL || (json_is_string(sub) && json_equal(sub, json_object_get(claims, "sub"))))
        return info;
    (void)rb_refuse(error, RB_OIDC_USERINFO, "UserInfo is about another 'sub' than the ID token");
    json_decref(info);
    return NULL;
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
    gboolean asked = mfa || *oidc->acr_values == NULL ||
                     (acr != NULL && g_strv_contains((const char *const *)oidc->acr_values, acr));
    g_autofree char *quoted = NULL;

    if (asked && (mfa || !sign_in->wants_mfa))
        return TRUE;
    quoted = rb_text_quote(acr == NULL ? "" : acr);
    if (sign_in->wants_mfa)
        return rb_refuse(error, RB_OIDC_MFA_MISSING,
                         "signed in by acr %s, and `mfa:` accepts neither it nor amr", quoted);
    return rb_refuse(error, RB_OIDC_ACR, "signed in by acr %s, which was not asked for", quoted);
}

/* What rb_identity_new() is given; it copies, so that all of it may be borrowed from the claims. */
typedef struct {
    GPtrArray *groups, *values; /* char; values: of each attribute, a NULL, those of the next */
    GArray *attributes;         /* RbAttribute */
    GStringChunk *made;
    json_t *fetched; /* where groups were asked for */
} Facts;

static void
facts_clear(Facts *facts)
{
    g_ptr_array_unref(facts->groups);
    g_ptr_array_unref(facts->values);
    g_array_unref(facts->attributes);
    g_string_chunk_free(facts->made);
    json_decref(facts->fetched);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Facts, facts_clear)

static void
add_value(Facts *facts, const json_t *claim)
{
    const char *text = rb_claim_as_text(claim, facts->made);

    if (text != NULL)
        g_ptr_array_add(facts->values, (gpointer)text);
}

/* Every claim about the person that is text or a list of it; objects cannot match anything and are left out.
 */
static void
read_attributes(Facts *facts, const json_t *claims)
{
    const char *name;
    const json_t *claim, *one;
    gsize i;
    guint at = 0;

    json_object_foreach((json_t *)claims, name, claim)
    {
        const RbAttribute attribute = { .name = name };
        if (*name == '\0' || *name == '_' || g_strv_contains(protocol, name))
            continue;
        add_value(facts, claim);
        json_array_foreach((json_t *)claim, i, one) add_value(facts, one);
        if (facts->values->len == at)
            continue;
        g_ptr_array_add(facts->values, NULL);
        at = facts->values->len;
        g_array_append_val(facts->attributes, attribute);
    }
    at = 0; /* the values do not move any more */
    for (guint a = 0; a < facts->attributes->len; a++) {
        g_array_index(facts->attributes, RbAttribute, a).values =
            (const char *const *)facts->values->pdata + at;
        while (facts->values->pdata[at++] != NULL) {
        }
    }
}

static RbIdentity *
build(const RbOidc *oidc, const RbOidcTrust *trust, const RbSignIn *sign_in, const json_t *claims, gint64 now,
      GError **error)
{
    g_auto(Facts) lists = { g_ptr_array_new(), g_ptr_array_new(),
                            g_array_new(TRUE, TRUE, sizeof(RbAttribute)), g_string_chunk_new(64), NULL };
    RbIdentity facts = { .provider = oidc->seat->id, .issuer = oidc->source.issuer, .groups_at = now };

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
        !rb_oidc_groups(oidc, trust, claims, now, lists.groups, &lists.fetched, error))
        return NULL;
    g_ptr_array_add(lists.groups, NULL);
    read_attributes(&lists, claims);
    facts.groups = (const char *const *)lists.groups->pdata;
    facts.attributes = (const RbAttribute *)(void *)lists.attributes->data;
    return rb_identity_new(&facts, error);
}

/* (transfer full): the ID token's claims, and of UserInfo's what it adds. How somebody signed in is the ID
 * token's to say; UserInfo may add who they are, not that. */
static json_t *
merge(const json_t *id_token, json_t *info)
{
    static const char *const signed_only[] = { "acr", "amr", "auth_time", "sid", "iat", NULL };
    json_t *claims = json_copy((json_t *)id_token);

    for (guint i = 0; signed_only[i] != NULL; i++)
        (void)json_object_del(info, signed_only[i]);
    (void)json_object_update_missing(claims, info);
    return claims;
}

RbIdentity *
rb_oidc_identity(const RbOidc *oidc, const RbOidcTrust *trust, const RbSignIn *sign_in,
                 const json_t *id_token, const RbSecret *access_token, gint64 now, GError **error)
{
    g_autoptr(GError) why = NULL;
    json_t *info = fetch_userinfo(oidc, trust, access_token, id_token, &why), *claims;
    RbIdentity *identity;

    if (why != NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    if (info == NULL)
        return build(oidc, trust, sign_in, id_token, now, error);
    claims = merge(id_token, info);
    identity = build(oidc, trust, sign_in, claims, now, error);
    json_decref(claims);
    json_decref(info);
    return identity;
}
