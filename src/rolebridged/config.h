#ifndef RB_ROLEBRIDGED_CONFIG_H
#define RB_ROLEBRIDGED_CONFIG_H

#include "base/diagnostics.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/yaml.h"
#include "issue/issue.h"
#include "serve/serve.h"

#include <glib.h>

/*
 * rolebridge.yaml → values. Every mistake is reported with its place; a key that is missing has a safe
 * default or is a mistake. What identity providers, `mfa` and `aws` mean, their own rooms say: they get the
 * nodes. docs/configuration.md describes every key.
 */
typedef struct {
    RbYamlDocument *document; /* the nodes and texts below live in it */
    char *base_dir;           /* relative file names start here: where rolebridge.yaml is */
    const char *public_url;
    GStrv listen;
    const RbYaml *tls; /* certificate and key; NULL: clear text */
    char *store;       /* URI with an absolute path */
    char *mappings_dir;
    const RbYaml *identity_providers, *mfa, *aws, *issuer; /* the last three: NULL when not there */
    gint64 session_s, idle_s, token_s, skew_s;
    GStrv trusted_proxies, metrics_from;
    const char *sso_start_url; /* NULL: none */
    guint workers_quick, workers_upstream, loops;
    RbServeLimits limits;
    char *ca_file; /* outgoing; NULL: the system's alone */
    RbLogLevel log_level;
    gboolean log_json;
} RbConfig;

/** rb_config_load: reads @path. Returns: (transfer full): the values, or NULL when the file could not be
 * parsed at all; with errors in @problems they must not be used for anything but finding more of them */
RbConfig *rb_config_load(const char *path, RbDiagnostics *problems);
void rb_config_free(RbConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbConfig, rb_config_free)

/** rb_config_read_tls: the certificate and key as they are on disk now; (out) NULL when there is no `tls`. */
gboolean rb_config_read_tls(const RbConfig *config, GBytes **certificate, RbSecret **key, GError **error);

/** rb_config_secret: the secret that @node names as {file: …}, {env: …} or {credential: …}; NULL after an
 * error in
 * @problems. A secret written in the file itself is an error. */
RbSecret *rb_config_secret(const RbYaml *node, const char *base_dir, RbDiagnostics *problems);

/** rb_config_issuer: what issue/ is told of it; borrowed from @config. @http NULL: for a check. */
RbIssuerSetting rb_config_issuer(const RbConfig *config, RbHttp *http);

/** rb_config_serve: what the server is told of it; borrowed from @config, @certificate and @key. */
RbServeSetting rb_config_serve(const RbConfig *config, GBytes *certificate, const RbSecret *key);

#endif
