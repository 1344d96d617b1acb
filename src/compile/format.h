#ifndef RB_COMPILE_FORMAT_H
#define RB_COMPILE_FORMAT_H

#include "compile/compile.h"

/* What is compiled, as others read it. Keys stand in one order: dump with JSON_PRESERVE_ORDER. All (transfer
 * full). docs/compile.md tells what each is for. */

enum { RB_CLOUDFORMATION_RESOURCES = 500 }; /* of one template */

/** rb_compiled_to_json: { accounts: [ … ] } of all; rb_compiled_account_to_json: one of them. */
json_t *rb_compiled_to_json(const RbCompiled *compiled);
json_t *rb_compiled_account_to_json(const RbCompiledAccount *account);

/** rb_compiled_to_cloudformation: a template in JSON; @n (out): its resources. Where the mapping has no SAML
 * metadata, and the account needs it, it is a parameter. */
json_t *rb_compiled_to_cloudformation(const RbCompiledAccount *account, guint *n);

/** rb_compiled_to_terraform: a root module in JSON ("main.tf.json"), for the AWS provider from 5.81. */
json_t *rb_compiled_to_terraform(const RbCompiledAccount *account);

#endif
