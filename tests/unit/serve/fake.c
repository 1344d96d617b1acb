#include "fake.h"

#include <string.h>

Fake fake;
static GMutex lock; /* handlers run on several threads */

static void
note(char **slot, const char *text)
{
    g_mutex_lock(&lock);
    g_free(*slot);
    *slot = g_strdup(text);
    g_mutex_unlock(&lock);
}

void
fake_reset(void)
{
    char **slots[] = { &fake.seen_browser,     &fake.seen_old,  &fake.seen_next,    &fake.seen_provider,
                       &fake.seen_ip,          &fake.seen_what, &fake.seen_account, &fake.seen_role,
                       &fake.seen_destination, &fake.seen_code, &fake.seen_fields,  &fake.seen_grant,
                       &fake.seen_uri,         &fake.seen_raw,  &fake.seen_token,   &fake.seen_assertion,
                       &fake.seen_principal };
    const char *url = fake.public_url;

    for (guint i = 0; i < G_N_ELEMENTS(slots); i++)
        g_free(*slots[i]);
    fake = (Fake){ .public_url = url,
                   .session = "good",
                   .n_providers = 2,
                   .n_accounts = 2,
                   .name = "ada@acme.example",
                   .subject = "repo:acme/infra:ref:refs/heads/main" };
}

static gboolean
goes_well(GError **error)
{
    if (fake.fault)
        return rb_fault(error, RB_FAULT_STORE, "the disk is gone");
    if (fake.refuse != RB_ACCEPTED)
        return rb_refuse(error, fake.refuse, "as the test wants it");
    return TRUE;
}

/* ---- providers ---- */

struct RbProvider {
    const char *id, *title, *type;
};
static struct RbProvider providers[] = { { "corp", "Corporate <sign-in>", "saml" },
                                         { "partner", "Partners", "saml" },
                                         { "login", "Log in", "oidc" } };

guint
rb_providers_size(const RbProviders *p)
{
    (void)p;
    return fake.n_providers;
}

RbProvider *
rb_providers_item(const RbProviders *p, guint i)
{
    (void)p;
    return &providers[i];
}

RbProvider *
rb_providers_find(const RbProviders *p, const char *id)
{
    (void)p;
    for (guint i = 0; i < fake.n_providers; i++)
        if (strcmp(providers[i].id, id) == 0)
            return &providers[i];
    return NULL;
}

const char *
rb_provider_id(const RbProvider *p)
{
    return p->id;
}

const char *
rb_provider_title(const RbProvider *p)
{
    return p->title;
}

const char *
rb_provider_type(const RbProvider *p)
{
    return p->type;
}

gboolean
rb_provider_signs_people_in(const RbProvider *p)
{
    (void)p;
    return TRUE;
}

char *
rb_provider_metadata(RbProvider *p, gint64 now, GError **error)
{
    (void)now;
    return goes_well(error) ? g_strdup_printf("<EntityDescriptor id='%s'/>", p->id) : NULL;
}

/* ---- decisions and credentials ---- */

static const char *const no_conditions[] = { "department is '<Research>'", NULL };
static const RbReason reason = { .group = "acme-data-science",
                                 .assignment = "assignments.yaml:4",
                                 .conditions = no_conditions };
static RbNearMiss miss = { .account = "111122223333",
                           .account_name = "analytics-prod",
                           .role = "iam-admin",
                           .role_title = "IAM Administrator",
                           .role_arn = "arn:aws:iam::111122223333:role/rolebridge/iam-admin",
                           .code = RB_MAPPING_MFA_REQUIRED,
                           .assignment = "assignments.yaml:12",
                           .group = "acme-iam",
                           .detail = "one factor was used",
                           .owner = "iam-leads@acme.example" };

static RbGrant
grant_at(char *account, char *role)
{
    return (RbGrant){ .account = account,
                      .account_name = "analytics <b>prod</b>",
                      .environment = "prod",
                      .partition = "aws",
                      .role = role,
                      .role_title = "Data \"Scientist\"",
                      .role_purpose = "Runs experiments.",
                      .role_arn = "arn:aws:iam::111122223333:role/rolebridge/data-scientist",
                      .default_session_s = 3600,
                      .max_session_s = 28800,
                      .role_max_session_s = 28800,
                      .reasons = &reason,
                      .n_reasons = 1 };
}

