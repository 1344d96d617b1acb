#ifndef RB_SANDBOX_CONFIG_H
#define RB_SANDBOX_CONFIG_H

#include "base/diagnostics.h"
#include "base/secret.h"
#include "sandbox/cloud.h"

#include <glib.h>

/** A long-lived key, for trying out what draws a warning. */
typedef struct {
    char *account, *name, *access_key_id;
    RbSecret *secret;
} RbBoxUser;

/** sandbox.yaml as values; file names are whole paths. */
typedef struct {
    char *public_url, *listen, *listen_clear;
    char *tls_certificate, *tls_key; /* NULL: no TLS listener */
    char *ca_file;                   /* NULL: the system's */
    char *entity_id, *idp_certificate, *idp_key;
    GStrv service_providers;
    gint64 session_s;
    GPtrArray *people; /* RbBoxPerson */
    GStrv regions;
    char *mappings_dir; /* NULL: no roles but the hub's */
    char *hub_account, *hub_role;
    RbSecret *credentials_token; /* NULL: hands none out */
    GPtrArray *users;            /* RbBoxUser */
} RbBoxConfig;

/** rb_box_config_load: @path NULL: the built-in sample organisation, its file names starting at @dir. */
RbBoxConfig *rb_box_config_load(const char *path, const char *dir, RbDiagnostics *problems);
void rb_box_config_free(RbBoxConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxConfig, rb_box_config_free)

/**
 * rb_box_roles_load: the roles of a mapping directory: each business role in each account that some
 * assignment reaches, trusting @bridge_arn as its `assume-role` accounts demand. Accounts of other methods
 * get none.
 */
gboolean rb_box_roles_load(const char *directory, const char *bridge_arn, RbBoxCloud *cloud,
                           RbDiagnostics *problems);

#endif
