#include "fixture.h"

#include "support/folder.h"

#include <glib/gstdio.h>

static const char accounts_yaml[] =
    "rolebridge: 1\n"
    "accounts:\n"
    "  - id: \"" ACCOUNT "\"\n"
    "    name: analytics-prod\n"
    "    labels: { env: prod }\n"
    "    issue: { method: assume-role }\n"
    "  - id: \"" SAML_ACCOUNT "\"\n"
    "    name: analytics-dev\n"
    "    issue: { method: saml, provider_arn: \"arn:aws:iam::" SAML_ACCOUNT ":saml-provider/rolebridge\" }\n";
static const char policy_yaml[] = "rolebridge: 1\n"
                                  "policy: look\n"
                                  "task: Look\n"
                                  "statements:\n"
                                  "  - { sid: Look, effect: Allow, action: \"s3:Get*\", resource: \"*\" }\n";
static const char role_yaml[] = "rolebridge: 1\n"
                                "role: data-scientist\n"
                                "title: Data Scientist\n"
                                "owner: leads@acme.example\n"
                                "purpose: Looks.\n"
                                "policies: [look]\n"
                                "session: { default: 1h, max: 1h }\n";
static const char admin_yaml[] = "rolebridge: 1\n"
                                 "role: admin\n"
                                 "title: Admin\n"
                                 "owner: leads@acme.example\n"
                                 "purpose: Administers.\n"
                                 "policies: [look]\n"
                                 "session: { default: 1h, max: 1h }\n"
                                 "privileged: true\n";
static const char assignments_yaml[] =
    "rolebridge: 1\n"
    "assignments:\n"
    "  - { groups: [ds], role: data-scientist, accounts: [analytics-prod] }\n"
    "  - { groups: [adm], role: admin, accounts: [analytics-prod] }\n"
    "  - { groups: [dev], role: data-scientist, accounts: [analytics-dev] }\n";

static gint64
fixture_now(gpointer data)
{
    return ((Fixture *)data)->now;
}

void
fixture_write(const Fixture *f, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(f->mappings, name, NULL);
    g_autofree char *folder = g_path_get_dirname(path);

    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

Fixture *
fixture_new(void)
{
    Fixture *f = g_new0(Fixture, 1);

    f->now = NOW;
    f->folder = g_dir_make_tmp("rb-access-XXXXXX", NULL);
    f->mappings = g_build_filename(f->folder, "mappings", NULL);
    f->uri = g_strconcat("sqlite://", f->folder, "/state.db", NULL);
    fixture_write(f, "accounts.yaml", accounts_yaml);
    fixture_write(f, "policies/look.yaml", policy_yaml);
    fixture_write(f, "roles/data-scientist.yaml", role_yaml);
    fixture_write(f, "roles/admin.yaml", admin_yaml);
    fixture_write(f, "assignments.yaml", assignments_yaml);
    memset(&rb_double_provider_failure, 0, sizeof rb_double_provider_failure);
    memset(&rb_double_issuer_failure, 0, sizeof rb_double_issuer_failure);
    return f;
}

void
fixture_open(Fixture *f, RbStore *store)
{
    const RbAccessSetting setting = {
        .store = store,
        .providers = rb_double_providers(),
        .issuer = rb_double_issuer(),
        .mappings_dir = f->mappings,
        .public_url = "https://bridge.acme.example",
        .session_s = 8 * 3600,
        .idle_s = 3600,
        .token_s = 3600,
        .clock = { fixture_now, f },
    };
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GError) error = NULL;

    f->store = store;
    f->access = rb_access_new(&setting, problems, &error);
    if (f->access == NULL) {
        g_autofree char *text = rb_diagnostics_to_text(problems, FALSE);
        fail_msg("%s\n%s", error->message, text);
    }
}

void
fixture_close(Fixture *f)
{
    g_clear_pointer(&f->access, rb_access_free);
    g_clear_pointer(&f->store, rb_store_free);
}

void
fixture_free(Fixture *f)
{
    fixture_close(f);
    remove_tree(f->folder);
    g_free(f->folder);
    g_free(f->mappings);
    g_free(f->uri);
    g_free(f);
}

int
fixture_setup(void **state)
{
    Fixture *f = fixture_new();
    g_autoptr(GError) error = NULL;
    RbStore *store = rb_store_open(f->uri, &error);

    if (store == NULL)
        fail_msg("%s", error->message);
    fixture_open(f, store);
    *state = f;
    return 0;
}

int
fixture_teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

