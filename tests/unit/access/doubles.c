#include "doubles.h"

#include "base/refusal.h"

#include <string.h>

RbDoubleFailure rb_double_provider_failure, rb_double_issuer_failure;
gint64 rb_double_asked_s;
gint rb_double_credentials;

static gboolean
fails(RbDoubleFailure *failure, RbFaultCode code, GError **error)
{
    if ((guint)g_atomic_int_add((gint *)&failure->calls, 1) + 1 != failure->fail_at)
        return FALSE;
    (void)rb_fault(error, code, "the call that was to fail");
    return TRUE;
}

/* ---- verify/ ---- */

struct RbProvider {
    const char *id, *realm;
    gboolean people;
    const char *type;
};
struct RbProviders {
    guint unused;
};

static RbProviders all;
static RbProvider list[] = { { "corp", "corp", TRUE, "saml" },
                             { "partner", "partner", TRUE, "saml" },
                             { "branch", "corp", TRUE, "oidc" },
                             { "ci", "ci", FALSE, "workload" } };

RbProviders *
rb_double_providers(void)
{
    return &all;
}

guint
rb_providers_size(const RbProviders *providers)
{
    (void)providers;
    return G_N_ELEMENTS(list);
}

const char **
rb_providers_ids(const RbProviders *providers)
{
    const char **ids = g_new0(const char *, G_N_ELEMENTS(list) + 1);

    for (guint i = 0; i < rb_providers_size(providers); i++)
        ids[i] = rb_provider_id(&list[i]);
    return ids;
}

RbProvider *
rb_providers_item(const RbProviders *providers, guint i)
{
    (void)providers;
    return &list[i];
}

RbProvider *
rb_providers_find(const RbProviders *providers, const char *id)
{
    (void)providers;
    for (guint i = 0; i < G_N_ELEMENTS(list); i++)
        if (g_str_equal(list[i].id, id))
            return &list[i];
    return NULL;
}

const char *
rb_provider_id(const RbProvider *provider)
{
    return provider->id;
}

const char *
rb_provider_type(const RbProvider *provider)
{
    return provider->type;
}

const char *
rb_provider_realm(const RbProvider *provider)
{
    return provider->realm;
}

gboolean
rb_provider_signs_people_in(const RbProvider *provider)
{
    return provider->people;
}

gint64
rb_provider_refresh(RbProvider *provider, gint64 now, GError **error)
{
    (void)provider;
    return fails(&rb_double_provider_failure, RB_FAULT_NETWORK, error) ? now + 5 : now + 300;
}

void
rb_provider_hurry(RbProvider *provider)
{
    (void)provider;
}

json_t *
rb_provider_status(RbProvider *provider, gint64 now)
{
    (void)provider, (void)now;
    return json_pack("{s:b}", "usable", 1);
}

void
rb_sign_in_free(RbSignIn *sign_in)
{
    if (sign_in != NULL)
        g_free(sign_in->request_id);
    g_free(sign_in);
}

json_t *
rb_sign_in_to_json(const RbSignIn *sign_in)
{
    return json_pack("{s:s}", "request_id", sign_in->request_id);
}

RbSignIn *
rb_sign_in_from_json(const json_t *json, GError **error)
{
    RbSignIn *sign_in;

    if (json_object_get(json, "request_id") == NULL) {
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a stored sign-in could not be read");
        return NULL;
    }
    sign_in = g_new0(RbSignIn, 1);
    sign_in->request_id = g_strdup(json_string_value(json_object_get(json, "request_id")));
    return sign_in;
}

char *
rb_provider_begin(RbProvider *provider, const char *relay_state, gboolean mfa, gboolean force, gint64 now,
                  RbSignIn **sign_in, GError **error)
{
    (void)force, (void)now;
    if (fails(&rb_double_provider_failure, RB_FAULT_NETWORK, error))
        return NULL;
    *sign_in = g_new0(RbSignIn, 1);
    (*sign_in)->request_id = g_strdup("request");
    return g_strdup_printf("https://idp.example/%s?RelayState=%s&mfa=%d", provider->id, relay_state, mfa);
}