RbDecision *
rb_access_decide(RbAccess *access, const RbVisit *visit, const RbSession *session)
{
    RbDecision *decision = g_new0(RbDecision, 1);
    guint n = fake.n_accounts == 0 ? 0 : fake.n_accounts + fake.n_roles, at = 0;
    RbGrant *grants = g_new0(RbGrant, n + 1);

    (void)access;
    (void)visit;
    decision->identity = rb_identity_ref(session->identity);
    for (guint i = 0; i < fake.n_accounts; i++) {
        grants[at++] = grant_at(g_strdup_printf("%012u", i + 1), g_strdup("data-scientist"));
        for (guint j = 0; i == 0 && j < fake.n_roles; j++)
            grants[at++] = grant_at(g_strdup_printf("%012u", i + 1), g_strdup_printf("role-%03u", j));
    }
    decision->grants = grants;
    decision->n_grants = n;
    decision->refusals = &miss;
    decision->n_refusals = 1;
    return decision;
}

void
rb_decision_free(RbDecision *decision)
{
    if (decision == NULL)
        return;
    for (guint i = 0; i < decision->n_grants; i++) {
        g_free((char *)decision->grants[i].account);
        g_free((char *)decision->grants[i].role);
    }
    g_free((RbGrant *)decision->grants);
    rb_identity_unref((RbIdentity *)decision->identity);
    g_free(decision);
}

json_t *
rb_decision_to_json(const RbDecision *decision)
{
    json_t *grants = json_array();

    for (guint i = 0; i < decision->n_grants; i++)
        json_array_append_new(grants, json_pack("{s:s, s:s}", "account", decision->grants[i].account, "role",
                                                decision->grants[i].role));
    return json_pack("{s:{}, s:o, s:[{s:s, s:s}]}", "identity", "grants", grants, "refusals", "account",
                     miss.account, "code", "mapping.mfa_required");
}

void
rb_credentials_unref(RbCredentials *credentials)
{
    if (credentials == NULL)
        return;
    g_free(credentials->access_key_id);
    rb_secret_unref(credentials->secret_access_key);
    rb_secret_unref(credentials->session_token);
    g_free(credentials->assumed_role_arn);
    g_free(credentials->assumed_role_id);
    g_free(credentials->source_identity);
    g_free(credentials);
}

RbCredentials *
rb_access_credentials(RbAccess *access, const RbVisit *visit, const RbSession *session, const char *account,
                      const char *role, gint64 asked_s, GError **error)
{
    RbCredentials *credentials;

    (void)access;
    (void)visit;
    (void)session;
    g_atomic_int_inc(&fake.calls);
    note(&fake.seen_account, account);
    note(&fake.seen_role, role);
    fake.seen_duration = asked_s;
    g_usleep(fake.delay_ms * 1000UL);
    if (!goes_well(error))
        return NULL;
    credentials = g_new0(RbCredentials, 1);
    credentials->access_key_id = g_strdup("ASIAEXAMPLE");
    credentials->secret_access_key = rb_secret_new_text("sEcReT");
    credentials->session_token = rb_secret_new_text("tOkEn==");
    credentials->expiration = 1795510800;
    credentials->assumed_role_arn = g_strdup("arn:aws:sts::111122223333:assumed-role/data-scientist/ada");
    return credentials;
}

void
rb_assumed_free(RbAssumed *assumed)
{
    if (assumed == NULL)
        return;
    rb_credentials_unref(assumed->credentials);
    g_free(assumed->subject);
    g_free(assumed->issuer);
    g_free(assumed->audience);
    g_free(assumed->subject_type);
    g_free(assumed->name_qualifier);
    g_free(assumed);
}

RbAssumed *
rb_access_assume(RbAccess *access, const RbVisit *visit, const RbAssumeAsk *ask, GError **error)
{
    RbAssumed *assumed;

    note(&fake.seen_token, ask->token);
    note(&fake.seen_assertion, ask->assertion);
    note(&fake.seen_principal, ask->principal_arn);
    RbCredentials *credentials =
        rb_access_credentials(access, visit, NULL, NULL, ask->role_arn, ask->duration_s, error);
    if (credentials == NULL)
        return NULL;
    credentials->assumed_role_id = g_strdup("AROAEXAMPLE:ada");
    credentials->source_identity = g_strdup("ada");
    credentials->packed_policy_size = 6;
    assumed = g_new0(RbAssumed, 1);
    assumed->credentials = credentials;
    assumed->subject = g_strdup(fake.subject);
    assumed->issuer = g_strdup("https://issuer.example");
    assumed->audience = g_strdup("rolebridge");
    assumed->subject_type = g_strdup(ask->assertion != NULL ? "persistent" : NULL);
    assumed->name_qualifier = g_strdup(ask->assertion != NULL ? "1uAJanUnBc2XeUkHURMht+xam2c=" : NULL);
    return assumed;
}

