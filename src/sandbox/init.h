#ifndef RB_SANDBOX_INIT_H
#define RB_SANDBOX_INIT_H

#include <glib.h>

/**
 * rb_box_init: makes what is missing in @dir: a certificate authority (ca.pem, ca.key), a TLS certificate for
 * loopback (tls.*), the identity provider's key (idp.*), the bridge's SAML key (saml.*) and the token for the
 * bridge's AWS credentials (bridge-aws-token). Files that are there stay. @made: (out): how many were made
 */
gboolean rb_box_init(const char *dir, gint64 now, guint *made, GError **error);

#endif
