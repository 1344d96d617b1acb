#include "base/encoding.h"
#include "base/refusal.h"
#include "issue/priv.h"

#include <string.h>

/*
 * The account trusts our issuer as its OpenID Connect provider: a token of a minute's life, made for this one
 * call, takes the place of AWS credentials. Reference: AssumeRoleWithWebIdentity; "Passing session tags".
 */

enum {
    TOKEN_S = 60,
    MAX_TOKEN = 20000, /* characters; more is refused by STS */
};

/* The claim's values are lists of exactly one text each. */
static json_t *
tags_claim(const RbGrant *grant)
{
    json_t *tags = json_object();

    for (guint i = 0; i < grant->n_tags; i++)
        (void)json_object_set_new(tags, grant->tags[i].key, json_pack("[s]", grant->tags[i].value));
    return json_pack("{s:o}", "principal_tags", tags);
}

static json_t *
claims_new(const RbIssuer *issuer, const RbOrder *order)
{
    g_autofree char *id = rb_issuer_new_id("");
    const char *name = order->identity->name;
    json_t *claims =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "iss", issuer->url, "sub", name, "aud",
                  issuer->audience, "iat", (json_int_t)order->now, "exp", (json_int_t)order->now + TOKEN_S,
                  "jti", id, "https://aws.amazon.com/source_identity", name);

    if (claims != NULL && order->identity->mfa)
        (void)json_object_set_new(claims, "amr", json_pack("[s]", "mfa"));
    if (claims != NULL && order->grant->n_tags > 0)
        (void)json_object_set_new(claims, "https://aws.amazon.com/tags", tags_claim(order->grant));
    return claims;
}

static RbSecret *
token_new(RbIssuer *issuer, const RbOrder *order, GError **error)
{
    g_autoptr(RbSigningKey) key = rb_issuer_key(issuer, order, RB_KEY_TOKEN, error);
    json_t *claims = key != NULL ? claims_new(issuer, order) : NULL;
    g_autoptr(RbSecret) token = claims != NULL ? rb_jws_make(key->key, key->kid, claims, error) : NULL;

    json_decref(claims);
    if (token == NULL || rb_secret_size(token) <= MAX_TOKEN)
        return g_steal_pointer(&token);
    (void)rb_refuse(error, RB_STS_TAGS,
                    "the token for %s has %" G_GSIZE_FORMAT
                    " characters, and STS takes %d; its tags are too large",
                    order->grant->role_arn, rb_secret_size(token), MAX_TOKEN);
    return NULL;
}

static RbCredentials *
web_identity(RbIssuer *issuer, const RbOrder *order, GError **error)
{
    g_auto(RbErrand) errand = { 0 };
    g_autoptr(RbSecret) token = NULL;
    RbForm *form;

    if (!rb_order_check(issuer, order, &errand, error))
        return NULL;
    token = token_new(issuer, order, error);
    if (token == NULL)
        return NULL;
    form = rb_order_form(order, "AssumeRoleWithWebIdentity");
    rb_form_add(form, "RoleSessionName", order->identity->name);
    rb_form_add(form, "WebIdentityToken", rb_secret_reveal(token));
    return rb_order_send(issuer, order, &errand, NULL, form, error);
}

const RbIssuerType rb_issuer_web_identity = { RB_ISSUE_WEB_IDENTITY, "web-identity", web_identity, NULL };