void
rb_console_free(RbConsole *console)
{
    if (console == NULL)
        return;
    rb_secret_unref(console->url);
    rb_secret_unref(console->saml_response);
    g_free(console->action);
    g_free(console->leads_to);
    g_free(console->relay_state);
    g_free(console);
}

RbConsole *
rb_access_console(RbAccess *access, const RbVisit *visit, const RbSession *session, const char *account,
                  const char *role, const char *destination, GError **error)
{
    RbConsole *console;

    (void)access;
    (void)visit;
    (void)session;
    note(&fake.seen_account, account);
    note(&fake.seen_role, role);
    note(&fake.seen_destination, destination);
    if (!goes_well(error))
        return NULL;
    console = g_new0(RbConsole, 1);
    if (fake.saml_response == NULL) {
        console->url = rb_secret_new_text("https://signin.aws.amazon.com/federation?SigninToken=x");
        return console;
    }
    console->action = g_strdup("https://eu-central-1.signin.aws.amazon.com/saml");
    console->leads_to = g_strdup("https://console.aws.amazon.com https://*.console.aws.amazon.com");
    console->saml_response = rb_secret_new_text(fake.saml_response);
    console->relay_state = g_strdup(destination);
    return console;
}

/* ---- access itself ---- */

const char *
rb_access_public_url(RbAccess *access)
{
    (void)access;
    return fake.public_url;
}

/* ---- issue's public doors: an issuer when the fake has one ---- */

RbIssuer *
rb_access_issuer(RbAccess *access)
{
    (void)access;
    return NULL;
}

json_t *
rb_issuer_jwks(RbIssuer *issuer, gint64 now)
{
    (void)issuer;
    return fake.issuer ? json_pack("{s:[{s:I}]}", "keys", "at", (json_int_t)now) : NULL;
}

json_t *
rb_issuer_discovery(const RbIssuer *issuer)
{
    (void)issuer;
    return fake.issuer ? json_pack("{s:s}", "issuer", "https://bridge.acme.example") : NULL;
}

char *
rb_issuer_metadata(RbIssuer *issuer, gint64 now, GError **error)
{
    (void)issuer, (void)now;
    if (fake.fault)
        (void)rb_fault(error, RB_FAULT_KEYS, "no key");
    else if (!fake.issuer)
        (void)rb_refuse(error, RB_REQUEST_NOT_FOUND, "no issuer");
    else
        return g_strdup("<md:EntityDescriptor/>");
    return NULL;
}

RbProviders *
rb_access_providers(RbAccess *access)
{
    (void)access;
    return NULL;
}

void
rb_access_visit(RbAccess *access, RbVisit *visit, char incident[16])
{
    (void)access;
    g_strlcpy(incident, "7KQ2-M3XF", 16);
    visit->incident = incident;
    visit->now = 1795507200;
}

void
rb_access_refused(RbAccess *access, const RbVisit *visit, const char *what, const GError *error)
{
    (void)access;
    (void)visit;
    (void)error;
    note(&fake.seen_what, what);
    g_atomic_int_inc(&fake.audited);
}

gboolean
rb_access_ready(RbAccess *access, json_t **details)
{
    (void)access;
    *details = json_pack("{s:s}", "store", fake.fault ? "down" : "ok");
    return !fake.fault;
}

RbAccessCounts
rb_access_counts(RbAccess *access)
{
    (void)access;
    return (RbAccessCounts){ .leases = 7 };
}

void
rb_begun_free(RbBegun *begun)
{
    if (begun == NULL)
        return;
    g_free(begun->url);
    rb_secret_unref(begun->browser);
    g_free(begun);
}