const RbVisit *
next_visit(Fixture *f)
{
    f->visit = (RbVisit){ .source_ip = "203.0.113.7", .user_agent = "test" };
    rb_access_visit(f->access, &f->visit, f->incident);
    return &f->visit;
}

GHashTable *
fields_new(const char *name, ...)
{
    GHashTable *fields = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    va_list args;

    va_start(args, name);
    for (; name != NULL; name = va_arg(args, const char *))
        g_hash_table_insert(fields, g_strdup(name), g_strdup(va_arg(args, const char *)));
    va_end(args);
    return fields;
}

RbSignedIn *
sign_in_at(Fixture *f, const char *provider, const char *answer, const char *old, GError **error)
{
    g_autoptr(RbBegun) begun =
        rb_access_begin(f->access, next_visit(f), provider, NULL, NULL, "/roles", FALSE, error);
    g_autoptr(GHashTable) fields = NULL;
    g_autofree char *relay = NULL;
    RbInbound inbound = { .method = "POST" };

    if (begun == NULL)
        return NULL;
    relay = g_strdup(strstr(begun->url, "RelayState=") + strlen("RelayState="));
    *strchr(relay, '&') = '\0';
    inbound.fields = fields = fields_new("RelayState", relay, "SAMLResponse", answer, NULL);
    return rb_access_finish(f->access, next_visit(f), provider, &inbound, rb_secret_reveal(begun->browser),
                            old, error);
}

char *
sign_in(Fixture *f)
{
    static guint proofs;
    g_autofree char *answer = g_strdup_printf("a-1|alice|proof-%u|ds|-|-|index-1", proofs++);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSignedIn) signed_in = sign_in_at(f, "corp", answer, NULL, &error);

    if (signed_in == NULL)
        fail_msg("signing in: %s", error->message);
    return g_strdup(rb_secret_reveal(signed_in->session));
}

RbSession *
session_of(Fixture *f, const char *token)
{
    g_autoptr(GError) error = NULL;
    RbSession *session = rb_access_session(f->access, next_visit(f), token, &error);

    if (session == NULL)
        fail_msg("no session: %s", error->message);
    return session;
}

RbRefusalCode
session_code(Fixture *f, const char *token)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSession) session = rb_access_session(f->access, next_visit(f), token, &error);

    return session != NULL ? RB_ACCEPTED : (RbRefusalCode)error->code;
}

/* ---- the audit log ---- */

static gboolean
count_row(const RbAuditRow *row, gpointer data, GError **error)
{
    (void)row, (void)error;
    (*(guint *)data)++;
    return TRUE;
}

guint
audited(const Fixture *f, const char *kind, const char *code)
{
    const RbAuditFilter filter = { .kind = kind, .code = code };
    guint n = 0;

    assert_true(rb_audit_each(f->store, &filter, NULL, count_row, &n, NULL));
    return n;
}

static gboolean
keep_row(const RbAuditRow *row, gpointer data, GError **error)
{
    (void)error;
    *(json_t **)data = json_loadb(row->text, row->size, 0, NULL);
    return FALSE;
}

/* The newest record of @kind. */
static json_t *
audited_row(const Fixture *f, const char *kind)
{
    const RbAuditFilter filter = { .kind = kind, .newest = TRUE };
    json_t *row = NULL;

    assert_true(rb_audit_each(f->store, &filter, NULL, keep_row, &row, NULL));
    return row;
}

char *
audited_text(const Fixture *f, const char *kind, const char *key)
{
    json_t *row = audited_row(f, kind);
    char *text = g_strdup(json_string_value(json_object_get(row, key)));

    json_decref(row);
    return text;
}

char *
audited_claims(const Fixture *f, const char *kind)
{
    json_t *row = audited_row(f, kind);
    char *text = json_dumps(json_object_get(row, "claims"), JSON_COMPACT);

    json_decref(row);
    return text;
}

void
expect_code(const char *name, const GError *error, RbRefusalCode want)
{
    if (error == NULL)
        fail_msg("%s: no refusal", name);
    if (!rb_is_refusal(error, want))
        fail_msg("%s: got %s (%s)", name, rb_outcome(error)->id, error->message);
}

void
expect_fault(const char *name, const GError *error, RbFaultCode want)
{
    if (error == NULL)
        fail_msg("%s: no fault", name);
    if (!g_error_matches(error, RB_FAULT, (int)want))
        fail_msg("%s: got %s (%s)", name, rb_outcome(error)->id, error->message);
}
