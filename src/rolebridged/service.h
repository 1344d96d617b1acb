#ifndef RB_ROLEBRIDGED_SERVICE_H
#define RB_ROLEBRIDGED_SERVICE_H

#include "rolebridged/config.h"

/* The rooms wired together: from a configuration to a service that answers, and back. */
typedef struct RbService RbService;

/** rb_service_new: mistakes in files go to @problems, everything else to @error. Returns: (transfer full): a
 * service that listens, or NULL */
RbService *rb_service_new(RbConfig *config, RbDiagnostics *problems, GError **error);

/** rb_service_free: takes no new requests, lets those under way end, writes down that it stopped. */
void rb_service_free(RbService *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbService, rb_service_free)

/** rb_service_reload_mapping: a bad mapping is shown and refused, the old one stays. */
void rb_service_reload_mapping(RbService *service);
/** rb_service_reload: the mapping, the TLS certificate, the identity providers' keys. */
void rb_service_reload(RbService *service);

/** rb_service_check: everything that can be wrong with @path and what it names, without listening, writing or
 * asking anybody. Prints it all. Returns: the exit status */
int rb_service_check(const char *path);

/** rb_service_print: shows @problems on stderr as a person reads them; nothing when there are none. */
void rb_service_print(RbDiagnostics *problems);

#endif