RbBegun *
rb_access_begin(RbAccess *access, const RbVisit *visit, const char *provider, const char *browser,
                const char *session, const char *next, gboolean mfa, GError **error)
{
    RbBegun *begun;

    (void)access;
    note(&fake.seen_ip, visit->source_ip);
    note(&fake.seen_provider, provider);
    note(&fake.seen_browser, browser);
    note(&fake.seen_old, session);
    note(&fake.seen_next, next);
    fake.seen_mfa = mfa;
    if (!goes_well(error))
        return NULL;
    begun = g_new0(RbBegun, 1);
    begun->url = g_strdup("https://idp.example/sso?SAMLRequest=x");
    begun->browser = rb_secret_new_text("browser-cookie");
    return begun;
}

void
rb_signed_in_free(RbSignedIn *signed_in)
{
    if (signed_in == NULL)
        return;
    rb_secret_unref(signed_in->session);
    g_free(signed_in->next);
    g_free(signed_in);
}

RbSignedIn *
rb_access_finish(RbAccess *access, const RbVisit *visit, const char *provider, const RbInbound *inbound,
                 const char *browser, const char *old_session, GError **error)
{
    RbSignedIn *signed_in;

    (void)access;
    (void)visit;
    note(&fake.seen_provider, provider);
    note(&fake.seen_browser, browser);
    note(&fake.seen_old, old_session);
    note(&fake.seen_fields, g_hash_table_lookup(inbound->fields, "SAMLResponse"));
    if (!goes_well(error))
        return NULL;
    signed_in = g_new0(RbSignedIn, 1);
    signed_in->session = rb_secret_new_text("new-session");
    signed_in->expires_at = 1795507200 + 28800;
    signed_in->next = g_strdup(fake.idp_url != NULL ? fake.idp_url : "/console?account=1&role=r");
    return signed_in;
}

void
rb_session_free(RbSession *session)
{
    if (session == NULL)
        return;
    rb_identity_unref(session->identity);
    g_free(session->client);
    g_free(session->csrf);
    g_free(session);
}

RbSession *
rb_access_session(RbAccess *access, const RbVisit *visit, const char *token, GError **error)
{
    static const char *const groups[] = { "acme-data-science", NULL };
    RbIdentity facts = { .subject = "subject",
                         .name = fake.name,
                         .provider = "corp",
                         .issuer = "https://idp.example",
                         .groups = groups,
                         .n_groups = 1,
                         .authenticated_at = 1795500000 };
    RbSession *session;

    (void)access;
    (void)visit;
    if (fake.fault) {
        (void)rb_fault(error, RB_FAULT_STORE, "the disk is gone");
        return NULL;
    }
    if (g_strcmp0(fake.session, token) != 0) {
        (void)rb_refuse(error, RB_SESSION_EXPIRED, "no such session");
        return NULL;
    }
    session = g_new0(RbSession, 1);
    session->identity = rb_identity_new(&facts, error);
    g_assert_nonnull(session->identity);
    session->client = g_strdup(fake.client);
    session->csrf = g_strdup("csrf-token");
    session->created_at = 1795500000;
    session->expires_at = 1795528800;
    return session;
}

gboolean
rb_access_sign_out(RbAccess *access, const RbVisit *visit, const RbSession *session, char **idp_url,
                   GError **error)
{
    (void)access;
    (void)visit;
    (void)session;
    note(&fake.seen_what, "signed-out");
    *idp_url = g_strdup(fake.idp_url);
    return goes_well(error);
}

char *
rb_access_logout_message(RbAccess *access, const RbVisit *visit, const char *provider,
                         const RbInbound *inbound, GError **error)
{
    (void)access;
    (void)visit;
    note(&fake.seen_provider, provider);
    note(&fake.seen_raw, inbound->raw_query);
    return goes_well(error) ? g_strdup("https://idp.example/slo?SAMLResponse=x") : NULL;
}

/* ---- clients ---- */

void
rb_client_free(RbClient *client)
{
    if (client == NULL)
        return;
    g_free(client->id);
    rb_secret_unref(client->secret);
    g_free(client->name);
    g_free(client);
}