void
rb_verified_free(RbVerified *verified)
{
    if (verified == NULL)
        return;
    rb_identity_unref(verified->identity);
    g_free(verified->replay_key);
    g_free(verified->proof_id);
    g_free(verified->audience);
    g_free(verified);
}

static const char *
given(const char *text)
{
    return g_str_equal(text, "-") ? NULL : text;
}

static RbIdentity *
identity_of(const RbProvider *provider, char **part, gint64 now, GError **error)
{
    g_auto(GStrv) groups = g_strsplit(part[3], ",", -1);
    const char *const uid[] = { part[1], NULL };
    const RbAttribute attributes[] = { { "uid", uid }, { NULL, NULL } };
    const RbIdentity facts = {
        .subject = part[0],
        .name = part[1],
        .provider = provider->id,
        .issuer = "https://idp.example",
        .groups = (const char *const *)groups,
        .attributes = attributes,
        .n_attributes = 1,
        .authenticated_at = now,
        .groups_at = now,
        .mfa = g_str_equal(part[4], "mfa"),
        .expires_at = given(part[5]) == NULL ? 0 : g_ascii_strtoll(part[5], NULL, 10),
        .session_index = given(part[6]),
    };

    return rb_identity_new(&facts, error);
}

RbVerified *
rb_provider_finish(RbProvider *provider, const RbSignIn *sign_in, const RbInbound *inbound, gint64 now,
                   GError **error)
{
    const char *response = g_hash_table_lookup(inbound->fields, "SAMLResponse");
    g_auto(GStrv) part = g_strsplit(response, "|", -1);
    RbIdentity *identity;
    RbVerified *verified;

    if (fails(&rb_double_provider_failure, RB_FAULT_NETWORK, error))
        return NULL;
    if (g_strv_length(part) != 7 || (sign_in == NULL && !g_str_equal(provider->id, "partner"))) {
        (void)rb_refuse(error, RB_SAML_SIGNATURE_INVALID, "forged, or not asked for");
        return NULL;
    }
    identity = identity_of(provider, part, now, error);
    if (identity == NULL)
        return NULL;
    verified = g_new0(RbVerified, 1);
    verified->identity = identity;
    verified->replay_key = g_strdup_printf("%s %s", provider->id, part[2]);
    verified->replay_until = now + 300;
    return verified;
}

/* As rb_provider_finish, of one provider: what is exchanged has no sign-in. */
static RbVerified *
exchange(const RbProvider *provider, const char *text, gint64 now, GError **error)
{
    g_auto(GStrv) part = g_strsplit(text, "|", -1);
    RbIdentity *identity;
    RbVerified *verified;

    if (fails(&rb_double_provider_failure, RB_FAULT_NETWORK, error))
        return NULL;
    if (g_strv_length(part) != 7) {
        (void)rb_refuse(error, RB_JWT_SIGNATURE_INVALID, "forged");
        return NULL;
    }
    identity = identity_of(provider, part, now, error);
    if (identity == NULL)
        return NULL;
    verified = g_new0(RbVerified, 1);
    verified->identity = identity;
    verified->proof_id = g_strdup(part[2]);
    verified->audience = g_strdup("rolebridge");
    return verified;
}

RbVerified *
rb_providers_token(RbProviders *providers, const char *token, gint64 now, GError **error)
{
    return exchange(rb_providers_find(providers, "ci"), token, now, error);
}

RbVerified *
rb_providers_assertion(RbProviders *providers, const char *assertion, gint64 now, GError **error)
{
    RbVerified *verified = exchange(rb_providers_find(providers, "partner"), assertion, now, error);

    if (verified != NULL) {
        verified->replay_key = g_strdup_printf("partner %s", verified->proof_id);
        verified->replay_until = now + 300;
    }
    return verified;
}

