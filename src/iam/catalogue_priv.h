#ifndef RB_IAM_CATALOGUE_PRIV_H
#define RB_IAM_CATALOGUE_PRIV_H

#include "iam/catalogue.h"

/* Everything is sorted: keys and actions without case, services and resource types by their bytes. */

typedef struct {
    const char *prefix;
    const RbResourceType *resources;
    const RbAction *actions;
    guint n_resources, n_actions;
} RbService;

typedef struct {
    const char *version;
    const RbConditionKey *keys;
    const RbConditionKey **templates; /* those of them with ${…} in the name */
    const RbService *services;
    const char **prefixes; /* of the services, NULL-terminated */
    guint n_keys, n_templates, n_services;
} RbCatalogue;

/** rb_catalogue_read: (transfer full), for as long as the program runs: @text as src/iam/catalogue.js
 * writes it. That file is ours and compiled in, so a line that is not like that ends the program. */
const RbCatalogue *rb_catalogue_read(const char *text);

#endif