RbClient *
rb_access_register(RbAccess *access, const RbVisit *visit, const char *name, const char *const *redirect_uris,
                   const char *const *scopes, GError **error)
{
    RbClient *client;

    (void)access;
    (void)visit;
    (void)scopes;
    note(&fake.seen_uri, redirect_uris != NULL ? redirect_uris[0] : NULL);
    if (!goes_well(error))
        return NULL;
    client = g_new0(RbClient, 1);
    client->id = g_strdup("cid-1");
    client->secret = rb_secret_new_text("client-secret");
    client->name = g_strdup(name);
    client->issued_at = 1795507200;
    client->expires_at = 1795507200 + 7776000;
    return client;
}

void
rb_device_free(RbDevice *device)
{
    if (device == NULL)
        return;
    rb_secret_unref(device->device_code);
    g_free(device->user_code);
    g_free(device);
}

RbDevice *
rb_access_device_start(RbAccess *access, const RbVisit *visit, const char *client_id,
                       const char *client_secret, const char *start_url, GError **error)
{
    RbDevice *device;

    (void)access;
    (void)visit;
    (void)client_id;
    (void)client_secret;
    note(&fake.seen_uri, start_url);
    if (!goes_well(error))
        return NULL;
    device = g_new0(RbDevice, 1);
    device->device_code = rb_secret_new_text("device-code");
    device->user_code = g_strdup("BCDF-GHJK");
    device->expires_in_s = 600;
    device->interval_s = 1;
    return device;
}

void
rb_device_ask_free(RbDeviceAsk *ask)
{
    if (ask == NULL)
        return;
    g_free(ask->user_code);
    g_free(ask->client);
    g_free(ask->source_ip);
    g_free(ask);
}

RbDeviceAsk *
rb_access_device_ask(RbAccess *access, const RbVisit *visit, const char *user_code, GError **error)
{
    RbDeviceAsk *ask;

    (void)access;
    (void)visit;
    note(&fake.seen_code, user_code);
    if (!goes_well(error))
        return NULL;
    ask = g_new0(RbDeviceAsk, 1);
    ask->user_code = g_strdup(user_code);
    ask->client = g_strdup("botocore-client-corp");
    ask->source_ip = g_strdup("198.51.100.9");
    ask->started_at = 1795507100;
    ask->expires_at = 1795507700;
    return ask;
}

gboolean
rb_access_device_answer(RbAccess *access, const RbVisit *visit, const RbSession *session,
                        const char *user_code, gboolean allow, GError **error)
{
    (void)access;
    (void)visit;
    (void)session;
    note(&fake.seen_code, user_code);
    fake.seen_allow = allow;
    return goes_well(error);
}

RbClient *
rb_access_authorize_check(RbAccess *access, const RbVisit *visit, const char *client_id,
                          const char *redirect_uri, const char *code_challenge, const char *scopes,
                          GError **error)
{
    RbClient *client;

    (void)access;
    (void)visit;
    (void)code_challenge;
    (void)scopes;
    note(&fake.seen_uri, redirect_uri);
    if (!goes_well(error))
        return NULL;
    client = g_new0(RbClient, 1);
    client->id = g_strdup(client_id);
    client->name = g_strdup("rolebridge on <laptop>");
    return client;
}

RbSecret *
rb_access_authorize(RbAccess *access, const RbVisit *visit, const RbSession *session, const char *client_id,
                    const char *redirect_uri, const char *code_challenge, const char *scopes, GError **error)
{
    (void)access;
    (void)visit;
    (void)session;
    (void)client_id;
    (void)redirect_uri;
    (void)code_challenge;
    (void)scopes;
    return goes_well(error) ? rb_secret_new_text("one-use-code") : NULL;
}

void
rb_tokens_free(RbTokens *tokens)
{
    if (tokens == NULL)
        return;
    rb_secret_unref(tokens->access_token);
    rb_secret_unref(tokens->refresh_token);
    g_free(tokens);
}

RbTokens *
rb_access_token(RbAccess *access, const RbVisit *visit, const RbTokenAsk *ask, GError **error)
{
    RbTokens *tokens;

    (void)access;
    (void)visit;
    note(&fake.seen_grant, ask->grant_type);
    note(&fake.seen_code, ask->code);
    if (!goes_well(error))
        return NULL;
    tokens = g_new0(RbTokens, 1);
    tokens->access_token = rb_secret_new_text("access-token");
    tokens->refresh_token = rb_secret_new_text("refresh-token");
    tokens->expires_in_s = 28800;
    return tokens;
}
