#include "base/encoding.h"
#include "base/refusal.h"
#include "verify/priv.h"

#include <string.h>

/* The kinds there are: one line each. */
static const RbProviderType *const types[] = { &rb_saml_provider_type, &rb_oidc_provider_type,
                                               &rb_workload_provider_type };

struct RbProvider {
    const RbProviderType *type;
    gpointer self;
    char *title, *realm;
    RbSeat seat;
};

struct RbProviders {
    GPtrArray *items;
    RbMfaRules mfa; /* the seats point here */
};

static void
mfa_attribute_free(gpointer data)
{
    RbMfaAttribute *attribute = data;

    g_free(attribute->name);
    g_strfreev(attribute->values);
    g_free(attribute);
}

static void
load_mfa(const RbYaml *node, RbMfaRules *rules, RbDiagnostics *problems)
{
    static const char *const known[] = { "saml", "attributes", "oidc_amr", "oidc_acr", NULL };
    const RbYaml *attributes;

    rules->attributes = g_ptr_array_new_with_free_func(mfa_attribute_free);
    if (node == NULL || !rb_yaml_check_keys(node, known, problems)) {
        rules->saml = g_new0(char *, 1);
        rules->oidc_amr = g_new0(char *, 1);
        rules->oidc_acr = g_new0(char *, 1);
        return;
    }
    rules->saml = rb_yaml_strings(node, "saml", problems);
    rules->oidc_amr = rb_yaml_strings(node, "oidc_amr", problems);
    rules->oidc_acr = rb_yaml_strings(node, "oidc_acr", problems);
    attributes = rb_yaml_get(node, "attributes");
    if (attributes == NULL || !rb_yaml_expect(attributes, RB_YAML_MAP, problems))
        return;
    for (guint i = 0; i < rb_yaml_size(attributes); i++) {
        const char *name = rb_yaml_text(rb_yaml_key(attributes, i));
        RbMfaAttribute *attribute = g_new0(RbMfaAttribute, 1);
        attribute->name = g_strdup(name);
        attribute->values = rb_yaml_strings(attributes, name, problems);
        g_ptr_array_add(rules->attributes, attribute);
    }
}

char *
rb_seat_path(const RbSeat *seat, const char *name)
{
    return g_path_is_absolute(name) || seat->base_dir == NULL ? g_strdup(name)
                                                              : g_build_filename(seat->base_dir, name, NULL);
}

static void
provider_free(gpointer data)
{
    RbProvider *provider = data;

    if (provider->self != NULL)
        provider->type->unload(provider->self);
    g_free(provider->title);
    g_free(provider->realm);
    g_free(provider->seat.id);
    g_free(provider->seat.public_url);
    g_free(provider->seat.base_dir);
    g_free(provider);
}

static const RbProviderType *
find_type(const RbYaml *node, RbDiagnostics *problems)
{
    const char *type = rb_yaml_string(node, "type", NULL, problems);
    g_autofree const char **names = g_new0(const char *, G_N_ELEMENTS(types) + 1);
    g_autofree char *quoted = rb_text_quote(type);
    g_autofree char *hint = NULL;
    const char *near;

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        if (strcmp(types[i]->type, type) == 0)
            return types[i];
        names[i] = types[i]->type;
    }
    near = rb_text_nearest(type, names);
    hint = near == NULL ? g_strjoinv(", ", (char **)names) : g_strdup_printf("did you mean '%s'?", near);
    if (*type != '\0')
        rb_yaml_problem(rb_yaml_get(node, "type"), problems, hint, "no kind of identity provider is named %s",
                        quoted);
    return NULL;
}

/* An id is part of addresses and of audit records. */
static gboolean
check_id(const RbYaml *node, const char *id, RbDiagnostics *problems)
{
    gsize n = strlen(id);
    gboolean ok = n > 0 && n <= 64;

    for (const char *p = id; *p != '\0'; p++)
        ok = ok && (g_ascii_islower(*p) || g_ascii_isdigit(*p) || (*p == '-' && p != id));
    if (!ok && n > 0)
        rb_yaml_problem(rb_yaml_get(node, "id"), problems, "1 to 64 lower-case letters, digits and '-'",
                        "this id cannot be part of an address");
    return ok;
}

