#ifndef RB_SANDBOX_PROVIDER_H
#define RB_SANDBOX_PROVIDER_H

#include "net/net.h"
#include "sandbox/signature.h"

/* Identity providers as an account's administrator registers them in IAM: OpenID Connect and SAML. */

/** RbBoxFetch: what @url answers, or NULL; @max_age_s is set to what its Cache-Control allows. */
typedef GBytes *(*RbBoxFetch)(gpointer data, const char *url, gint64 *max_age_s, GError **error);

/** rb_box_fetch_http: an RbBoxFetch; @http is an RbHttp. A name without "https://" or "http://" is a file. */
GBytes *rb_box_fetch_http(gpointer http, const char *url, gint64 *max_age_s, GError **error);

typedef struct {
    const char *arn;              /* arn:P:iam::ACCT:oidc-provider/HOST/PATH or …:saml-provider/NAME */
    const char *const *audiences; /* OIDC: the client ids */
    const char *reach;            /* OIDC: where "https://HOST/PATH" is really asked; NULL: there */
    const char *metadata;         /* SAML: a file or an address; read again when a minute old */
    const char *document;         /* SAML: in place of it, the metadata itself */
    gint64 max_age_s;             /* OIDC: keys are never kept longer, whatever Cache-Control says */
    RbBoxFetch fetch;
    gpointer fetch_data;
} RbBoxProviderSpec;

typedef struct RbBoxProvider RbBoxProvider;

/** rb_box_provider_new: NULL with @problem in words. */
RbBoxProvider *rb_box_provider_new(const RbBoxProviderSpec *spec, char **problem);
void rb_box_provider_free(RbBoxProvider *provider);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxProvider, rb_box_provider_free)

const char *rb_box_provider_arn(const RbBoxProvider *provider);
const char *rb_box_provider_account(const RbBoxProvider *provider);
gboolean rb_box_provider_is_saml(const RbBoxProvider *provider);

/** rb_box_provider_name: a SAML provider's name; an OIDC provider's issuer without "https://". */
const char *rb_box_provider_name(const RbBoxProvider *provider);

gboolean rb_box_provider_has_audience(const RbBoxProvider *provider, const char *audience);

/**
 * rb_box_provider_keys: (transfer full): an OIDC provider's JWK set, as its Cache-Control lets AWS keep it
 * (an unknown kid does not shorten that); NULL with IDPCommunicationError or InvalidIdentityToken
 */
GBytes *rb_box_provider_keys(RbBoxProvider *provider, gint64 now, RbAwsError *error);

/** rb_box_provider_metadata: (transfer full): a SAML provider's, or NULL with InvalidIdentityToken. */
GBytes *rb_box_provider_metadata(RbBoxProvider *provider, gint64 now, RbAwsError *error);

#endif
