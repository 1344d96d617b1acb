#ifndef RB_ROLEBRIDGECTL_REVISION_H
#define RB_ROLEBRIDGECTL_REVISION_H

#include "mapping/mapping.h"

/** rb_revision_mappings: (transfer full): the directory that revisions among @names (OLD, maybe NEW) are
 * asked for: @asked or the usual place; NULL after telling that there is none. Two directories need none. */
char *rb_revision_mappings(const char *asked, char **names);

/**
 * rb_revision_load: @name is a directory, or else a git revision ("main", "HEAD~1", "HEAD:mappings"). Of a
 * revision without a colon, @mappings (a directory, as it is called now) is read; its files are put into a
 * private temporary directory, and are gone on return. Mistakes are told on stderr as of @command.
 * Returns: (transfer full): NULL after telling; @usage: (out): the name was refused
 */
RbSnapshot *rb_revision_load(const char *command, const char *name, const char *mappings, gboolean *usage);

#endif