static RbProvider *
load_one(const RbYaml *node, const RbMfaRules *mfa, const RbProviderSetting *setting, RbDiagnostics *problems)
{
    const char *id = rb_yaml_string(node, "id", NULL, problems);
    const RbProviderType *type = find_type(node, problems);
    RbProvider *provider;

    if (!check_id(node, id, problems) || type == NULL)
        return NULL;
    provider = g_new0(RbProvider, 1);
    provider->type = type;
    provider->title = g_strdup(rb_yaml_string(node, "title", id, problems));
    provider->realm = g_strdup(rb_yaml_string(node, "realm", id, problems));
    provider->seat.id = g_strdup(id);
    provider->seat.public_url = g_strdup(setting->public_url);
    provider->seat.base_dir = g_strdup(setting->base_dir);
    provider->seat.skew_s = setting->skew_s;
    provider->seat.http = setting->http;
    provider->seat.mfa = mfa;
    provider->seat.secret = setting->secret;
    provider->self = type->load(node, &provider->seat, problems);
    return provider;
}

static void
check_overlap(const RbProviders *providers, const RbProvider *provider, const RbYaml *node,
              RbDiagnostics *problems)
{
    for (guint i = 0; i < rb_providers_size(providers); i++) {
        const RbProvider *other = rb_providers_item(providers, i);
        if (rb_providers_share_tokens(provider, other))
            rb_yaml_problem(node, problems, "give tokens for workloads an audience of their own",
                            "'%s' and '%s' have one issuer and one audience: whose a token is cannot be told",
                            other->seat.id, provider->seat.id);
    }
}

RbProviders *
rb_providers_load(const RbYaml *list, const RbYaml *mfa, const RbProviderSetting *setting,
                  RbDiagnostics *problems)
{
    RbProviders *providers = g_new0(RbProviders, 1);
    guint before = rb_diagnostics_count(problems);

    providers->items = g_ptr_array_new_with_free_func(provider_free);
    load_mfa(mfa, &providers->mfa, problems);
    if (rb_yaml_expect(list, RB_YAML_LIST, problems))
        for (guint i = 0; i < rb_yaml_size(list); i++) {
            const RbYaml *node = rb_yaml_item(list, i);
            RbProvider *provider;
            if (!rb_yaml_expect(node, RB_YAML_MAP, problems))
                continue;
            provider = load_one(node, &providers->mfa, setting, problems);
            if (provider == NULL)
                continue;
            if (rb_providers_find(providers, provider->seat.id) != NULL)
                rb_yaml_problem(rb_yaml_get(node, "id"), problems, "give each its own",
                                "two identity providers have the id '%s'", provider->seat.id);
            check_overlap(providers, provider, node, problems);
            g_ptr_array_add(providers->items, provider);
        }
    if (rb_diagnostics_count(problems) == before)
        return providers;
    rb_providers_free(providers);
    return NULL;
}

void
rb_providers_free(RbProviders *providers)
{
    if (providers == NULL)
        return;
    g_ptr_array_unref(providers->items);
    g_strfreev(providers->mfa.saml);
    g_strfreev(providers->mfa.oidc_amr);
    g_strfreev(providers->mfa.oidc_acr);
    g_ptr_array_unref(providers->mfa.attributes);
    g_free(providers);
}

guint
rb_providers_size(const RbProviders *providers)
{
    return providers->items->len;
}

RbProvider *
rb_providers_item(const RbProviders *providers, guint i)
{
    return g_ptr_array_index(providers->items, i);
}

RbProvider *
rb_providers_find(const RbProviders *providers, const char *id)
{
    for (guint i = 0; i < providers->items->len; i++)
        if (strcmp(rb_providers_item(providers, i)->seat.id, id) == 0)
            return rb_providers_item(providers, i);
    return NULL;
}

