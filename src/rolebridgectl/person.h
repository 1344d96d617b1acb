#ifndef RB_ROLEBRIDGECTL_PERSON_H
#define RB_ROLEBRIDGECTL_PERSON_H

#include "identity/identity.h"

/** Somebody as a command line describes them. */
typedef struct {
    const char *name, *provider; /* NULL: somebody; not said */
    char **groups, **attributes; /* attributes: "key=value" */
    gboolean mfa;
} RbPerson;

/** rb_person_identity: (transfer full): the identity that a sign-in of @person at @now gives; NULL after
 * telling, as of @command, that no sign-in could say this. */
RbIdentity *rb_person_identity(const char *command, const RbPerson *person, gint64 now);

#endif
