#include "base/encoding.h"
#include "verify/oidc.h"

#include <string.h>

/* Groups: as claims state them, or from the one address that is configured for those that do not fit a token.
 */

enum { MAX_OID = 64 };

const json_t *
rb_oidc_claim(const json_t *claims, const char *name)
{
    const json_t *claim = json_object_get(claims, name);
    g_auto(GStrv) path = NULL;

    if (claim != NULL || strchr(name, '.') == NULL)
        return claim;
    path = g_strsplit(name, ".", RB_JSON_MAX_DEPTH);
    claim = claims;
    for (guint i = 0; claim != NULL && path[i] != NULL; i++)
        claim = json_object_get(claim, path[i]);
    return claim;
}

/* A text or a list of texts. Anything else might have been a group. */
static gboolean
append(const json_t *claim, const char *name, GPtrArray *groups, GError **error)
{
    const json_t *one;
    gsize i, at;

    if (json_array_size(claim) > RB_IDENTITY_MAX_GROUPS)
        return rb_refuse(error, RB_IDENTITY_TOO_MANY_GROUPS, "'%s' lists %zu groups; at most %d are accepted",
                         name, json_array_size(claim), RB_IDENTITY_MAX_GROUPS);
    if (json_is_string(claim))
        g_ptr_array_add(groups, (gpointer)json_string_value(claim));
    else if (!json_is_array(claim))
        return rb_refuse(error, RB_IDENTITY_MALFORMED, "'%s' is not a list of groups", name);
    at = groups->len;
    g_ptr_array_set_size(groups, (gint)(at + json_array_size(claim)));
    json_array_foreach((json_t *)claim, i, one)
    {
        if (!json_is_string(one))
            return rb_refuse(error, RB_IDENTITY_MALFORMED, "'%s' lists a group that is not a text", name);
        groups->pdata[at + i] = (gpointer)json_string_value(one);
    }
    return TRUE;
}

/* Entra ID names the claims that it left out (_claim_names, OIDC Core 5.6.2), or says `hasgroups`. Where the
 * claim source leads is not read: it is not for a token to say whom we ask. */
gboolean
rb_oidc_groups_left_out(const char *const *names, const json_t *claims)
{
    const json_t *elsewhere = json_object_get(claims, "_claim_names"),
                 *has = json_object_get(claims, "hasgroups");

    if (*names == NULL)
        return FALSE;
    for (guint i = 0; names[i] != NULL; i++)
        if (json_object_get(elsewhere, names[i]) != NULL)
            return TRUE;
    return has != NULL && !json_is_false(has) && g_strcmp0(json_string_value(has), "false") != 0;
}

static RbOidcTokens *
own_token(const RbOidc *oidc, const RbOidcTrust *trust, gint64 now, GError **error)
{
    const char *url = oidc->overage_token_endpoint != NULL ? oidc->overage_token_endpoint : trust->token;
    g_autoptr(RbOidcForm) form = rb_oidc_form_new();
    g_autoptr(RbHttpResponse) response = NULL;
    RbOidcTokens *tokens;
    json_t *json;

    rb_oidc_form_add(form, "grant_type", "client_credentials");
    rb_oidc_form_add(form, "scope", oidc->overage_scope);
    response = rb_oidc_post(oidc, url, url, form, now, error);
    json = response == NULL ? NULL
                            : rb_oidc_answer(response, 200, RB_IDENTITY_GROUPS_INCOMPLETE,
                                             "the token for asking for groups", error);
    tokens = json == NULL ? NULL : rb_oidc_tokens_parse(json, FALSE, error);
    json_decref(json);
    return tokens;
}

static json_t *
ask(const RbOidc *oidc, const char *url, const RbSecret *access_token, GError **error)
{
    static const char body[] = "{\"securityEnabledOnly\":true}";
    g_autoptr(RbHttpRequest) request = rb_http_request_new("POST", url);
    g_autoptr(RbHttpResponse) response = NULL;
    g_autoptr(GBytes) bytes = g_bytes_new_static(body, sizeof body - 1);
    char *bearer = g_strconcat("Bearer ", rb_secret_reveal(access_token), NULL);

    rb_http_request_header(request, "Authorization", bearer);
    rb_wipe_free(bearer);
    rb_http_request_body(request, "application/json", bytes);
    rb_http_request_limits(request, RB_OIDC_CONNECT_MS, RB_OIDC_TOTAL_MS, RB_OIDC_MAX_ANSWER);
    response = rb_http_fetch(oidc->seat->http, request, error);
    return response == NULL
               ? NULL
               : rb_oidc_answer(response, 200, RB_IDENTITY_GROUPS_INCOMPLETE, "the list of groups", error);
}

/* The address with the person's object id in it: an id and nothing that leads elsewhere. */
static char *
address_for(const RbOidc *oidc, const json_t *claims, GError **error)
{
    const char *oid = json_string_value(json_object_get(claims, "oid"));
    const char *at = strstr(oidc->overage_endpoint, "{oid}");
    gboolean fits = oid != NULL && *oid != '\0' && strlen(oid) <= MAX_OID;

    for (const char *p = oid; fits && *p != '\0'; p++)
        fits = g_ascii_isalnum(*p) || *p == '-';
    if (fits && at != NULL)
        return g_strdup_printf("%.*s%s%s", (int)(at - oidc->overage_endpoint), oidc->overage_endpoint, oid,
                               at + strlen("{oid}"));
    (void)rb_refuse(error, RB_IDENTITY_GROUPS_INCOMPLETE,
                    "groups were left out, and there is no usable 'oid'");
    return NULL;
}

/* All of them or none: a list with a next page is not the whole. */
static gboolean
fetch(const RbOidc *oidc, const RbOidcTrust *trust, const json_t *claims, gint64 now, GPtrArray *groups,
      json_t **fetched, GError **error)
{
    g_autofree char *url = address_for(oidc, claims, error);
    g_autoptr(RbOidcTokens) tokens = url == NULL ? NULL : own_token(oidc, trust, now, error);
    json_t *json = tokens == NULL ? NULL : ask(oidc, url, tokens->access_token, error);

    *fetched = json;
    if (json == NULL)
        return FALSE;
    if (json_object_get(json, "@odata.nextLink") != NULL || !json_is_array(json_object_get(json, "value")))
        return rb_refuse(error, RB_IDENTITY_GROUPS_INCOMPLETE,
                         "the list of groups that was asked for is not whole");
    return append(json_object_get(json, "value"), "value", groups, error);
}

gboolean
rb_oidc_groups_stated(const char *const *names, const json_t *claims, GPtrArray *groups, GError **error)
{
    for (guint i = 0; names[i] != NULL; i++) {
        const json_t *claim = rb_oidc_claim(claims, names[i]);
        if (claim != NULL && !append(claim, names[i], groups, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
rb_oidc_groups(const RbOidc *oidc, const RbOidcTrust *trust, const json_t *claims, gint64 now,
               GPtrArray *groups, json_t **fetched, GError **error)
{
    const char *const *names = (const char *const *)oidc->group_claims;

    if (!rb_oidc_groups_stated(names, claims, groups, error))
        return FALSE;
    if (!rb_oidc_groups_left_out(names, claims))
        return TRUE;
    if (oidc->overage_endpoint == NULL)
        return rb_refuse(
            error, RB_IDENTITY_GROUPS_INCOMPLETE,
            "the groups were left out for being too many (_claim_names), and no `overage` is set");
    return fetch(oidc, trust, claims, now, groups, fetched, error);
}
