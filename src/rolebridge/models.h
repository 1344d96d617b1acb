#ifndef RB_ROLEBRIDGE_MODELS_H
#define RB_ROLEBRIDGE_MODELS_H

#include "rolebridge/cli.h"

/*
 * Rule set files that send the sso and sso-oidc calls of AWS CLIs before 2.13, and of anything else built on
 * botocore, to the bridge: DIR/SERVICE/2019-06-10/endpoint-rule-set-1.json, where DIR is ~/.aws/models or in
 * AWS_DATA_PATH. A file there that is not ours is never touched.
 */

/** rb_models_text: (transfer full): such a file for the bridge at @bridge. */
char *rb_models_text(const char *bridge);
/** rb_models_is_ours: whether a file with this content is one that we wrote, for whichever bridge. */
gboolean rb_models_is_ours(const char *bytes, gsize size);

/** rb_models_apply: has the files below @folder be there (or, with @remove, gone). @dry_run: changes nothing.
 * @changes: how many files that is. FALSE with @error, and nothing more is changed, at a file of others. */
gboolean rb_models_apply(const char *folder, const char *bridge, gboolean remove, gboolean dry_run,
                         guint *changes, GError **error);

#endif
