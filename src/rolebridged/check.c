#include "rolebridged/service.h"

#include "issue/issue.h"
#include "mapping/mapping.h"
#include "verify/verify.h"

#include <stdio.h>
#include <string.h>

static const char *
plural(gsize n)
{
    return n == 1 ? "" : "s";
}

/* The server's own view of addresses, networks and the key: one problem at the file's head. */
static void
check_server(const RbConfig *config, const char *path, RbDiagnostics *problems)
{
    g_autoptr(GBytes) certificate = NULL;
    g_autoptr(RbSecret) key = NULL;
    g_autoptr(GError) why = NULL;
    RbServeSetting setting;
    gboolean fine = rb_config_read_tls(config, &certificate, &key, &why);

    if (fine) {
        setting = rb_config_serve(config, certificate, key);
        fine = rb_serve_check(&setting, &why);
    }
    if (!fine)
        rb_diagnostics_error(problems, path, config->tls == NULL ? 0 : rb_yaml_line(config->tls),
                             config->tls == NULL ? 0 : rb_yaml_column(config->tls), NULL, "%s", why->message);
}

static void
check_store(const RbConfig *config, const char *path, RbDiagnostics *problems)
{
    g_autofree char *folder =
        config->store == NULL ? NULL : g_path_get_dirname(config->store + strlen("sqlite://"));

    if (folder != NULL && !g_file_test(folder, G_FILE_TEST_IS_DIR))
        rb_diagnostics_error(problems, path, 0, 0, "create it, and give it to the service's user",
                             "the store's folder %s is not there", folder);
}

static void
check_own_key(const RbIssuer *issuer, const RbConfig *config, const char *path, RbDiagnostics *problems)
{
    g_autofree char *source = rb_issuer_long_lived(issuer);

    if (source != NULL)
        rb_diagnostics_warning(problems, path, config->aws == NULL ? 0 : rb_yaml_line(config->aws),
                               config->aws == NULL ? 0 : rb_yaml_column(config->aws),
                               "give the service an instance, task or pod role (docs/aws-credentials.md)",
                               "the service would sign with an access key that never expires (%s)", source);
}

/* Whether accounts that trust rolebridge itself can be served. */
static void
check_issuer(const RbIssuer *issuer, const RbSnapshot *snapshot, RbDiagnostics *problems)
{
    RbSigningKeys *keys = rb_issuer_keys(issuer);
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(RbSigningKey) token =
        keys == NULL ? NULL : rb_signing_keys_current(keys, RB_KEY_TOKEN, now, NULL);
    g_autoptr(RbSigningKey) assertion =
        keys == NULL ? NULL : rb_signing_keys_current(keys, RB_KEY_ASSERTION, now, NULL);
    const RbIssuerFacts facts = { .url = rb_issuer_url(issuer),
                                  .signs_tokens = token != NULL,
                                  .signs_assertions = assertion != NULL,
                                  .audience = rb_issuer_audience(issuer),
                                  .entity_id = rb_issuer_entity_id(issuer) };

    rb_snapshot_check_issuer(snapshot, &facts, problems);
}

int
rb_service_check(const char *path)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new(), mapping = rb_diagnostics_new();
    g_autoptr(RbConfig) config = rb_config_load(path, problems);
    g_autoptr(RbProviders) providers = NULL;
    g_autoptr(RbIssuer) issuer = NULL;
    g_autoptr(RbSnapshot) snapshot = NULL;
    RbProviderSetting setting = { 0 };
    RbIssuerSetting how;
    RbSnapshotSize size;

    if (config != NULL) {
        setting = (RbProviderSetting){ config->public_url, config->base_dir, config->skew_s, NULL,
                                       rb_config_secret };
        how = rb_config_issuer(config, NULL);
        if (config->identity_providers != NULL)
            providers = rb_providers_load(config->identity_providers, config->mfa, &setting, problems);
        issuer = rb_issuer_new(&how, problems);
        check_server(config, path, problems);
        check_store(config, path, problems);
        snapshot = rb_snapshot_load(config->mappings_dir, mapping);
        if (snapshot != NULL && providers != NULL) {
            g_autofree const char **ids = rb_providers_ids(providers);
            rb_snapshot_check_providers(snapshot, ids, mapping);
        }
        if (snapshot != NULL)
            check_issuer(issuer, snapshot, mapping);
        if (issuer != NULL)
            check_own_key(issuer, config, path, problems);
    }
    rb_service_print(problems);
    rb_service_print(mapping);
    if (config == NULL || rb_diagnostics_count(problems) + rb_diagnostics_count(mapping) > 0) {
        guint n = rb_diagnostics_count(problems) + rb_diagnostics_count(mapping);
        (void)fprintf(stderr, "rolebridged: %u mistake%s; nothing was started\n", n, plural(n));
        return 1;
    }
    size = rb_snapshot_size(snapshot);
    (void)printf("%s: fine: %u identity provider%s, %u account%s, %u role%s, %u assignment%s\n", path,
                 rb_providers_size(providers), plural(rb_providers_size(providers)), size.n_accounts,
                 plural(size.n_accounts), size.n_roles, plural(size.n_roles), size.n_assignments,
                 plural(size.n_assignments));
    return 0;
}