char *
rb_provider_logout_url(RbProvider *provider, const RbIdentity *identity, const char *relay_state, gint64 now,
                       char **request_id, GError **error)
{
    (void)relay_state, (void)now;
    if (fails(&rb_double_provider_failure, RB_FAULT_NETWORK, error))
        return NULL;
    if (!g_str_equal(provider->id, "corp"))
        return NULL;
    *request_id = g_strdup_printf("logout-of-%s", identity->name);
    return g_strdup("https://idp.example/slo?SAMLRequest=…");
}

void
rb_logout_free(RbLogout *logout)
{
    if (logout == NULL)
        return;
    g_free(logout->id);
    g_free(logout->in_response_to);
    g_free(logout->subject);
    g_strfreev(logout->session_indexes);
    g_free(logout->replay_key);
    g_free(logout);
}

static RbLogout *
logout_request(const RbProvider *provider, const char *text, gint64 now)
{
    g_auto(GStrv) part = g_strsplit(text, "|", -1);
    RbLogout *logout = g_new0(RbLogout, 1);

    logout->kind = RB_LOGOUT_REQUEST;
    logout->id = g_strdup(part[0]);
    logout->subject = *part[1] == '\0' ? NULL : g_strdup(part[1]);
    logout->session_indexes = *part[2] == '\0' ? NULL : g_strsplit(part[2], ",", -1);
    logout->replay_key = g_strdup_printf("%s %s", provider->id, part[0]);
    logout->replay_until = now + 300;
    return logout;
}

RbLogout *
rb_provider_logout_receive(RbProvider *provider, const RbInbound *inbound, gint64 now, GError **error)
{
    const char *request = g_hash_table_lookup(inbound->fields, "SAMLRequest");
    const char *response = g_hash_table_lookup(inbound->fields, "SAMLResponse");
    g_auto(GStrv) part = NULL;
    RbLogout *logout;

    if (fails(&rb_double_provider_failure, RB_FAULT_NETWORK, error))
        return NULL;
    if (request != NULL)
        return logout_request(provider, request, now);
    part = g_strsplit(response, "|", -1);
    logout = g_new0(RbLogout, 1);
    logout->kind = RB_LOGOUT_RESPONSE;
    logout->in_response_to = g_strdup(part[0]);
    logout->success = g_str_equal(part[1], "yes");
    return logout;
}

char *
rb_provider_logout_reply(RbProvider *provider, const RbLogout *request, const char *relay_state,
                         gboolean success, gint64 now, GError **error)
{
    (void)provider, (void)relay_state, (void)now;
    if (fails(&rb_double_provider_failure, RB_FAULT_NETWORK, error))
        return NULL;
    return g_strdup_printf("https://idp.example/slo?to=%s&success=%d", request->id, success);
}

/* ---- issue/ ---- */

struct RbIssuer {
    guint unused;
};
static RbIssuer aws;

RbIssuer *
rb_double_issuer(void)
{
    return &aws;
}

gboolean
rb_issuer_check_duration(const RbGrant *grant, gint64 asked_s, gint64 *duration_s, GError **error)
{
    if (asked_s > grant->max_session_s)
        return rb_refuse(error, RB_STS_DURATION, "at most %d s", (int)grant->max_session_s);
    *duration_s = asked_s == 0 ? grant->default_session_s : asked_s;
    return TRUE;
}

RbCredentials *
rb_issue(RbIssuer *issuer, const RbGrant *grant, const RbIdentity *identity, gint64 asked_s, gint64 now,
         GError **error)
{
    RbCredentials *credentials;

    (void)issuer;
    if (fails(&rb_double_issuer_failure, RB_FAULT_STS, error))
        return NULL;
    rb_double_asked_s = asked_s;
    credentials = g_new0(RbCredentials, 1);
    g_atomic_ref_count_init(&credentials->refs);
    credentials->access_key_id = g_strdup("ASIAEXAMPLE000000001");
    credentials->secret_access_key = rb_secret_new_text("secret");
    credentials->session_token = rb_secret_new_text("token");
    credentials->expiration = now + 3600;
    credentials->assumed_role_id = g_strdup_printf("AROAEXAMPLE:%s", identity->name);
    credentials->assumed_role_arn = g_strdup(grant->role_arn);
    credentials->source_identity = g_strdup(identity->name);
    credentials->request_id = g_strdup("request-1");
    credentials->packed_policy_size = -1;
    (void)g_atomic_int_add(&rb_double_credentials, 1);
    return credentials;
}

