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
    gboolean administrator;         /* may do anything in the account */
    gboolean mfa, password;         /* has a second factor, has a password for the console */
    gint64 key_age_s, key_unused_s; /* the latter -1: never used */
} RbBoxUser;

/** An identity provider that an account's administrator has registered. */
typedef struct {
    char *arn;
    GStrv audiences; /* OIDC */
    char *reach;     /* OIDC; NULL: the issuer's own address */
    char *metadata;  /* SAML: a path or an address */
    gint64 max_age_s;
} RbBoxProviderConfig;

/** sandbox.yaml as values; file names are whole paths. */
typedef struct {
    char *public_url, *listen, *listen_clear;
    char *tls_certificate, *tls_key; /* NULL: no TLS listener */
    char *ca_file;                   /* NULL: the system's */
    char *entity_id, *idp_certificate, *idp_key;
    GStrv service_providers;
    gint64 session_s;
    char *openid_rsa, *openid_ec; /* private keys; both NULL: no OpenID Connect provider */
    GPtrArray *clients;           /* RbBoxClient */
    char *ci_key;                 /* NULL: no CI */
    GPtrArray *people;            /* RbBoxPerson */
    GStrv regions;
    char *mappings_dir;  /* NULL: no roles but the hub's */
    char *compiled_file; /* roles as `rolebridgectl compile` prints them, in place of those; or NULL */
    char *hub_account, *hub_role;
    gboolean empty_accounts; /* the accounts have a role for whoever deploys, and nothing else */
    guint iam_page, iam_throttle;
    RbSecret *credentials_token; /* NULL: hands none out */
    GPtrArray *users;            /* RbBoxUser */
    GPtrArray *providers;        /* RbBoxProviderConfig */
} RbBoxConfig;

/** rb_box_config_load: @path NULL: the built-in sample organisation, its file names starting at @dir. */
RbBoxConfig *rb_box_config_load(const char *path, const char *dir, RbDiagnostics *problems);
void rb_box_config_free(RbBoxConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxConfig, rb_box_config_free)

/**
 * rb_box_roles_load: the roles of a mapping directory: each business role in each account that some
 * assignment reaches, trusting what its account's issue.method says: @bridge_arn for `assume-role`, the
 * account's identity provider for `web-identity` and `saml`, the latter with assertions addressed to AWS's
 * sign-in endpoints or @saml_url.
 */
gboolean rb_box_roles_load(const char *directory, const char *bridge_arn, const char *saml_url,
                           RbBoxCloud *cloud, RbDiagnostics *problems);

/** rb_box_roles_deployer: into each account of @directory the role rolebridge-deployer alone, which may do
 * anything and trusts the account @hub. */
gboolean rb_box_roles_deployer(const char *directory, const char *hub, RbBoxCloud *cloud,
                               RbDiagnostics *problems);

/** rb_box_compiled_load: the roles that `rolebridgectl compile` printed into @path, with their policies;
 * trust policies that name AWS's sign-in endpoints take @saml_url too. */
gboolean rb_box_compiled_load(const char *path, const char *saml_url, RbBoxCloud *cloud,
                              RbDiagnostics *problems);

#endif
