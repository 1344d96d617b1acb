#ifndef RB_ROLEBRIDGECTL_REVIEW_H
#define RB_ROLEBRIDGECTL_REVIEW_H

#include "mapping/mapping.h"
#include "rolebridgectl/command.h"

/* What the commands of a review share. */

/** rb_review_load: (transfer full): the mapping in @asked or the usual place; NULL after telling, as of
 * @command, that there is none or what is wrong with it. */
RbSnapshot *rb_review_load(const char *command, const char *asked);

/** rb_review_print_json: @json on stdout, indented. */
void rb_review_print_json(const json_t *json);

extern const RbCommand rb_command_diff;

#endif