const char **
rb_providers_ids(const RbProviders *providers)
{
    const char **ids = g_new0(const char *, (gsize)rb_providers_size(providers) + 1);

    for (guint i = 0; i < rb_providers_size(providers); i++)
        ids[i] = rb_providers_item(providers, i)->seat.id;
    return ids;
}

const RbProviderType *
rb_provider_kind(const RbProvider *provider)
{
    return provider->type;
}

gpointer
rb_provider_self(const RbProvider *provider)
{
    return provider->self;
}

const char *
rb_provider_id(const RbProvider *provider)
{
    return provider->seat.id;
}

const char *
rb_provider_type(const RbProvider *provider)
{
    return provider->type->type;
}

const char *
rb_provider_title(const RbProvider *provider)
{
    return provider->title;
}

const char *
rb_provider_realm(const RbProvider *provider)
{
    return provider->realm;
}

gboolean
rb_provider_signs_people_in(const RbProvider *provider)
{
    return provider->type->begin != NULL;
}

char *
rb_provider_metadata(RbProvider *provider, gint64 now, GError **error)
{
    if (provider->type->metadata != NULL)
        return provider->type->metadata(provider->self, now, error);
    (void)rb_refuse(error, RB_REQUEST_NOT_FOUND, "'%s' has no metadata", provider->seat.id);
    return NULL;
}

gint64
rb_provider_refresh(RbProvider *provider, gint64 now, GError **error)
{
    return provider->type->refresh(provider->self, now, error);
}

void
rb_provider_hurry(RbProvider *provider)
{
    if (provider->type->hurry != NULL)
        provider->type->hurry(provider->self);
}

json_t *
rb_provider_status(RbProvider *provider, gint64 now)
{
    json_t *status = provider->type->status(provider->self, now);

    (void)json_object_set_new(status, "id", json_string(provider->seat.id));
    (void)json_object_set_new(status, "type", json_string(provider->type->type));
    return status;
}

char *
rb_provider_begin(RbProvider *provider, const char *relay_state, gboolean mfa, gboolean force, gint64 now,
                  RbSignIn **sign_in, GError **error)
{
    if (provider->type->begin != NULL)
        return provider->type->begin(provider->self, relay_state, mfa, force, now, sign_in, error);
    (void)rb_refuse(error, RB_SIGN_IN_NO_PROVIDER, "nobody signs in at '%s'", provider->seat.id);
    return NULL;
}

RbVerified *
rb_provider_finish(RbProvider *provider, const RbSignIn *sign_in, const RbInbound *inbound, gint64 now,
                   GError **error)
{
    if (provider->type->finish != NULL)
        return provider->type->finish(provider->self, sign_in, inbound, now, error);
    (void)rb_refuse(error, RB_SIGN_IN_NO_PROVIDER, "nobody signs in at '%s'", provider->seat.id);
    return NULL;
}

char *
rb_provider_logout_url(RbProvider *provider, const RbIdentity *identity, const char *relay_state, gint64 now,
                       char **request_id, GError **error)
{
    return provider->type->logout_url == NULL
               ? NULL
               : provider->type->logout_url(provider->self, identity, relay_state, now, request_id, error);
}

RbLogout *
rb_provider_logout_receive(RbProvider *provider, const RbInbound *inbound, gint64 now, GError **error)
{
    if (provider->type->logout_receive != NULL)
        return provider->type->logout_receive(provider->self, inbound, now, error);
    (void)rb_refuse(error, RB_SAML_LOGOUT_UNSUPPORTED, "'%s' has no single logout", provider->seat.id);
    return NULL;
}

char *
rb_provider_logout_reply(RbProvider *provider, const RbLogout *request, const char *relay_state,
                         gboolean success, gint64 now, GError **error)
{
    if (provider->type->logout_reply != NULL)
        return provider->type->logout_reply(provider->self, request, relay_state, success, now, error);
    (void)rb_refuse(error, RB_SAML_LOGOUT_UNSUPPORTED, "'%s' has no single logout", provider->seat.id);
    return NULL;
}