void
rb_credentials_unref(RbCredentials *credentials)
{
    if (credentials == NULL || !g_atomic_ref_count_dec(&credentials->refs))
        return;
    g_free(credentials->access_key_id);
    rb_secret_unref(credentials->secret_access_key);
    rb_secret_unref(credentials->session_token);
    g_free(credentials->assumed_role_id);
    g_free(credentials->assumed_role_arn);
    g_free(credentials->source_identity);
    g_free(credentials->request_id);
    g_free(credentials);
    (void)g_atomic_int_add(&rb_double_credentials, -1);
}

gboolean
rb_issue_check_destination(const RbIssuer *issuer, const RbGrant *grant, const char *destination,
                           GError **error)
{
    (void)issuer, (void)grant;
    return destination == NULL || !g_str_has_prefix(destination, "https://evil.") ||
           rb_refuse(error, RB_STS_DESTINATION, "not the console");
}

void
rb_console_free(RbConsole *console)
{
    if (console == NULL)
        return;
    if (console->saml_response != NULL)
        (void)g_atomic_int_add(&rb_double_credentials, -1);
    rb_secret_unref(console->url);
    rb_secret_unref(console->saml_response);
    g_free(console->action);
    g_free(console->assertion_id);
    g_free(console);
}

gboolean
rb_issue_console_by_form(const RbGrant *grant)
{
    return grant->method == RB_ISSUE_SAML;
}

RbConsole *
rb_issue_console(RbIssuer *issuer, const RbConsoleAsk *ask, GError **error)
{
    RbConsole *console;

    (void)issuer;
    if (fails(&rb_double_issuer_failure, RB_FAULT_NETWORK, error))
        return NULL;
    console = g_new0(RbConsole, 1);
    if (rb_issue_console_by_form(ask->grant)) {
        (void)g_atomic_int_add(&rb_double_credentials, 1);
        console->action = g_strdup("https://signin.example/saml");
        console->saml_response = rb_secret_new_text("assertion");
        console->assertion_id = g_strdup("_a1");
        console->expires_at = ask->now + 300;
        console->duration_s = ask->grant->default_session_s;
    } else
        console->url = rb_secret_take_text(
            g_strdup_printf("https://signin.example/?to=%s&Issuer=%s",
                            ask->destination == NULL ? "start" : ask->destination, ask->portal_url));
    return console;
}

gint64
rb_issuer_refresh(RbIssuer *issuer, gint64 now, GError **error)
{
    (void)issuer;
    return fails(&rb_double_issuer_failure, RB_FAULT_NETWORK, error) ? now + 5 : now + 300;
}

gboolean
rb_issuer_tend_keys(RbIssuer *issuer, gint64 now, gint64 *due, gboolean *changed, GError **error)
{
    (void)issuer, (void)error;
    *due = now + 30;
    *changed = FALSE;
    return TRUE;
}

json_t *
rb_issuer_keys_status(RbIssuer *issuer, gint64 now)
{
    (void)issuer, (void)now;
    return NULL;
}

json_t *
rb_issuer_jwks(RbIssuer *issuer, gint64 now)
{
    (void)issuer, (void)now;
    return NULL;
}

json_t *
rb_issuer_discovery(const RbIssuer *issuer)
{
    (void)issuer;
    return NULL;
}

char *
rb_issuer_metadata(RbIssuer *issuer, gint64 now, GError **error)
{
    (void)issuer, (void)now;
    (void)rb_refuse(error, RB_REQUEST_NOT_FOUND, "no issuer");
    return NULL;
}

json_t *
rb_issuer_status(RbIssuer *issuer, gint64 now)
{
    (void)issuer, (void)now;
    return json_pack("{s:s}", "source", "test");
}
