#include "base/refusal.h"
#include "issue/priv.h"

#include <string.h>

static gboolean
check_external_id(const char *id, GError **error)
{
    gsize n = id != NULL ? strlen(id) : 2;

    for (const char *p = id; p != NULL && *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && strchr("_+=,.@:/-", *p) == NULL)
            n = 0;
    return (n >= 2 && n <= 1224) ||
           rb_refuse(error, RB_STS_INVALID, "external_id: 2 to 1224 letters, digits or any of _+=,.@:/-");
}

static RbForm *
build_form(const RbOrder *order)
{
    const RbGrant *grant = order->grant;
    RbForm *form = rb_order_form(order, "AssumeRole");

    rb_form_add(form, "RoleSessionName", order->identity->name);
    rb_form_add(form, "SourceIdentity", order->identity->name);
    for (guint i = 0; i < grant->n_tags; i++) {
        g_autofree char *key = g_strdup_printf("Tags.member.%u.Key", i + 1);
        g_autofree char *value = g_strdup_printf("Tags.member.%u.Value", i + 1);
        rb_form_add(form, key, grant->tags[i].key);
        rb_form_add(form, value, grant->tags[i].value);
    }
    rb_form_add(form, "ExternalId", grant->external_id);
    return form;
}

static RbCredentials *
assume_role(RbIssuer *issuer, const RbOrder *order, GError **error)
{
    g_auto(RbErrand) errand = { 0 };
    g_autoptr(RbCredentials) own = NULL, issued = NULL;
    g_autoptr(GError) reason = NULL;

    if (!rb_order_check(issuer, order, &errand, error) ||
        !check_external_id(order->grant->external_id, error))
        return NULL;
    own = rb_own_get(issuer->own, order->now, error);
    if (own == NULL)
        return NULL;
    issued = rb_order_send(issuer, order, &errand, own, build_form(order), &reason);
    if (issued != NULL)
        return g_steal_pointer(&issued);
    if (g_error_matches(reason, RB_FAULT, RB_FAULT_STS_CREDENTIALS))
        rb_own_distrust(issuer->own, own);
    g_propagate_error(error, g_steal_pointer(&reason));
    return NULL;
}

const RbIssuerType rb_issuer_assume_role = { RB_ISSUE_ASSUME_ROLE, "assume-role", assume_role, NULL };
