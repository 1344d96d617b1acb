#ifndef RB_ROLEBRIDGECTL_CHECK_H
#define RB_ROLEBRIDGECTL_CHECK_H

#include "base/diagnostics.h"

#include <jansson.h>

/** rb_ctl_sarif: (transfer full): @problems as a SARIF 2.1.0 log, for code review; files are named below
 * @directory as it was given. */
json_t *rb_ctl_sarif(const char *directory, RbDiagnostics *problems);

#endif
